"""Follows the downloads as long as the window lives, whichever page is shown.

A finished download is told (a toast; a notification of the desktop when the window is not in
front), the library is looked through again, and the row leaves after some seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import short_size
from qwqdesk.ui.base import UNDO_MS, Toast, announce
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.loading import ModelLoader
from qwqdesk.ui.models.downloads_look import title
from qwqdesk.ui.models.notify import notify
from qwqdesk.ui.tasks import Tasks

if TYPE_CHECKING:
    from qwqdesk.models.queue_item import QueueRow

SHOWN_AFTER_END_MS = 5000
_ENDS = ("done", "failed")


class DownloadWatch(QObject):
    """`changed` says that a download came, went, or is in another state; numbers are not told."""

    changed = Signal()

    def __init__(self, desk: Desk, loader: ModelLoader, tasks: Tasks, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._loader, self._window = desk, loader, window
        self._tasks = tasks
        self._states: dict[str, str] = {}
        self._leaving = QTimer(self)
        self._leaving.setSingleShot(True)
        self._leaving.setInterval(SHOWN_AFTER_END_MS)
        self._leaving.timeout.connect(self._take_finished_out)

    def start(self) -> None:
        """Follow the downloads from now on."""
        self._tasks.start(self._follow(), "downloads")

    async def _follow(self) -> None:
        async for batch in self._desk.downloads.listen():
            self._take(batch)

    def _take(self, batch: Iterable[QueueRow]) -> None:
        changed = False
        for row in batch:
            state = "" if row.gone else row.status.state
            before = self._states.get(row.id, "")
            if state == before:
                continue
            changed = True
            self._states[row.id] = state
            if state in _ENDS:
                self._ended(row)
        if changed:
            self.changed.emit()

    def _ended(self, row: QueueRow) -> None:
        done = row.status.state == "done"
        words = f"{title(row)} is in the library" if done else f"{title(row)} was interrupted"
        if done:
            self._loader.rescan()
            self._leaving.start()
            self._tell(words)
        if not self._window.isActiveWindow():
            QApplication.alert(self._window)
            detail = row.repo if done else row.status.note
            self._tasks.start(asyncio.to_thread(notify, words, detail), "notify")

    def _tell(self, words: str) -> None:
        """A note over the window, unless the row that says it is seen."""
        panel = self._window.findChild(QWidget, "downloadsPanel")
        if panel is not None and panel.isVisible():
            announce(panel, words)
        else:
            Toast(self._window, words)

    # ------------------------------------------------------------ removing, with Undo

    def remove(self, item: str) -> None:
        """Take a download out and offer Undo; what has arrived is deleted when that has gone."""
        row = next((row for row in self._desk.downloads.rows if row.id == item), None)
        if row is None:
            return
        self._desk.downloads.queue.remove(item)
        arrived = f"{short_size(row.status.done)} arrived." if row.status.done else ""
        words = f"{title(row)} removed. {arrived}".strip()
        toast = Toast(self._window, words, "Undo", lambda: self._bring_back(item))
        offered = QTimer(self)
        offered.setObjectName("undoOffered")
        offered.setInterval(UNDO_MS)
        offered.timeout.connect(lambda: self._delete(item, offered, toast))
        offered.start()

    def _bring_back(self, item: str) -> None:
        if not self._desk.downloads.queue.restore(item):
            gone = UserError("The download could not be brought back.", "It was deleted.")
            self._desk.trouble.emit(gone)

    def _delete(self, item: str, offered: QTimer, toast: Toast) -> None:
        """Undo stays while its button has the focus, and so long do the bytes."""
        if shiboken6.isValid(toast) and toast.isVisible():
            return
        offered.stop()
        offered.deleteLater()
        self._desk.downloads.queue.discard(item)

    def _take_finished_out(self) -> None:
        for row in self._desk.downloads.rows:
            if row.status.state == "done":
                self._desk.downloads.queue.remove(row.id)
