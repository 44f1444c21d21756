"""Searching the chats beside the window."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from PySide6.QtCore import QObject, Signal

from qwqdesk.store.history import History
from qwqdesk.store.history_search import Found
from qwqdesk.store.search_thread import SearchThread

MOST_FOUND: Final = 50


class ChatSearch(QObject):
    """`found` carries a query and its `Found`; of a query that was given up it says nothing."""

    found = Signal(str, object)

    def __init__(self, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self._history = history
        self._thread = None
        if history.path is not None:  # one in memory has no second connection, and is small
            self._thread = SearchThread(history.path, self._emit)

    def search(self, query: str) -> None:
        """Search for this, and no longer for anything else."""
        if self._thread is not None:
            self._thread.search(query, MOST_FOUND)
        else:
            self.found.emit(query, Found(tuple(self._history.search(query, MOST_FOUND))))

    def cancel(self) -> None:
        """Search for nothing."""
        if self._thread is not None:
            self._thread.cancel()

    def index(self) -> None:
        """Fill the index with what is new."""
        if self._thread is not None:
            self._thread.index()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.close()

    def _emit(self, query: str, found: Found) -> None:
        with suppress(RuntimeError):  # the window has gone meanwhile
            self.found.emit(query, found)
