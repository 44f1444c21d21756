"""Runs: from Send to the last token, and what stops them. One at a time, as in the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_turns import LanePlace, ModelTurns, SameThought, TurnEvent
from qwqdesk.run_plan import RunOptions
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.shown_run import ShownRun
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.tasks import Tasks

FRAME_S = 1 / 30


class RunController(QObject):
    """`changed`: a run began or ended; `began` and `refused` tell the composer what to do."""

    changed = Signal()
    began = Signal(object)  # the view whose message is saved now
    failed = Signal(object, object)  # view, UserError: the message is saved, nothing ran
    refused = Signal(object, object)  # view, UserError: nothing was sent

    def __init__(self, desk: Desk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tasks = tasks
        self._view: ConversationView | None = None
        self._turns: ModelTurns | None = None

    @property
    def view(self) -> ConversationView | None:
        """The view that streams now."""
        return self._view

    # ------------------------------------------------------------ starting

    def send(self, view: ConversationView, text: str, options: RunOptions) -> None:
        """Send a message to all lanes of a view, model by model."""
        turns = self._turns_for(view.columns.setups(), options)
        batches = turns.send(text, conversation_id=view.conversation_id)
        self._start(view, turns, batches, text, view.lanes)

    def regenerate(self, view: ConversationView, lane: Lane, options: RunOptions) -> None:
        """Answer the newest message once more in one lane."""
        if view.conversation_id is None or not view.message_id:
            return
        self.answer(view, [lane], options)

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
        if view.conversation_id is None or not view.message_id:
            return
        turns = self._turns_for(setups or [lane.setup for lane in lanes], options)
        batches = turns.answer(view.conversation_id, view.message_id)
        self._start(view, turns, batches, None, lanes)

    def answer_again(
        self,
        view: ConversationView,
        lanes: Sequence[Lane],
        setups: Sequence[LaneSetup],
        options: RunOptions,
        thought: SameThought,
    ) -> None:
        """Draw only the answers again, behind a reply's reasoning; each lane shows its newest."""
        if view.conversation_id is None or not view.message_id:
            return
        turns = self._turns_for(setups, options)
        batches = turns.answer_again(view.conversation_id, view.message_id, thought)
        self._start(view, turns, batches, None, lanes, thought.times)

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
        if self._view is not None:
            self.refused.emit(
                view,
                UserError(
                    "Another chat is being answered.", "Wait for its end or stop it.", code="busy"
                ),
            )
            return
        self._view, self._turns = view, turns
        self.changed.emit()
        shown = ShownRun(view, text, lanes, times)
        self._tasks.start(self._stream(view, batches, shown), "run")

    # ------------------------------------------------------------ streaming

    async def _stream(
        self,
        view: ConversationView,
        batches: AsyncGenerator[list[TurnEvent], None],
        shown: ShownRun,
    ) -> None:
        shown.began_first.connect(lambda: self.began.emit(view))
        shown.model_changed.connect(self._desk.model_changed)
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
            self._view = self._turns = None
            try:
                if shown.began:
                    view.end_run(error)
                elif error is not None:
                    self._refuse(view, error, shown)
            except UserError as caught:  # the history cannot be read: the run is over all the same
                self._desk.trouble.emit(caught)
        self.changed.emit()
        self._desk.history_changed.emit()

    def _refuse(self, view: ConversationView, error: UserError, shown: ShownRun) -> None:
        """Where the message was saved before the run failed, it is shown with the error."""
        if shown.saved is None:
            self.refused.emit(view, error)
            return
        view.show_conversation(self._desk.history.load(shown.saved.conversation_id))
        for lane in view.lanes:
            lane.fail(error)
        self.failed.emit(view, error)

    # ------------------------------------------------------------ stopping

    def stop(self) -> None:
        """Stop all lanes; what was written stays."""
        if self._turns is not None:
            self._turns.stop()

    def stop_lane(self, lane: Lane) -> None:
        """Stop one lane; the others go on."""
        if self._view is None:
            return
        for number in self._view.target_numbers(lane):
            self._desk.session.stop(number)

    def answer_now(self, lane: Lane) -> None:
        """Let a lane end its reasoning and answer; the others go on."""
        for number in self._view.target_numbers(lane) if self._view is not None else ():
            self._desk.session.answer_now(number)

    async def stopped(self) -> None:
        """Stop what runs and wait until it is saved."""
        self.stop()
        while self._view is not None:
            await asyncio.sleep(0.02)
