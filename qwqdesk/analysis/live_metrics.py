"""The numbers of a reply that is still being written: each update costs what came since the last.

The values are those of `metrics.lane_metrics`, which takes a whole reply at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from qwqdesk.analysis.code_blocks import CodeBlock, code_blocks
from qwqdesk.analysis.code_check import CodeCheck, check_block, names_of
from qwqdesk.analysis.loops import LoopDetector
from qwqdesk.analysis.metrics import LaneMetrics, LaneResult, measured
from qwqdesk.analysis.repeats import GrowingRepeats
from qwqdesk.analysis.statistics import ZLIB_LEVEL
from qwqdesk.conversation import Loop

MOST_BLOCKS = 64  # so many of a reply's blocks are checked


@dataclass(frozen=True)
class _Checked:
    """A block's check, for the names that earlier blocks define, and the names that it defines."""

    known: frozenset[str]
    check: CodeCheck
    names: frozenset[str]


class _Grown:
    """What was measured of one reply so far."""

    def __init__(self) -> None:
        self.tokens, self.text = 0, ""
        self.repeats = GrowingRepeats()
        self.loop: Loop | None = None
        self._detector = LoopDetector()
        self._packer = zlib.compressobj(ZLIB_LEVEL)
        self._bytes = self._packed = 0

    def take(self, tokens: Sequence[int], text: str) -> None:
        """The whole reply as it is now; it begins with what came before."""
        fresh = tokens[self.tokens :]
        self.repeats.feed(fresh)
        push = self._detector.push
        for token in fresh:
            push(token)
        self.loop = self._detector.loop
        raw = text[len(self.text) :].encode("utf-8", "replace")
        self._packed += len(self._packer.compress(raw))
        self._bytes += len(raw)
        self.tokens, self.text = len(tokens), text

    def compression(self) -> float | None:
        if not self._bytes:
            return None
        return self._bytes / (self._packed + len(self._packer.copy().flush()))


class LiveMetrics:
    """One lane's numbers. A reply that does not go on from the one before starts anew."""

    def __init__(self) -> None:
        self._grown = _Grown()
        self._checks: dict[CodeBlock, _Checked] = {}

    def update(self, result: LaneResult, answer: str, *, finished: bool = True) -> LaneMetrics:
        """The numbers of the reply as far as it is written.

        `result.code` is not looked at: the blocks of `answer` are checked here, those that are
        closed, and when the lane has `finished` also a last one without its end.
        """
        grown = self._grown
        if len(result.tokens) < grown.tokens or not result.text.startswith(grown.text):
            grown = self._grown = _Grown()
        grown.take(result.tokens, result.text)
        self._check(answer, finished)
        return measured(
            replace(result, code=self.checks),
            loop=_with_text(grown.loop, result.loop),
            distinct=grown.repeats.distinct,
            longest=grown.repeats.longest,
            compression=grown.compression(),
        )

    @property
    def checks(self) -> tuple[CodeCheck, ...]:
        """The checks of the last update, in the order of the answer."""
        return tuple(entry.check for entry in self._checks.values())

    def _check(self, answer: str, finished: bool) -> None:
        found = (b for b in code_blocks(answer) if b.is_python and (b.closed or finished))
        blocks = tuple(islice(found, MOST_BLOCKS))
        kept, self._checks = self._checks, {}
        known: frozenset[str] = frozenset()
        for block in blocks:
            entry = kept.get(block)
            if entry is None or entry.known != known:
                entry = _Checked(known, check_block(block, known), names_of([block]))
            self._checks[block] = entry
            known |= entry.names


def _with_text(found: Loop | None, known: Loop | None) -> Loop | None:
    """The loop with its repeats up to now, and the text that the lane's guard knows."""
    if found is None or known is None:
        return found or known
    return replace(found, text=known.text) if known.from_token == found.from_token else found
