"""A thread that searches, on a connection of its own, and fills the index when nobody searches."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from qwqdesk.store import history_search
from qwqdesk.store.history_search import Found
from qwqdesk.store.search_index import Indexer, open_beside, start_over

_REST_S: Final = 0.02  # between two steps of indexing: the window needs the interpreter too
_TRY_AGAIN_S: Final = 2.0  # another program holds the file, or the disk is full
_log = logging.getLogger(__name__)


class SearchThread:
    """One search at a time: a new one ends the one before. It begins with its first use.

    Args:
        path: of the open history.
        found: gets a query and what was found, on this thread.
    """

    def __init__(self, path: Path, found: Callable[[str, Found], object]) -> None:
        self._path, self._tell = path, found
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._query: tuple[str, int] | None = None
        self._index = self._closing = self._mended = False
        self._searching: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None

    def search(self, query: str, limit: int) -> None:
        """Search for this instead of what is searched for now (any thread)."""
        self._ask(query=(query, limit))

    def cancel(self) -> None:
        """End the search that is under way; nothing is told of it."""
        with self._lock:
            self._query = None
            if self._searching is not None:
                self._searching.interrupt()

    def index(self) -> None:
        """There are new texts to be indexed."""
        self._ask(index=True)

    def close(self) -> None:
        """End the thread and wait for it; a step of indexing takes some 0.1 s."""
        with self._lock:
            self._closing = True
            thread, self._thread = self._thread, None
            if self._searching is not None:
                self._searching.interrupt()
        self._wake.set()
        if thread is not None:
            thread.join()

    def _ask(self, query: tuple[str, int] | None = None, *, index: bool = False) -> None:
        with self._lock:
            if self._closing:
                return
            self._index = self._index or index
            if query is not None:
                self._query = query
                if self._searching is not None:
                    self._searching.interrupt()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="search", daemon=True)
                self._thread.start()
        self._wake.set()

    # ------------------------------------------------------------ on the thread

    def _work(self) -> None:
        try:
            while not self._closing:
                try:
                    with closing(open_beside(self._path)) as connection:
                        self._serve(connection)
                except _IndexDamagedError:
                    self._mend()
        except sqlite3.Error:  # the file is gone, or cannot be opened a second time
            _log.warning("the search has ended", exc_info=True)

    def _serve(self, connection: sqlite3.Connection) -> None:
        rest: float | None = 0.0
        while not self._closing:
            self._wake.wait(rest)
            self._wake.clear()
            with self._lock:
                asked, self._query = self._query, None
            if asked is not None:
                self._search(connection, *asked)
            rest = self._index_more(connection)

    def _search(self, connection: sqlite3.Connection, query: str, limit: int) -> None:
        with self._lock:
            self._searching = connection
        try:
            found = history_search.find(connection, query, limit)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                _log.warning("the search failed", exc_info=True)
                found = Found(complete=False)
            else:
                with self._lock:
                    self._query = self._query or (query, limit)  # once more, with a new index
                raise _IndexDamagedError from error
        finally:
            with self._lock:
                self._searching = None
                newer = self._query is not None or self._closing
        if not newer:
            self._tell(query, found)

    def _index_more(self, connection: sqlite3.Connection) -> float | None:
        """One step; how long to rest before the next one, None when nothing waits."""
        if not self._index or self._closing:
            return None
        try:
            self._index = Indexer(connection).step()
        except sqlite3.OperationalError:
            return _TRY_AGAIN_S
        except sqlite3.DatabaseError as error:
            raise _IndexDamagedError from error
        return _REST_S if self._index else None

    def _mend(self) -> None:
        """The index is derived: a damaged one is made again. Once; then the damage is elsewhere."""
        _log.warning("the search index is damaged", exc_info=True)
        if self._mended:
            raise sqlite3.DatabaseError("the search index is damaged again")
        self._mended = True
        start_over(self._path)
        self._index = True


class _IndexDamagedError(Exception):
    """SQLite makes no sense of the index."""
