"""Places in a text as it was written, and in the same text as it is shown without its markup."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from qwqdesk.analysis.alignment import align

_WORDS: Final = re.compile(r"\w+|\n|[^\S\n]+|[^\w\s]")
_Run = tuple[int, int, int]
"""Where a run of equal characters starts in the source, in what is shown, and its length."""


class PlaceMap:
    """Which character is shown where; both texts have the same words in the same order.

    A place within markup, which is not shown, becomes the next place that is.
    """

    def __init__(self, source: str, shown: str) -> None:
        self._runs = list(_runs(source, shown))
        self._sizes = len(source), len(shown)

    def to_shown(self, place: int) -> int:
        """The place in what is shown."""
        return self._mapped(place, 0)

    def to_source(self, place: int) -> int:
        """The place in what was written."""
        return self._mapped(place, 1)

    def _mapped(self, place: int, side: int) -> int:
        number = bisect_right(self._runs, place, key=lambda run: run[side]) - 1
        if number >= 0:
            run = self._runs[number]
            if place < run[side] + run[2]:
                return run[1 - side] + place - run[side]
        after = number + 1
        return self._runs[after][1 - side] if after < len(self._runs) else self._sizes[1 - side]


def _runs(source: str, shown: str) -> Iterator[_Run]:
    """Equal runs, in order. What is equal at both ends costs next to nothing."""
    lead = 0 if shown.startswith("\n") else len(source) - len(source.lstrip("\n"))
    head = common_length(source[lead:], shown)
    if head:
        yield lead, 0, head
    a, b = source[lead + head :], shown[head:]
    left, right = _WORDS.findall(a), _WORDS.findall(b)
    a_at = list(accumulate(map(len, left), initial=lead + head))
    b_at = list(accumulate(map(len, right), initial=head))
    for segment in align(left, right):
        if segment.kind == "equal":
            length = a_at[segment.a_end] - a_at[segment.a_start]
            yield a_at[segment.a_start], b_at[segment.b_start], length


def common_length(a: str, b: str) -> int:
    """How many characters are equal from the start on, found by comparing halves."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
