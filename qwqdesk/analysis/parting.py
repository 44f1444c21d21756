"""How far two lanes wrote the same: known as soon as the token exists, each is compared once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from qwqdesk.analysis.alignment import common_prefix
from qwqdesk.analysis.place_map import common_length
from qwqdesk.analysis.token_items import WrittenTokens, same_vocabulary

PartingKind = Literal["open", "same", "cut", "differ"]
PARTING_KINDS: Final[tuple[PartingKind, ...]] = ("open", "same", "cut", "differ")


@dataclass(frozen=True)
class Parting:
    """What is known of two lanes a and b, as a code with its numbers.

    - open: equal so far, and at least one of them still writes.
    - same: both have ended after the same tokens.
    - cut: equal as far as both go; the shorter one was cut off (stopped, a limit, a loop, an
      error), so nobody knows whether it would have gone on like the other.
    - differ: they part. Ending by itself where the other goes on counts as a difference.

    `same` counts the tokens that are equal from the start on. Where the vocabularies differ, the
    lanes are compared `by_text`: then it counts characters, because token numbers of the one mean
    nothing in the other. `a` and `b` are the tokens from which on the lanes differ, each counted
    from 0 in its own lane; None unless they differ.
    """

    kind: PartingKind
    same: int = 0
    by_text: bool = False
    a: int | None = None
    b: int | None = None

    @property
    def token(self) -> int | None:
        """The first differing token; None where there is none that could be compared."""
        return None if self.by_text else self.b


class LiveParting:
    """The parting of two lanes that may still write."""

    def __init__(self) -> None:
        self.now = Parting("open")

    def update(self, a: WrittenTokens, b: WrittenTokens) -> Parting:
        """Compare what came since the last call."""
        if self.now.kind != "differ":
            by_text = not same_vocabulary(a.vocabulary, b.vocabulary)
            same = self.now.same if by_text == self.now.by_text else 0
            self.now = _by_text(a, b, same) if by_text else _by_ids(a, b, same)
        return self.now


def parting(a: WrittenTokens, b: WrittenTokens) -> Parting:
    """How far two lanes wrote the same."""
    return LiveParting().update(a, b)


def parting_json(found: Parting) -> dict[str, object]:
    """The keys of a `divergence` row that say it: `kind`, `token`, `same` and its `unit`."""
    unit = "characters" if found.by_text else "tokens"
    return {"kind": found.kind, "token": found.token, "same": found.same, "unit": unit}


def parting_of(row: Mapping[str, object]) -> Parting | None:
    """The parting that a `divergence` row tells of; None where it tells of none.

    Rows of older documents have nothing but the token, null where the lanes were equal.
    """
    token, same, kind = row.get("token"), row.get("same"), row.get("kind")
    same = same if type(same) is int and same >= 0 else 0
    if type(token) is int and token >= 0:
        return Parting("differ", token, a=token, b=token)
    if token is not None:
        return None
    by_text = row.get("unit") == "characters"
    known = kind if kind in PARTING_KINDS else "same"
    return Parting(known, same, by_text)


def _by_ids(a: WrittenTokens, b: WrittenTokens, same: int) -> Parting:
    shorter = min(len(a.ids), len(b.ids))
    same += common_prefix(a.ids[same:shorter], b.ids[same:shorter])
    kind = _kind(a, b, same, (len(a.ids), len(b.ids)))
    return Parting(kind, same, a=same, b=same) if kind == "differ" else Parting(kind, same)


def _by_text(a: WrittenTokens, b: WrittenTokens, same: int) -> Parting:
    same += common_length(a.text[same:], b.text[same:])
    kind = _kind(a, b, same, (len(a.text), len(b.text)))
    if kind != "differ":
        return Parting(kind, same, by_text=True)
    return Parting(kind, same, True, _token_at(a, same), _token_at(b, same))


def _kind(a: WrittenTokens, b: WrittenTokens, same: int, sizes: tuple[int, int]) -> PartingKind:
    if same < min(sizes):
        return "differ"
    if sizes[0] == sizes[1]:
        return "open" if a.growing or b.growing else "same"
    shorter = a if sizes[0] < sizes[1] else b
    if shorter.growing:
        return "open"
    return "differ" if shorter.whole else "cut"


def _token_at(lane: WrittenTokens, char: int) -> int:
    """The token that writes a character; about there in old replies that do not say it."""
    if len(lane.ends) == len(lane.ids):
        return bisect_right(lane.ends, char)
    return len(lane.ids) * char // max(1, len(lane.text))
