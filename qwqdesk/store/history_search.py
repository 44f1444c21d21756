"""The full-text index over titles, users' texts and answers.

The id of an index row is ``3 * id + kind``, so that every row is found without a second table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from qwqdesk.store.database import Database

Kind = Literal["title", "message", "answer"]
_KINDS: tuple[Kind, ...] = ("title", "message", "answer")
_MOST_WORDS = 16
_LONGEST_WORD = 64


@dataclass(frozen=True)
class SearchHit:
    """The best place in one conversation; `source_id` is the conversation, message or reply."""

    conversation_id: int
    title: str
    kind: Kind
    source_id: int
    snippet: str


def put(db: Database, kind: Kind, source_id: int, conversation_id: int, body: str) -> None:
    """Index a text, replacing what was indexed for it before."""
    row = 3 * source_id + _KINDS.index(kind)
    db.write("DELETE FROM search WHERE rowid = ?", (row,))
    if body.strip():
        db.write(
            "INSERT INTO search (rowid, body, conversation_id) VALUES (?, ?, ?)",
            (row, body, conversation_id),
        )


def forget(db: Database, conversation_id: int) -> None:
    """Take a whole conversation out of the index."""
    messages = "SELECT id FROM messages WHERE conversation_id = ?"
    db.write("DELETE FROM search WHERE rowid = ?", (3 * conversation_id,))
    db.write(
        f"DELETE FROM search WHERE rowid IN (SELECT 3 * id + 1 FROM ({messages}))",
        (conversation_id,),
    )
    db.write(
        "DELETE FROM search WHERE rowid IN "
        f"(SELECT 3 * id + 2 FROM replies WHERE message_id IN ({messages}))",
        (conversation_id,),
    )


def find(db: Database, query: str, limit: int) -> list[SearchHit]:
    """Conversations in which every word of `query` begins a word, the best first."""
    expression = match_expression(query)
    if not expression:
        return []
    rows = db.read(
        "SELECT search.rowid AS row, search.conversation_id AS conversation_id, title, "
        # A snippet costs the square of its hits: minutes for a word pasted a million times.
        "CASE WHEN length(search.body) > 20000 THEN substr(search.body, 1, 120) "
        "ELSE snippet(search, 0, '', '', '…', 16) END AS snippet FROM search "
        "JOIN conversations ON conversations.id = search.conversation_id "
        "WHERE search MATCH ? AND conversations.deleted IS NULL "
        "ORDER BY search.rank, conversations.updated DESC LIMIT ?",
        (expression, 8 * limit),
    )
    best: dict[int, SearchHit] = {}
    for row in rows:
        source_id, kind = divmod(row["row"], 3)
        hit = SearchHit(
            row["conversation_id"], row["title"], _KINDS[kind], source_id, row["snippet"]
        )
        best.setdefault(hit.conversation_id, hit)
    return list(best.values())[:limit]


def match_expression(query: str) -> str:
    """An FTS5 expression that cannot be wrong: quoted words as prefixes, nothing else."""
    words = re.findall(r"[^\W_]+", query)[:_MOST_WORDS]
    return " ".join(f'"{word[:_LONGEST_WORD]}"*' for word in words)
