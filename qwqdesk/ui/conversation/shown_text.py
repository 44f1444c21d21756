"""Several documents read as one text, and places of it found in them again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from qwqdesk.ui.conversation.answer import TextView


class ShownText:
    """The text of some views at this moment, with a gap of line ends between them."""

    def __init__(self, views: Sequence[TextView], gap: str) -> None:
        self.views = list(views)
        texts = [view.marks.text() for view in self.views]
        self.text = gap.join(texts)
        self._gap = len(gap)
        self._starts: list[int] = []
        at = 0
        for text in texts:
            self._starts.append(at)
            at += len(text) + len(gap)

    def find(self, place: int) -> tuple[TextView, int] | None:
        """The view that shows a place, and the place in that view; None without views."""
        number = bisect_right(self._starts, place) - 1
        if number < 0:
            return None
        return self.views[number], min(place, self._end(number)) - self._starts[number]

    def place(self, view: TextView, place: int) -> int:
        """The place in the whole text of a place in one view."""
        return self._starts[self.views.index(view)] + place

    def ranges(self, start: int, end: int) -> Iterator[tuple[TextView, int, int]]:
        """A stretch of the text as stretches of single views."""
        number = max(0, bisect_right(self._starts, start) - 1)
        while number < len(self.views) and self._starts[number] < end:
            first = self._starts[number]
            low, high = max(start, first), min(end, self._end(number))
            if low < high:
                yield self.views[number], low - first, high - first
            number += 1

    def _end(self, number: int) -> int:
        """Where a view's text ends in the whole."""
        after = number + 1
        return self._starts[after] - self._gap if after < len(self._starts) else len(self.text)
