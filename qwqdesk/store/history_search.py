"""Finding chats by parts of words in their titles, texts and answers, the newest first."""

from __future__ import annotations

import heapq
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from qwqdesk.store.grams import fold, match_expression, parts_of
from qwqdesk.store.search_index import KINDS, Kind, text_of

SECONDS: Final = 0.3
_STEPS: Final = 2000  # of SQLite's machine between two looks at the clock, some 20 microseconds
_BEFORE, _SHOWN = 40, 120  # characters of a snippet: before the part, and in all


@dataclass(frozen=True)
class SearchHit:
    """The newest place in one conversation; `source_id` is the conversation, message or reply."""

    conversation_id: int
    title: str
    kind: Kind
    source_id: int
    snippet: str


@dataclass(frozen=True)
class Found:
    """The chats that were found; without `complete` there may be more, older ones."""

    hits: tuple[SearchHit, ...] = ()
    complete: bool = True


def find(connection: sqlite3.Connection, query: str, limit: int, seconds: float = SECONDS) -> Found:
    """Conversations with a text in which every part of `query` is, in any place of a word.

    `Connection.interrupt` ends it, as the time does: what was found until then is returned.
    """
    parts = parts_of(query)
    if not parts:
        return Found()
    end = time.monotonic() + seconds
    hits: dict[int, SearchHit] = {}
    complete = True
    connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
    try:
        for number in _candidates(connection, parts):
            hit = _hit(connection, number, parts, hits)
            if hit is not None:
                hits[hit.conversation_id] = hit
            if len(hits) >= limit:
                break
            if time.monotonic() > end:
                complete = False
                break
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        complete = False
    finally:
        connection.set_progress_handler(None, 0)
    return Found(tuple(hits.values()), complete)


def _candidates(connection: sqlite3.Connection, parts: Sequence[str]) -> Iterator[int]:
    """Texts that may have all parts, the newest first: of the index, and what is not in it yet."""
    with (
        closing(connection.cursor()) as indexed,
        closing(connection.cursor()) as waiting,
    ):
        indexed.execute(
            "SELECT rowid FROM search_grams WHERE search_grams MATCH ? ORDER BY rowid DESC",
            (match_expression(parts),),
        )
        waiting.execute("SELECT id FROM search_texts WHERE indexed = 0 ORDER BY id DESC")
        found = heapq.merge(indexed, waiting, key=lambda row: row[0], reverse=True)
        for row in found:
            yield row[0]


def _hit(
    connection: sqlite3.Connection,
    number: int,
    parts: Sequence[str],
    hits: dict[int, SearchHit],
) -> SearchHit | None:
    place = connection.execute(
        "SELECT kind, source_id, conversation_id FROM search_texts WHERE id = ?", (number,)
    ).fetchone()
    if place is None or place[2] in hits:
        return None
    kind, source_id, chat = place
    text = text_of(connection, kind, source_id)
    folded = fold(text)
    if not all(part in folded for part in parts):
        return None
    head = connection.execute(
        "SELECT title FROM conversations WHERE id = ? AND deleted IS NULL", (chat,)
    ).fetchone()
    if head is None:
        return None
    return SearchHit(chat, str(head[0]), KINDS[kind], source_id, _snippet(text, folded, parts[0]))


def _snippet(text: str, folded: str, part: str) -> str:
    """The text around the first place of a part, on one line."""
    at = folded.index(part)
    if len(folded) != len(text):  # folding makes some letters two: nearly there is near enough
        at = at * len(text) // len(folded)
    first = max(0, at - _BEFORE)
    shown = text[first : first + _SHOWN]
    line = " ".join(shown.split())
    return ("…" if first else "") + line + ("…" if first + _SHOWN < len(text) else "")
