"""The word diff of two texts: what both say, and what only one of them says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from qwqdesk.analysis.alignment import Kind, Segment, align

_WORDS: Final = re.compile(r"\w+|\n|[^\S\n]+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of text; `text` is a's, or b's where only b has it.

    The other numbers are places in characters: `a_start:a_end` of a, `b_start:b_end` of b.
    """

    kind: Kind
    text: str
    a_start: int
    a_end: int
    b_start: int
    b_end: int


@dataclass(frozen=True)
class WordDiff:
    """The pieces of two texts in order: the equal ones and a's make a, the equal ones and b's b."""

    pieces: tuple[Piece, ...]

    @property
    def same(self) -> bool:
        """Whether the texts are equal."""
        return all(piece.kind == "equal" for piece in self.pieces)


def word_diff(a: str, b: str) -> WordDiff:
    """Compare two texts word by word; spaces and signs are items of their own."""
    left, right = _WORDS.findall(a), _WORDS.findall(b)
    segments = _without_islands(align(left, right), left)
    return WordDiff(tuple(_pieces(segments, left, right)))


def _without_islands(segments: Sequence[Segment], words: Sequence[str]) -> Iterator[Segment]:
    """Equal white space between two changes reads better as a part of the change."""
    last = len(segments) - 1
    kept = [
        segment
        for number, segment in enumerate(segments)
        if segment.kind != "equal"
        or number in (0, last)
        or not all(word.isspace() for word in words[segment.a_start : segment.a_end])
    ]
    return _with_changes(kept, segments[-1] if segments else None)


def _with_changes(segments: Sequence[Segment], last: Segment | None) -> Iterator[Segment]:
    """The equal segments; between two of them at most one of a and then one of b."""
    a_at = b_at = 0
    for segment in segments:
        if segment.kind == "equal":
            yield from _change(a_at, segment.a_start, b_at, segment.b_start)
            yield segment
            a_at, b_at = segment.a_end, segment.b_end
    if last is not None:
        yield from _change(a_at, last.a_end, b_at, last.b_end)


def _change(a_start: int, a_end: int, b_start: int, b_end: int) -> Iterator[Segment]:
    if a_end > a_start:
        yield Segment("only_a", a_start, a_end, b_start, b_start)
    if b_end > b_start:
        yield Segment("only_b", a_end, a_end, b_start, b_end)


def _pieces(
    segments: Iterable[Segment], left: Sequence[str], right: Sequence[str]
) -> Iterator[Piece]:
    a_at = list(accumulate(map(len, left), initial=0))
    b_at = list(accumulate(map(len, right), initial=0))
    for segment in segments:
        if segment.kind == "only_b":
            words = right[segment.b_start : segment.b_end]
        else:
            words = left[segment.a_start : segment.a_end]
        yield Piece(
            segment.kind,
            "".join(words),
            a_at[segment.a_start],
            a_at[segment.a_end],
            b_at[segment.b_start],
            b_at[segment.b_end],
        )
