"""Finding endless repetition in a stream of tokens, while it is written.

Two rules look at each new token. *Tail repetition*: the end of the text is the same block of
`period` tokens again and again. *Low novelty*: nearly every n-gram of a long window has been
written a moment before, which also catches a loop whose counter changes in every round.
Both need some hundred tokens of evidence, because tables, number lists and repeated lines of code
are ordinary text. `tests/bench/loop_false_positives.py` measures how often they are wrong.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Literal

from qwqdesk.conversation import Loop

LoopGuard = Literal["off", "mark", "stop", "close"]

MIN_REPEATS = 3.0
MIN_LENGTH = 128
PERIOD_WEIGHT = 2
ANCHOR = 4
_SHOWN = 60
NGRAM = 6


@dataclass(frozen=True)
class NoveltyRule:
    """A window of tokens, how near a repeat must be to count, and the share that is a loop.

    `regular` is the share of those repeats that must lie about one period back: a counter in a
    sentence keeps its period, a matrix of random bits does not.
    """

    window: int
    distance: int
    share: float
    regular: float


NOVELTY_RULES = (
    NoveltyRule(640, 200, 0.83, 0.7),
    NoveltyRule(2048, 700, 0.8, 0.6),
    NoveltyRule(2048, 120, 0.65, 0.7),
    NoveltyRule(4096, 400, 0.95, 0.0),
)
MIN_NOVELTY_PERIOD = 10
CHECK_EVERY = 16


class LoopDetector:
    """Feed it each generated token id; it answers with the loop at the token that proves it.

    A call costs a few microseconds however long the reply is. `start` is the index of the first
    token that will be pushed, for a detector that begins in the middle of a reply.
    """

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._tail = _TailRepetition()
        self._novelty = _LowNovelty()
        self._found: Loop | None = None
        self._found_by_tail = False

    @property
    def loop(self) -> Loop | None:
        """The loop found so far; its `repeats` grows while the same block goes on.

        What was counted stays, also where something else follows.
        """
        return self._found

    def push(self, token: int) -> Loop | None:
        """Take the next token; the loop when it is first proven, None before and after that.

        The loop's `text` is empty: only the caller knows the tokens' text.
        """
        self._tail.push(token)
        if self._found is not None:
            self._found = self._grown(self._found)
            return None
        self._novelty.push(token)
        if self._tail.is_loop():
            self._found = self._tail.loop(self._start)
            self._found_by_tail = True
        else:
            self._found = self._novelty.loop(self._start)
        return self._found

    def _grown(self, found: Loop) -> Loop:
        latest = self._tail.loop(self._start) if self._found_by_tail else None
        same = latest is not None and latest.from_token == found.from_token
        return latest if latest is not None and same else found


def find_loop(tokens: list[int] | tuple[int, ...]) -> Loop | None:
    """The first loop in a finished reply, with its full number of repeats, or None."""
    detector = LoopDetector()
    found: Loop | None = None
    for token in tokens:
        detector.push(token)
        found = detector.loop or found
    return found


def loop_words(loop: Loop) -> str:
    """The loop in words: ``looped from token 812: 'Wait, let me check. ' x 7``."""
    text = loop.text if len(loop.text) <= _SHOWN else loop.text[: _SHOWN - 1] + "…"
    block = f"{text!r}" if text else f"{loop.period} tokens"
    return f"looped from token {loop.from_token}: {block} x {int(loop.repeats)}"


def needed_length(period: int) -> float:
    """How many tokens a block of `period` tokens must fill before it is called a loop.

    Short blocks must come back many times (a rule of dashes, a row of zeros), long ones thrice.
    """
    return max(MIN_LENGTH + PERIOD_WEIGHT * period, MIN_REPEATS * period)


class _TailRepetition:
    """The longest block repetition that ends at the last token.

    A table of the last place of each `ANCHOR`-gram proposes a period; the period is kept as long
    as every token equals the one a period earlier.
    """

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._last: dict[tuple[int, ...], int] = {}
        self._period = 0
        self._matched = 0

    def push(self, token: int) -> None:
        tokens = self._tokens
        at = len(tokens)
        tokens.append(token)
        key = tuple(tokens[-ANCHOR:])
        before = self._last.get(key)
        self._last[key] = at
        if self._period and tokens[at - self._period] == token:
            self._matched += 1
            return
        self._period = self._matched = 0
        if before is not None and len(key) == ANCHOR:
            self._period = at - before
            self._matched = self._match_length(at, self._period)

    def _match_length(self, at: int, period: int) -> int:
        """How far back from `at` each token equals the one a period earlier, at most a period."""
        tokens = self._tokens
        length = ANCHOR
        limit = min(period, at - period + 1)
        while length < limit and tokens[at - length] == tokens[at - length - period]:
            length += 1
        return length

    def is_loop(self) -> bool:
        return self._period > 0 and self._matched + self._period >= needed_length(self._period)

    def loop(self, start: int) -> Loop | None:
        if not self.is_loop():
            return None
        length = self._matched + self._period
        return Loop(
            from_token=start + len(self._tokens) - length,
            period=self._period,
            repeats=round(length / self._period, 2),
            text="",
        )


class _LowNovelty:
    """The share of n-grams in each window that were written shortly before."""

    def __init__(self) -> None:
        self._at = 0
        self._recent: deque[int] = deque(maxlen=NGRAM)
        self._last: dict[tuple[int, ...], int] = {}
        self._windows = tuple(_Window(rule) for rule in NOVELTY_RULES)

    def push(self, token: int) -> None:
        self._recent.append(token)
        key = tuple(self._recent)
        distance = self._at - self._last.get(key, -(1 << 40))
        self._last[key] = self._at
        self._at += 1
        for window in self._windows:
            window.push(distance)

    def loop(self, start: int) -> Loop | None:
        if self._at % CHECK_EVERY:
            return None
        for window in self._windows:
            period = window.loop_period()
            if period:
                length = window.rule.window + period
                return Loop(
                    from_token=start + max(0, self._at - length),
                    period=period,
                    repeats=round(length / period, 2),
                    text="",
                )
        return None


class _Window:
    """One sliding window of distances to the n-gram's last occurrence; 0 is 'not near'."""

    def __init__(self, rule: NoveltyRule) -> None:
        self.rule = rule
        self._distances: deque[int] = deque(maxlen=rule.window)
        self._near = 0
        self._needed = rule.share * rule.window

    def push(self, distance: int) -> None:
        if len(self._distances) == self.rule.window and self._distances[0]:
            self._near -= 1
        near = distance <= self.rule.distance
        self._distances.append(distance if near else 0)
        self._near += near

    def loop_period(self) -> int:
        """The length of one round if the window is a loop, otherwise 0."""
        if self._near < self._needed:
            return 0
        counts = Counter(distance for distance in self._distances if distance)
        period = counts.most_common(1)[0][0]
        if self.rule.regular == 0.0:
            return period
        slack = 1 + period // 20  # a counter that gains a digit makes the round longer
        near = sum(counts[d] for d in range(period - slack, period + slack + 1))
        regular = near >= self.rule.regular * self._near
        return period if regular and period >= MIN_NOVELTY_PERIOD else 0
