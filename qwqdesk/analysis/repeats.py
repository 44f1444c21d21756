"""The longest repeat and the shares of different n-grams, kept up to date while tokens come."""

from __future__ import annotations

from collections.abc import Sequence

from qwqdesk.analysis.statistics import RepeatedSpan

NGRAMS = (1, 2, 3, 4)


class GrowingRepeats:
    """Feed it tokens as they come; every answer is that of `statistics` for all of them.

    The longest repeat comes from a suffix automaton (Blumer et al. 1985): it holds every span
    written so far, grows by one token in constant time on average, and after each token knows the
    longest end of the text that was written before. About 2 microseconds a token.
    """

    def __init__(self) -> None:
        self.count = 0
        self._next: list[dict[int, int]] = [{}]
        self._link = [-1]
        self._length = [0]
        self._first_end = [0]  # how many tokens had come when the state's spans first ended
        self._last = 0
        self._best: RepeatedSpan | None = None
        self._recent: list[int] = []
        self._grams: dict[int, set[tuple[int, ...]]] = {n: set() for n in NGRAMS}

    def feed(self, tokens: Sequence[int]) -> None:
        """Take the next tokens."""
        self._feed_grams(tokens)
        # Written out in one loop: calls would cost more than the work.
        following, link, length, ends = self._next, self._link, self._length, self._first_end
        last, count = self._last, self.count
        best = self._best.length if self._best else 0
        for token in tokens:
            count += 1
            state = len(following)
            following.append({})
            length.append(count)
            ends.append(count)
            link.append(0)
            at = last
            while at >= 0 and token not in following[at]:
                following[at][token] = state
                at = link[at]
            if at >= 0:
                link[state] = self._target(at, token)
            last = state
            repeated = length[link[state]]
            if repeated > best:
                best = repeated
                self._best = RepeatedSpan(best, ends[link[state]] - best, count - best)
        self._last, self.count = last, count

    @property
    def longest(self) -> RepeatedSpan | None:
        """The longest span that stands at two places, which may overlap."""
        return self._best

    def distinct(self, n: int) -> float | None:
        """The share of different n-grams (n from 1 to 4); None when fewer tokens came."""
        total = self.count - n + 1
        return len(self._grams[n]) / total if total > 0 else None

    def _feed_grams(self, tokens: Sequence[int]) -> None:
        joined = [*self._recent, *tokens]
        for n, seen in self._grams.items():
            # Of the tokens before, only those that an n-gram with a new token needs.
            part = joined[max(0, len(self._recent) - n + 1) :]
            seen.update(zip(*(part[shift:] for shift in range(n)), strict=False))
        self._recent = joined[-(max(NGRAMS) - 1) :]

    def _target(self, at: int, token: int) -> int:
        """The state of the span that ends at `at` and goes on with `token`; split off if needed."""
        following, link, length = self._next, self._link, self._length
        found = following[at][token]
        if length[at] + 1 == length[found]:
            return found
        split = len(following)
        following.append(following[found].copy())
        length.append(length[at] + 1)
        self._first_end.append(self._first_end[found])
        link.append(link[found])
        link[found] = split
        while at >= 0 and following[at].get(token) == found:
            following[at][token] = split
            at = link[at]
        return split
