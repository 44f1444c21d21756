"""A run on the screen: which lanes the present turn's events belong to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from qwqdesk.engine.events import Loaded, LoadProgress, ProcessorShared, ThreadsUsed
from qwqdesk.lane_failure import failure_error
from qwqdesk.model_turns import TurnBegan, TurnEvent, TurnFailed
from qwqdesk.processor_words import phase_words
from qwqdesk.run_plan import MessageSaved, RunBegan
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.model_picker import file_title


class ShownRun(QObject):
    """Takes the events of a run and shows them in its lanes.

    `saved`: where the message is kept, as the session said it. `began_first`: the first lanes run.
    `model_changed`: another model was loaded for a turn. `threads_told`: a `ProcessorShared` or
    `ThreadsUsed` of the engine.
    """

    began_first = Signal()
    model_changed = Signal()
    threads_told = Signal(object)

    def __init__(
        self, view: ConversationView, text: str | None, lanes: Sequence[Lane], times: int = 1
    ) -> None:
        """`times`: how often each lane runs; it shows the last of them."""
        super().__init__()
        self.began = False
        self._begun: set[Lane] = set()
        self.sends = text is not None  # else a message is answered that is there already
        self.saved: MessageSaved | None = None
        self._times = times
        self._view, self._text, self.lanes = view, text, tuple(lanes)
        self._turn: tuple[Lane, ...] = self.lanes
        self._model = ""

    def wants(self, lane: Lane) -> bool:
        """Whether a lane still writes in this run, or will."""
        return lane in self.lanes and (lane not in self._begun or self._view.writes(lane))

    def number_of(self, lane: Lane) -> int | None:
        """The lane's number in this run, whether it has begun or not."""
        return self.lanes.index(lane) if lane in self.lanes else None

    def take(self, event: TurnEvent) -> None:
        """Show one event."""
        if isinstance(event, TurnBegan):
            self._begin_turn(event)
        elif isinstance(event, TurnFailed):
            lanes = [self.lanes[number] for number in event.lanes]
            self._begun.update(lanes)
            kept = event.failure
            self._view.fail(lanes, failure_error(kept) if kept is not None else event.error)
        elif isinstance(event, LoadProgress):
            self._view.wait(self._turn, self._load_words(event))
        elif isinstance(event, Loaded):
            self.model_changed.emit()
        elif isinstance(event, ProcessorShared | ThreadsUsed):
            self.threads_told.emit(event)
            self._view.take(event)
        elif isinstance(event, MessageSaved):
            self.saved = event
            self._view.conversation_id = event.conversation_id
        elif isinstance(event, RunBegan):
            self._begun.update(self._turn)
            every = [lane for lane in self._turn for _ in range(self._times)]
            if not self.began:
                self._view.ask(event.message_id, self._text, self.lanes)
            self._view.begin(event, every, again=self._text is None)
            if not self.began:
                self.began = True
                self.began_first.emit()
        else:
            self._view.take(event)

    def _load_words(self, event: LoadProgress) -> str:
        if event.phase != "weights":
            return f"{phase_words(event.phase)} ({self._model})"
        share = f" {event.fraction:.0%}" if event.fraction else ""
        return f"Loading {self._model}{share}"

    def _begin_turn(self, turn: TurnBegan) -> None:
        self._turn = tuple(self.lanes[number] for number in turn.lanes)
        self._model = file_title(Path(turn.model)) if turn.model is not None else ""
        if turn.turns > 1 and turn.number == 1:
            later = [lane for lane in self.lanes if lane not in self._turn]
            self._view.wait(later, "Waits for its model")
