"""Aligning two sequences: which parts are equal, and which stand only in one of them.

Three ideas, in this order, so that 20,000 words against 20,000 need no visible time: cut off the
common beginning and end; anchor on spans that occur exactly once on both sides (patience diff,
after Bram Cohen), first long spans and then single items; align what is left between the anchors
exactly (Myers 1986, "An O(ND) Difference Algorithm"), as far as a fixed number of steps reaches.
A part that no step is left for counts as replaced. The result never depends on the clock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["equal", "only_a", "only_b"]

ANCHOR_LENGTHS = (16, 6, 2, 1)
STEPS = 600_000
MOST_EDITS = 256


@dataclass(frozen=True)
class Segment:
    """Items `a_start:a_end` of a and `b_start:b_end` of b; one range is empty unless equal."""

    kind: Kind
    a_start: int
    a_end: int
    b_start: int
    b_end: int

    @property
    def length(self) -> int:
        """The number of items on the side that has them."""
        return max(self.a_end - self.a_start, self.b_end - self.b_start)


@dataclass(frozen=True)
class _Gap:
    a_start: int
    a_end: int
    b_start: int
    b_end: int

    @property
    def one_sided(self) -> bool:
        return self.a_start == self.a_end or self.b_start == self.b_end


_Match = tuple[int, int, int]
"""Where a run of equal items starts in a, in b, and its length."""


def align(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[Segment, ...]:
    """The segments of two sequences in order; together they cover every item of both."""
    left, right = _numbered(a, b)
    matches = sorted(_Aligner(left, right).matches(_Gap(0, len(left), 0, len(right)), 0))
    return tuple(segments_of(matches, len(left), len(right)))


def segments_of(matches: Sequence[_Match], a_size: int, b_size: int) -> Iterator[Segment]:
    """The segments for runs of equal items, in order; neighbouring runs become one."""
    a_at = b_at = 0
    run: Segment | None = None
    for a_start, b_start, length in (*matches, (a_size, b_size, 0)):
        touches = run is not None and (run.a_end, run.b_end) == (a_start, b_start)
        if run is not None and not (touches and length):
            yield run
        if not touches:
            if a_start > a_at:
                yield Segment("only_a", a_at, a_start, b_at, b_at)
            if b_start > b_at:
                yield Segment("only_b", a_start, a_start, b_at, b_start)
        a_at, b_at = a_start + length, b_start + length
        first = (run.a_start, run.b_start) if touches and run is not None else (a_start, b_start)
        run = Segment("equal", first[0], a_at, first[1], b_at)


def common_prefix(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """How many items are equal from the start on."""
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))


def _numbered(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    numbers: dict[Hashable, int] = {}
    left = [numbers.setdefault(item, len(numbers)) for item in a]
    return left, [numbers.setdefault(item, len(numbers)) for item in b]


class _Aligner:
    """Two sequences of numbers, and how many steps may still be spent on them."""

    def __init__(self, a: list[int], b: list[int]) -> None:
        self._a = a
        self._b = b
        self._steps = STEPS

    def matches(self, gap: _Gap, level: int) -> Iterator[_Match]:
        """Runs of equal items inside a gap. The level says how long anchors are."""
        inner, ends = self._trimmed(gap)
        yield from ends
        if inner.one_sided:
            return
        if level == len(ANCHOR_LENGTHS):
            yield from self._exact(inner)
            return
        anchors = self._anchors(inner, ANCHOR_LENGTHS[level])
        for between in self._between(inner, anchors):
            yield from self.matches(between, level + 1)
        yield from anchors

    def _trimmed(self, gap: _Gap) -> tuple[_Gap, list[_Match]]:
        a, b = self._a, self._b
        a_start, a_end, b_start, b_end = gap.a_start, gap.a_end, gap.b_start, gap.b_end
        while a_start < a_end and b_start < b_end and a[a_start] == b[b_start]:
            a_start, b_start = a_start + 1, b_start + 1
        while a_end > a_start and b_end > b_start and a[a_end - 1] == b[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
        ends = [
            (gap.a_start, gap.b_start, a_start - gap.a_start),
            (a_end, b_end, gap.a_end - a_end),
        ]
        return _Gap(a_start, a_end, b_start, b_end), [end for end in ends if end[2]]

    def _anchors(self, gap: _Gap, length: int) -> list[_Match]:
        """Spans that occur once on both sides, in an order that both sides share, made longer."""
        in_a = _once(self._a, gap.a_start, gap.a_end, length)
        in_b = _once(self._b, gap.b_start, gap.b_end, length)
        pairs = [(at, in_b[key]) for key, at in in_a.items() if key in in_b]
        anchors: list[_Match] = []
        a_done, b_done = gap.a_start, gap.b_start
        for a_at, b_at in _rising(sorted(pairs)):
            if a_at < a_done or b_at < b_done:
                continue
            match = self._grown(a_at, b_at, length, _Gap(a_done, gap.a_end, b_done, gap.b_end))
            anchors.append(match)
            a_done, b_done = match[0] + match[2], match[1] + match[2]
        return anchors

    def _grown(self, a_at: int, b_at: int, length: int, within: _Gap) -> _Match:
        a, b = self._a, self._b
        a_end, b_end = a_at + length, b_at + length
        while a_at > within.a_start and b_at > within.b_start and a[a_at - 1] == b[b_at - 1]:
            a_at, b_at = a_at - 1, b_at - 1
        while a_end < within.a_end and b_end < within.b_end and a[a_end] == b[b_end]:
            a_end, b_end = a_end + 1, b_end + 1
        return a_at, b_at, a_end - a_at

    @staticmethod
    def _between(gap: _Gap, anchors: Sequence[_Match]) -> Iterator[_Gap]:
        a_at, b_at = gap.a_start, gap.b_start
        for a_start, b_start, length in anchors:
            yield _Gap(a_at, a_start, b_at, b_start)
            a_at, b_at = a_start + length, b_start + length
        yield _Gap(a_at, gap.a_end, b_at, gap.b_end)

    def _exact(self, gap: _Gap) -> Iterator[_Match]:
        """Myers' greedy algorithm; nothing when it would take too many edits or steps."""
        a = self._a[gap.a_start : gap.a_end]
        b = self._b[gap.b_start : gap.b_end]
        if not set(a).isdisjoint(b):
            for a_at, b_at, length in _traced(self._frontiers(a, b), len(a), len(b)):
                yield gap.a_start + a_at, gap.b_start + b_at, length

    def _frontiers(self, a: list[int], b: list[int]) -> list[dict[int, int]]:
        """For each number of edits, how far each diagonal reached; [] when that was too many."""
        a_size, b_size = len(a), len(b)
        reached: dict[int, int] = {1: 0}
        history: list[dict[int, int]] = []
        for edits in range(min(a_size + b_size, MOST_EDITS) + 1):
            history.append(reached.copy())
            self._steps -= 2 * edits + 1
            if self._steps < 0:
                return []
            for diagonal in range(-edits, edits + 1, 2):
                down = diagonal == -edits or (
                    diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1]
                )
                x = reached[diagonal + 1] if down else reached[diagonal - 1] + 1
                y = x - diagonal
                while x < a_size and y < b_size and a[x] == b[y]:
                    x, y = x + 1, y + 1
                reached[diagonal] = x
                if x >= a_size and y >= b_size:
                    return history
        return []


def _traced(history: Sequence[dict[int, int]], x: int, y: int) -> Iterator[_Match]:
    """The runs of equal items on the way that Myers' algorithm found, from the end back."""
    for edits in range(len(history) - 1, -1, -1):
        reached, diagonal = history[edits], x - y
        down = diagonal == -edits or (
            diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1]
        )
        before = diagonal + 1 if down else diagonal - 1
        x_from = reached[before] if edits else 0
        y_from = x_from - before if edits else 0
        x_run = x_from + (0 if down or not edits else 1)
        if x > x_run:
            yield x_run, x_run - diagonal, x - x_run
        x, y = x_from, y_from


def _once(items: list[int], start: int, end: int, length: int) -> dict[Hashable, int]:
    """Spans of this length that occur exactly once between two places, with where."""
    if length == 1:
        keys: Iterator[Hashable] = iter(items[start:end])
    else:
        keys = zip(*(items[start + shift : end] for shift in range(length)), strict=False)
    places: dict[Hashable, int] = {}
    for at, key in enumerate(keys, start):
        places[key] = -1 if key in places else at
    return {key: at for key, at in places.items() if at >= 0}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest selection of pairs in which the second numbers rise (patience sorting)."""
    tails: list[int] = []
    tail_index: list[int] = []
    previous: list[int] = []
    for index, (_, value) in enumerate(pairs):
        pile = bisect_left(tails, value)
        previous.append(tail_index[pile - 1] if pile else -1)
        if pile == len(tails):
            tails.append(value)
            tail_index.append(index)
        else:
            tails[pile], tail_index[pile] = value, index
    chosen: list[tuple[int, int]] = []
    at = tail_index[-1] if tail_index else -1
    while at >= 0:
        chosen.append(pairs[at])
        at = previous[at]
    return chosen[::-1]
