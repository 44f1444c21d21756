"""Closing the window while the history lacks something that was written: asks first."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.ui.conversation.run_controller import RunController
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import choose
from qwqdesk.ui.tasks import Tasks

RUN_END_S: Final = 1.8  # for lanes to stop and be saved
_SAVE, _CLOSE = "Save again", "Close anyway"


class Closing:
    """Says whether the window may close at once; where not, it closes it when all is settled.

    What runs is stopped first: only then it is known whether its end can be saved. Nothing here
    waits for longer than `RUN_END_S`, but for the user.
    """

    def __init__(self, desk: Desk, runs: RunController, tasks: Tasks, parent: QWidget) -> None:
        self._desk, self._runs, self._tasks, self._parent = desk, runs, tasks, parent
        self._settled = self._settling = False

    def may_close(self) -> bool:
        """Whether nothing would be lost; else the user is asked, and the window closed again."""
        running = self._runs.view is not None
        if self._settled or not (running or self._desk.session.unsaved.trouble is not None):
            return True
        if not self._settling:
            self._settling = True
            self._tasks.start(self._settle(), "closing")
        return False

    async def _settle(self) -> None:
        try:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._runs.stopped(), RUN_END_S)
            self._settled = await self._is_settled()
        finally:
            self._settling = False
        if self._settled:
            self._parent.window().close()

    async def _is_settled(self) -> bool:
        """Whether all is saved, or the user does without it."""
        unsaved = self._desk.session.unsaved
        reason = unsaved.trouble
        while reason is not None and unsaved.trouble is not None:
            text = f"{reason.what} What is not saved is lost when you close the window."
            title = "Some replies are not saved"
            answer = await choose(self._parent, title, text, (_SAVE, _CLOSE), danger=_CLOSE)
            if answer != _SAVE:
                return answer == _CLOSE
            try:
                unsaved.save_again()
            except UserError as error:
                reason = error
            else:
                return True
        return True
