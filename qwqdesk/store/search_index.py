"""The search index: which texts there are, in the order of their time, and what is in them.

`search_texts` has one row for each title, user's text and answer; it is written with them, costs
next to nothing, and its ids grow with time. `search_grams` has the pieces of each text under the
same id (see grams.py). It is filled later, beside the window (`Indexer`), the newest first: neither
saving nor starting waits for it, and what is not in it yet is searched by reading.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

from qwqdesk.store.grams import index_text

Kind = Literal["title", "message", "answer"]
KINDS: tuple[Kind, ...] = ("title", "message", "answer")
# Every printable character belongs to a piece; only the line ends between them do not.
_PUNCTUATION: Final = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~".replace('"', '""')
CREATE_GRAMS: Final = (
    "CREATE VIRTUAL TABLE search_grams USING fts5 (grams, content = '', columnsize = 0, "
    f"detail = none, tokenize = \"ascii tokenchars '{_PUNCTUATION}'\")"
)
_FORGET: Final = "INSERT INTO search_grams (search_grams, rowid, grams) VALUES ('delete', ?, ?)"
_TEXTS: Final = {
    0: "SELECT title FROM conversations WHERE id = ?",
    1: "SELECT text FROM messages WHERE id = ?",
    2: "SELECT answer FROM replies WHERE id = ?",
}
_BATCH: Final = 50  # texts
_BATCH_CHARACTERS: Final = 100_000


def enqueue_all(connection: sqlite3.Connection) -> None:
    """Every title, text and answer waits for its indexing, in the order of their time."""
    connection.execute(
        "INSERT OR IGNORE INTO search_texts (kind, source_id, conversation_id) "
        "SELECT 0, id, id FROM conversations ORDER BY id"
    )
    connection.execute(
        "INSERT OR IGNORE INTO search_texts (kind, source_id, conversation_id) "
        "SELECT kind, source, chat FROM ("
        "SELECT 1 AS kind, id AS source, conversation_id AS chat, id AS message FROM messages "
        "UNION ALL SELECT 2, replies.id, conversation_id, message_id FROM replies "
        "JOIN messages ON messages.id = message_id) ORDER BY message, kind, source"
    )


def enqueue(
    connection: sqlite3.Connection, kind: Kind, source_id: int, conversation_id: int
) -> None:
    """A new text waits for its indexing; `forget` was called before, if there was an older one."""
    connection.execute(
        "INSERT OR IGNORE INTO search_texts (kind, source_id, conversation_id) VALUES (?, ?, ?)",
        (KINDS.index(kind), source_id, conversation_id),
    )


def text_of(connection: sqlite3.Connection, kind: int, source_id: int) -> str:
    """The text that a row of `search_texts` stands for; empty where it is gone."""
    row = connection.execute(_TEXTS.get(kind, _TEXTS[0]), (source_id,)).fetchone()
    return row[0] if row is not None and isinstance(row[0], str) else ""


def forget(connection: sqlite3.Connection, kind: Kind, source_id: int) -> None:
    """Take a text out of the index; called before the text changes or goes."""
    _forget(connection, "kind = ? AND source_id = ?", (KINDS.index(kind), source_id))


def forget_conversation(connection: sqlite3.Connection, conversation_id: int) -> None:
    """Take all texts of a conversation out, before they go."""
    _forget(connection, "conversation_id = ?", (conversation_id,))


def _forget(connection: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    rows = connection.execute(
        f"SELECT id, kind, source_id, indexed FROM search_texts WHERE {where}", values
    ).fetchall()
    for row in rows:
        connection.execute("DELETE FROM search_texts WHERE id = ?", (row[0],))
        if row[3]:
            # A damaged index costs no chat: what is left in it points to no text.
            with suppress(sqlite3.DatabaseError):
                pieces = index_text(text_of(connection, row[1], row[2]))
                connection.execute(_FORGET, (row[0], pieces))


class Indexer:
    """Indexes what waits, in short transactions, on a connection of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def step(self) -> bool:
        """Index some texts, the newest that wait; whether there are more.

        The pieces are made before the database is locked, so that nobody waits for long. Another
        program may do the same work: each text is indexed once.
        """
        waiting = self._connection.execute(
            "SELECT id, kind, source_id FROM search_texts WHERE indexed = 0 "
            f"ORDER BY id DESC LIMIT {_BATCH}"
        ).fetchall()
        made: list[tuple[int, str, str]] = []
        size = 0
        for row in waiting:
            text = text_of(self._connection, row[1], row[2])
            made.append((row[0], text, index_text(text)))
            size += len(text)
            if size > _BATCH_CHARACTERS:
                break
        if made:
            self._write(made, {row[0]: (row[1], row[2]) for row in waiting})
        return len(made) < len(waiting) or len(waiting) == _BATCH

    def _write(self, made: list[tuple[int, str, str]], places: dict[int, tuple[int, int]]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for number, text, pieces in reversed(made):  # FTS5 wants ids that grow
                still = connection.execute(
                    "UPDATE search_texts SET indexed = 1 WHERE id = ? AND indexed = 0", (number,)
                ).rowcount
                if still and text_of(connection, *places[number]) == text:
                    connection.execute(
                        "INSERT INTO search_grams (rowid, grams) VALUES (?, ?)", (number, pieces)
                    )
                elif still:  # it has changed meanwhile: the next step takes it
                    connection.execute(
                        "UPDATE search_texts SET indexed = 0 WHERE id = ?", (number,)
                    )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def start_over(path: Path) -> None:
    """Empty a damaged index; everything waits again. Connections that used it are opened anew.

    FTS5 refuses to open, even to drop, a table of whose rows it can make no sense; so its own
    tables get the rows of a new one. Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(":memory:")) as new, closing(open_beside(path)) as connection:
        new.execute(CREATE_GRAMS)
        connection.execute("BEGIN IMMEDIATE")
        for table in ("data", "idx", "config"):
            rows = new.execute(f"SELECT * FROM search_grams_{table}").fetchall()
            connection.execute(f"DELETE FROM search_grams_{table}")
            for row in rows:
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO search_grams_{table} VALUES ({marks})", row)
        connection.execute("UPDATE search_texts SET indexed = 0")
        connection.execute("COMMIT")


def open_beside(path: Path, busy_seconds: float = 1.0) -> sqlite3.Connection:
    """A further connection to an open history, for one thread that is not the window's."""
    connection = sqlite3.connect(
        path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def index_everything(connection: sqlite3.Connection, seconds: float = float("inf")) -> bool:
    """Index until nothing waits, for so long at most; whether nothing waits."""
    indexer, end = Indexer(connection), time.monotonic() + seconds
    while indexer.step():
        if time.monotonic() > end:
            return False
    return True
