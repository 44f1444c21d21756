"""A streaming reply in pieces: each save writes what is new, not the whole reply once more.

A row of `replies` is written when its reply begins and when it ends. In between `reply_pieces` has
one row for each save; ``id = reply * 2**24 + number`` keeps them in order and beside each other, so
that a save touches one page. Whoever reads an unfinished reply joins them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from qwqdesk.conversation import Reply, Usage
from qwqdesk.store import rows
from qwqdesk.store.database import Database

_NUMBERS = 1 << 24  # a reply of half a year, saved each second


@dataclass(frozen=True)
class Written:
    """A reply as it was saved last; `pieces` are how many rows it has."""

    text: str = ""
    reasoning: str | None = None
    answer: str = ""
    tokens: Sequence[int] = ()
    ends: Sequence[int] = ()
    probabilities: Sequence[float] = ()
    usage: Usage = field(default_factory=Usage)
    pieces: int = 0

    def followed_by(self, now: Written) -> bool:
        """Whether `now` is this and more; of `ends` the last ones may have changed."""
        return (
            now.text.startswith(self.text)
            and (now.reasoning or "").startswith(self.reasoning or "")
            and (self.reasoning is None or now.reasoning is not None)
            and now.answer.startswith(self.answer)
            and list(now.tokens[: len(self.tokens)]) == list(self.tokens)
            and len(now.probabilities) >= len(self.probabilities)
            and self.pieces < _NUMBERS
        )


def add(db: Database, reply_id: int, before: Written, now: Written) -> Written:
    """Save what `now` has more than `before`; what is saved then. Raises UserError."""
    kept = _shared(before.ends, now.ends)
    thoughts = now.reasoning
    if thoughts is not None:
        thoughts = rows.clean(thoughts[len(before.reasoning or "") :])
    db.write(
        "INSERT INTO reply_pieces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            reply_id * _NUMBERS + before.pieces,
            rows.clean(now.text[len(before.text) :]),
            thoughts,
            rows.clean(now.answer[len(before.answer) :]),
            rows.pack_tokens(now.tokens[len(before.tokens) :]),
            kept,
            rows.pack_tokens(now.ends[kept:]),
            rows.pack_shares(now.probabilities[len(before.probabilities) :]),
            rows.dump(now.usage),
        ),
    )
    return replace(now, pieces=before.pieces + 1)


def joined(reply: Reply, found: Sequence[sqlite3.Row]) -> Reply:
    """An unfinished reply with its pieces; one that cannot be read is left out."""
    texts, answers, tokens = [reply.text], [reply.answer], list(reply.tokens)
    thoughts = [] if reply.reasoning is None else [reply.reasoning]
    ends, shares, usage = list(reply.ends), list(reply.probabilities), reply.usage
    for row in found:
        texts.append(rows.text_of(row["text"]))
        answers.append(rows.text_of(row["answer"]))
        if row["reasoning"] is not None:
            thoughts.append(rows.text_of(row["reasoning"]))
        tokens += rows.unpack_tokens(row["tokens"])
        del ends[max(0, rows.whole_of(row["ends_kept"])) :]
        ends += rows.unpack_tokens(row["ends"])
        shares += rows.unpack_shares(row["probabilities"])
        usage = rows.usage_of(row["usage"])
    return replace(
        reply,
        text="".join(texts),
        reasoning="".join(thoughts) if thoughts else None,
        answer="".join(answers),
        tokens=tuple(tokens),
        ends=tuple(ends),
        probabilities=tuple(shares),
        usage=usage,
    )


def of(db: Database, reply_id: int) -> list[sqlite3.Row]:
    """The pieces of a reply, in their order."""
    return db.read(
        "SELECT * FROM reply_pieces WHERE id BETWEEN ? AND ? ORDER BY id", _range(reply_id)
    )


def remove(db: Database, reply_id: int) -> None:
    """Forget the pieces: the reply's own row has everything."""
    db.write("DELETE FROM reply_pieces WHERE id BETWEEN ? AND ?", _range(reply_id))


def _range(reply_id: int) -> tuple[int, int]:
    return reply_id * _NUMBERS, (reply_id + 1) * _NUMBERS - 1


def _shared(before: Sequence[int], now: Sequence[int]) -> int:
    """How many numbers both begin with; only the last ones ever differ."""
    shared = min(len(before), len(now))
    if list(before[:shared]) == list(now[:shared]):
        return shared
    return next(n for n in range(shared) if before[n] != now[n])
