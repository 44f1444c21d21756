"""The numbers of a reply that is still being written: each update costs what came since the last.

The values are those of `metrics.lane_metrics`, which takes a whole reply at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from qwqdesk.analysis.code_blocks import CodeBlock, code_blocks
from qwqdesk.analysis.code_check import CodeCheck, check_block
from qwqdesk.analysis.loops import LoopDetector
from qwqdesk.analysis.metrics import LaneMetrics, LaneResult, measured
from qwqdesk.analysis.repeats import GrowingRepeats
from qwqdesk.analysis.statistics import ZLIB_LEVEL
from qwqdesk.conversation import Loop

MOST_BLOCKS = 64  # so many checks are kept


class LiveMetrics:
    """One lane's numbers. A reply that does not go on from the one before starts anew."""

    def __init__(self) -> None:
        self._forget()
        self._checks: dict[CodeBlock, CodeCheck] = {}

    def update(self, result: LaneResult, answer: str, *, finished: bool = True) -> LaneMetrics:
        """The numbers of the reply as far as it is written.

        `result.code` is not looked at: the blocks of `answer` are checked here, those that are
        closed, and when the lane has `finished` also a last one without its end.
        """
        tokens, text = result.tokens, result.text
        if len(tokens) < self._taken or not text.startswith(self._text):
            self._forget()
        fresh = tokens[self._taken :]
        self._repeats.feed(fresh)
        for token in fresh:
            self._detector.push(token)
            self._loop = self._detector.loop or self._loop
        self._taken = len(tokens)
        self._take_text(text)
        checks = self._check(answer, finished)
        return measured(
            replace(result, code=checks),
            loop=self._found_loop(result.loop),
            distinct=self._repeats.distinct,
            longest=self._repeats.longest,
            compression=self._compression(),
        )

    @property
    def checks(self) -> tuple[CodeCheck, ...]:
        """The checks of the last update, in the order of the answer."""
        return self._last_checks

    def _forget(self) -> None:
        self._taken, self._text, self._bytes = 0, "", 0
        self._repeats = GrowingRepeats()
        self._detector = LoopDetector()
        self._loop: Loop | None = None
        self._packer = zlib.compressobj(ZLIB_LEVEL)
        self._packed = 0
        self._last_checks: tuple[CodeCheck, ...] = ()

    def _take_text(self, text: str) -> None:
        raw = text[len(self._text) :].encode("utf-8", "replace")
        self._text, self._bytes = text, self._bytes + len(raw)
        self._packed += len(self._packer.compress(raw))

    def _compression(self) -> float | None:
        if not self._bytes:
            return None
        return self._bytes / (self._packed + len(self._packer.copy().flush()))

    def _found_loop(self, known: Loop | None) -> Loop | None:
        """The loop with its repeats up to now, and the text that the lane's guard knows."""
        found = self._loop
        if found is None:
            return known
        same = known is not None and known.from_token == found.from_token
        return replace(found, text=known.text) if same and known else found

    def _check(self, answer: str, finished: bool) -> Sequence[CodeCheck]:
        wanted = [b for b in code_blocks(answer) if b.is_python and (b.closed or finished)]
        kept = self._checks
        self._checks = {}
        for block in wanted[:MOST_BLOCKS]:
            self._checks[block] = kept.get(block) or check_block(block)
        self._last_checks = tuple(self._checks.values())
        return self._last_checks
