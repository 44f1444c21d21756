"""Runs: from Send to the last token, and what stops them. One at a time, as in the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import shiboken6
from PySide6.QtCore import QObject, Signal

from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_turns import LanePlace, ModelTurns, SameThought, TurnEvent
from qwqdesk.run_plan import RunOptions
from qwqdesk.ui.base import announce
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.shown_run import ShownRun
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.engine_use import busy_error, waiting_words
from qwqdesk.ui.tasks import Tasks

FRAME_S = 1 / 30
_OTHERS: Final = "Waits until the other lanes have ended."


@dataclass(frozen=True)
class _Waiting:
    """Lanes that will answer a message again as soon as the engine is free."""

    view: ConversationView
    message_id: int
    lanes: tuple[Lane, ...]
    begin: Callable[[], None]

    @property
    def wanted(self) -> bool:
        """Whether its lanes are still there, and still at that message."""
        return (
            shiboken6.isValid(self.view)
            and self.view.message_id == self.message_id
            and all(lane in self.view.lanes for lane in self.lanes)
        )


class RunController(QObject):
    """`changed`: a run began or ended; `began` and `refused` tell the composer what to do.

    A message is sent only while the engine is free. To answer one again waits for that: the lanes
    say so, and can be called back. `unwanted`: lanes of this view wait no longer.
    """

    changed = Signal()
    unwanted = Signal(object)
    began = Signal(object, bool)  # the view whose message is saved now, whether it is a new one
    failed = Signal(object, object)  # view, UserError: the message is saved, nothing ran
    refused = Signal(object, object)  # view, UserError: nothing was sent

    def __init__(self, desk: Desk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tasks = tasks
        self._view: ConversationView | None = None
        self._turns: ModelTurns | None = None
        self._shown: ShownRun | None = None
        self._waiting: list[_Waiting] = []
        desk.engine_use_changed.connect(self._begin_waiting)

    @property
    def view(self) -> ConversationView | None:
        """The view that streams now."""
        return self._view

    @property
    def views(self) -> set[ConversationView]:
        """The views that are needed also while another is shown: they stream, or lanes wait."""
        needed = {waiting.view for waiting in self._waiting}
        return needed | {self._view} if self._view is not None else needed

    def waits(self, view: ConversationView) -> bool:
        """Whether lanes of this view wait for the engine."""
        return any(waiting.view is view for waiting in self._waiting)

    # ------------------------------------------------------------ waiting

    def _begin_or_wait(
        self, view: ConversationView, lanes: Sequence[Lane], begin: Callable[[], None]
    ) -> None:
        """Begin now, or as soon as the engine is free. A lane that writes does nothing else."""
        shown = self._shown
        if shown is not None and any(shown.wants(lane) for lane in lanes):
            announce(view, "This lane is still writing")
            return
        self.call_back(view, lanes)
        if not self._desk.engine_use:
            begin()
            return
        self._waiting.append(_Waiting(view, view.message_id, tuple(lanes), begin))
        here = self._view is view
        words = _OTHERS if here else waiting_words(self._desk.engine_use)
        for lane in lanes:
            lane.output.bands.show_waiting(words, partial(self.call_back, view, lanes))

    def call_back_all(self) -> None:
        """Nothing waits any longer: the program ends."""
        self._drop(self._waiting)

    def call_back(self, view: ConversationView, lanes: Sequence[Lane]) -> None:
        """These lanes are to wait no longer; nor are those that would run with them."""
        found = [w for w in self._waiting if not set(w.lanes).isdisjoint(lanes)]
        self._drop(found)
        if found:
            self.unwanted.emit(view)

    def _drop(self, found: Sequence[_Waiting]) -> None:
        self._waiting = [waiting for waiting in self._waiting if waiting not in found]
        for lane in (lane for waiting in found for lane in waiting.lanes):
            if shiboken6.isValid(lane):
                lane.output.bands.hide_waiting()

    def _begin_waiting(self) -> None:
        """The engine is free: the first that waits begins."""
        self._drop([waiting for waiting in self._waiting if not waiting.wanted])
        if not self._desk.engine_use and self._waiting:
            waiting = self._waiting[0]
            self._drop([waiting])
            waiting.begin()

    # ------------------------------------------------------------ starting

    def send(self, view: ConversationView, text: str, options: RunOptions) -> None:
        """Send a message to all lanes of a view, model by model."""
        turns = self._turns_for(view.columns.setups(), options)
        batches = turns.send(text, conversation_id=view.conversation_id)
        self._start(view, turns, batches, text, view.lanes)

    def regenerate(
        self, view: ConversationView, lanes: Sequence[Lane], options: RunOptions
    ) -> None:
        """Answer the newest message once more in these lanes."""
        if view.conversation_id is None or not view.message_id:
            return
        self.answer(view, lanes, options)

    def answer(
        self,
        view: ConversationView,
        lanes: Sequence[Lane],
        options: RunOptions,
        setups: Sequence[LaneSetup] | None = None,
    ) -> None:
        """Answer the newest message in these lanes, for the first time or once more.

        `setups` stand in place of the lanes' own for this run.
        """

        def begin() -> None:
            if view.conversation_id is not None and view.message_id:
                turns = self._turns_for(setups or [lane.setup for lane in lanes], options)
                batches = turns.answer(view.conversation_id, view.message_id)
                self._start(view, turns, batches, None, lanes)

        self._begin_or_wait(view, lanes, begin)

    def answer_again(
        self,
        view: ConversationView,
        lanes: Sequence[Lane],
        setups: Sequence[LaneSetup],
        options: RunOptions,
        thought: SameThought,
    ) -> None:
        """Draw only the answers again, behind a reply's reasoning; each lane shows its newest."""

        def begin() -> None:
            if view.conversation_id is not None and view.message_id:
                turns = self._turns_for(setups, options)
                batches = turns.answer_again(view.conversation_id, view.message_id, thought)
                self._start(view, turns, batches, None, lanes, thought.times)

        self._begin_or_wait(view, lanes, begin)

    def _turns_for(self, setups: Sequence[LaneSetup], options: RunOptions) -> ModelTurns:
        """Where each lane runs. Without own models all run on the chosen one, in one turn."""
        session, asked = self._desk.session, self._desk.settings.engine
        chosen = self._desk.model
        loaded = Path(chosen.model.path) if chosen is not None else None
        settings = self._desk.model_settings
        places = []
        for setup in setups:
            own = Path(setup.model) if setup.model else loaded
            on = settings if own == loaded else asked
            places.append(LanePlace(setup, own, on, options))
        return ModelTurns(session, places)

    def _start(
        self,
        view: ConversationView,
        turns: ModelTurns,
        batches: AsyncGenerator[list[TurnEvent], None],
        text: str | None,
        lanes: Sequence[Lane],
        times: int = 1,
    ) -> None:
        if self._desk.engine_use:
            self.refused.emit(view, busy_error(self._desk.engine_use))
            return
        self._view, self._turns = view, turns
        self._shown = shown = ShownRun(view, text, lanes, times)
        self._desk.use_engine("chat")
        self.changed.emit()
        self._tasks.start(self._stream(view, batches, shown), "run")

    # ------------------------------------------------------------ streaming

    async def _stream(
        self,
        view: ConversationView,
        batches: AsyncGenerator[list[TurnEvent], None],
        shown: ShownRun,
    ) -> None:
        shown.began_first.connect(lambda: self.began.emit(view, shown.sends))
        shown.model_changed.connect(self._desk.model_changed)
        shown.threads_told.connect(self._desk.threads_told)
        error: UserError | None = None
        try:
            async with aclosing(batches):
                async for batch in batches:
                    for event in batch:
                        shown.take(event)
                    await asyncio.sleep(FRAME_S)
        except UserError as caught:
            error = caught
        except Exception as caught:
            error = UserError("A fault of the program ended the run.", "Try again.")
            self._desk.report(caught)
        finally:
            self._view = self._turns = self._shown = None
            try:
                if shown.began:
                    view.end_run(error)
                elif error is not None:
                    self._refuse(view, error, shown)
            except UserError as caught:  # the history cannot be read: the run is over all the same
                self._desk.trouble.emit(caught)
            self._desk.use_engine("")  # what waits begins
        self.changed.emit()
        self._desk.history_changed.emit()

    def _refuse(self, view: ConversationView, error: UserError, shown: ShownRun) -> None:
        """Where the message was saved before the run failed, its lanes show the error."""
        if shown.saved is not None:
            view.show_conversation(self._desk.history.load(shown.saved.conversation_id))
            self.failed.emit(view, error)
        elif shown.sends or not view.show_failures(shown.lanes):
            self.refused.emit(view, error)

    # ------------------------------------------------------------ stopping

    def stop(self) -> None:
        """Stop all lanes; what was written stays. What waits in the same chat is called back."""
        if self._view is not None:
            self._drop([waiting for waiting in self._waiting if waiting.view is self._view])
        if self._turns is not None:
            self._turns.stop()

    def stop_lane(self, lane: Lane) -> None:
        """Stop one lane; the others go on."""
        if self._view is None:
            return
        for number in self._view.target_numbers(lane):
            self._desk.session.stop(number)

    def leave_out(self, view: ConversationView, lane: Lane) -> None:
        """A lane goes: it is not asked, or it is stopped; the others go on."""
        self.call_back(view, [lane])
        number = self._shown.number_of(lane) if self._shown is not None else None
        if self._turns is not None and number is not None:
            self._turns.leave_out(number)

    def answer_now(self, lane: Lane) -> None:
        """Let a lane end its reasoning and answer; the others go on."""
        for number in self._view.target_numbers(lane) if self._view is not None else ():
            self._desk.session.answer_now(number)

    async def stopped(self) -> None:
        """Stop what runs and wait until it is saved."""
        self.stop()
        while self._view is not None:
            await asyncio.sleep(0.02)
