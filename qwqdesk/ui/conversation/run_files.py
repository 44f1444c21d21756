"""Saving the shown run as a file, and opening such a file as a conversation."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.stored_document import document_of, import_run
from qwqdesk.stored_run import StoredRun, read_run
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import open_file, save_file
from qwqdesk.ui.tasks import Tasks
from qwqdesk.whole_file import write_whole

RUN_FILES = "Runs (*.json);;All files (*)"
_LONGEST_NAME = 60


class RunFiles(QObject):
    """`opened`: a file became this conversation; its mode goes with it."""

    opened = Signal(object, str)  # conversation id, mode
    troubled = Signal(object)  # UserError, about the conversation that is shown then

    def __init__(
        self, desk: Desk, tasks: Tasks, shown: Callable[[], ConversationView], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._desk, self._tasks, self._view, self._widget = desk, tasks, shown, parent

    def save(self) -> None:
        """Ask where, and write the manifest of the shown run."""
        self._tasks.start(self._guard(self._save), "save run")

    def open(self) -> None:
        """Ask for a file and open it."""
        self._tasks.start(self._guard(self._open), "open run")

    async def save_to(self, path: Path) -> None:
        """Write the shown run's document.

        Raises:
            UserError: nothing to save, or the disk refused.
        """
        lanes = [lane for lane in self._view().lanes if lane.reply_id and lane.has_text]
        replies = [self._desk.history.reply(lane.reply_id) for lane in lanes]
        if not replies:
            raise UserError("There is no run to save.", "Send a message first.", code="empty_run")
        if any(reply.finish_reason is None for reply in replies):
            raise UserError(
                "A lane is still generating.", "Save the run when it has ended.", code="busy"
            )
        try:
            await asyncio.to_thread(lambda: write_whole(path, _json(document_of(replies))))
        except OSError as error:
            raise UserError(
                f"{path.name} cannot be written: {error.strerror or error}.",
                "Choose another place or make room.",
                code="disk",
            ) from error

    async def open_from(self, path: Path) -> None:
        """Open a run that was saved; from whom it may come.

        Raises:
            UserError: it is no such file, or says too little.
        """
        run = await asyncio.to_thread(read_run, path)
        new = import_run(self._desk.history, run, self._desk.recipes_by_id())
        self._desk.history_changed.emit()
        self.opened.emit(new, run.mode)
        for note in _notes(run):
            self.troubled.emit(note)

    async def _save(self) -> None:
        name = re.sub(r"[^\w -]+", "", self._view().title)[:_LONGEST_NAME].strip() or "run"
        path = await save_file(self._widget, "Save manifest", f"{name}.json", RUN_FILES)
        if path is not None:
            await self.save_to(path)
            Toast(self._widget, "Manifest saved")

    async def _open(self) -> None:
        path = await open_file(self._widget, "Open manifest", RUN_FILES)
        if path is not None:
            await self.open_from(path)

    async def _guard(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except UserError as error:
            self.troubled.emit(error)


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _notes(run: StoredRun) -> list[UserError]:
    """What the new conversation does not have of the run."""
    if sum(message.role == "user" for message in run.lanes[0].prompt.messages) < 2:
        return []
    what = "The run's earlier messages are part of its prompt, but not of this chat."
    return [UserError(what, "Running it again uses the whole prompt.")]
