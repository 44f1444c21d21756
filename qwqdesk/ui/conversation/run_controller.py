"""Runs: from Send to the last token, and what stops them. One at a time, as in the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from PySide6.QtCore import QObject, Signal

from qwqdesk.errors import UserError
from qwqdesk.run_plan import RunBegan, RunOptions, SessionEvent
from qwqdesk.ui.conversation.lane import Lane
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

    @property
    def view(self) -> ConversationView | None:
        """The view that streams now."""
        return self._view

    # ------------------------------------------------------------ starting

    def send(self, view: ConversationView, text: str, options: RunOptions) -> None:
        """Send a message to all lanes of a view."""
        lanes = list(view.lanes)
        batches = self._desk.session.send(
            text,
            view.columns.setups(),
            options,
            conversation_id=view.conversation_id,
        )
        self._start(view, batches, text, lanes)

    def regenerate(self, view: ConversationView, lane: Lane, options: RunOptions) -> None:
        """Answer the newest message once more in one lane."""
        if view.conversation_id is None or not view.message_id:
            return
        batches = self._desk.session.regenerate(
            view.conversation_id, view.message_id, lane.setup, options
        )
        self._start(view, batches, None, [lane])

    def _start(
        self,
        view: ConversationView,
        batches: AsyncGenerator[list[SessionEvent], None],
        text: str | None,
        lanes: Sequence[Lane],
    ) -> None:
        if self._view is not None:
            self.refused.emit(
                view,
                UserError("Another chat is being answered.", "Wait for its end or stop it."),
            )
            return
        self._view = view
        self.changed.emit()
        self._tasks.start(self._stream(view, batches, text, lanes), "run")

    # ------------------------------------------------------------ streaming

    async def _stream(
        self,
        view: ConversationView,
        batches: AsyncGenerator[list[SessionEvent], None],
        text: str | None,
        lanes: Sequence[Lane],
    ) -> None:
        saved_before = self._saved_messages(view)
        began = False
        error: UserError | None = None
        try:
            async with aclosing(batches):
                async for batch in batches:
                    for event in batch:
                        if isinstance(event, RunBegan):
                            began = True
                            view.begin(event, text, lanes)
                            self.began.emit(view)
                        else:
                            view.take(event)
                    await asyncio.sleep(FRAME_S)
        except UserError as caught:
            error = caught
        except Exception as caught:
            error = UserError("A fault of the program ended the run.", "Try again.")
            self._desk.report(caught)
        finally:
            self._view = None
            if began:
                view.end_run(error)
        if error is not None and not began:
            self._refuse(view, error, saved_before)
        self.changed.emit()
        self._desk.history_changed.emit()

    def _saved_messages(self, view: ConversationView) -> tuple[int, int]:
        """The newest conversation and how many messages the view's has."""
        newest = self._desk.history.conversations(1)
        newest_id = max((item.id for item in newest), default=0)
        if view.conversation_id is None:
            return newest_id, 0
        return newest_id, len(self._desk.history.load(view.conversation_id).messages)

    def _refuse(self, view: ConversationView, error: UserError, before: tuple[int, int]) -> None:
        """Where the message was saved before the run failed, it is shown with the error."""
        newest, count = self._saved_messages(view)
        if view.conversation_id is None and newest != before[0]:
            view.conversation_id = newest
            saved = True
        else:
            saved = view.conversation_id is not None and count != before[1]
        if not saved or view.conversation_id is None:
            self.refused.emit(view, error)
            return
        view.show_conversation(self._desk.history.load(view.conversation_id))
        for lane in view.lanes:
            lane.fail(error)
        self.failed.emit(view, error)

    # ------------------------------------------------------------ stopping

    def stop(self) -> None:
        """Stop all lanes; what was written stays."""
        self._desk.session.stop()

    def stop_lane(self, lane: Lane) -> None:
        """Stop one lane; the others go on."""
        if self._view is None:
            return
        number = self._view.target_number(lane)
        if number is not None:
            self._desk.session.stop(number)

    async def stopped(self) -> None:
        """Stop what runs and wait until it is saved."""
        self.stop()
        while self._view is not None:
            await asyncio.sleep(0.02)
