"""One lane while it writes: tokens in, spans of text out, and the reasons to end."""

from __future__ import annotations

import codecs
import math
from collections import deque
from dataclasses import replace
from typing import Protocol

from qwqdesk.analysis.loops import LoopDetector
from qwqdesk.conversation import FinishReason, Loop
from qwqdesk.engine.events import LaneRequest, Output, Span
from qwqdesk.engine.stop_strings import StopStrings
from qwqdesk.reasoning import ReasoningSplitter


class Vocabulary(Protocol):
    """What a lane asks of a model."""

    def piece(self, token: int) -> bytes: ...
    def is_end(self, token: int) -> bool: ...
    def is_special(self, token: int) -> bool: ...
    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]: ...


class LaneWriter:
    """Turns one lane's tokens into text and decides when it has ended.

    `n_ctx` is the lane's context in tokens. `tokens` holds the generated ids, the end token left
    out; `finish` is (reason, detail) once the lane has ended.
    """

    def __init__(
        self, index: int, request: LaneRequest, vocabulary: Vocabulary, n_ctx: int
    ) -> None:
        self.index = index
        self.request = request
        self.tokens: list[int] = []
        self.finish: tuple[FinishReason, str | None] | None = None
        self.loop: Loop | None = None
        self.reasoning_tokens = 0
        self.forced: deque[int] = deque()
        self._vocabulary = vocabulary
        self._n_ctx = n_ctx
        self._n_predict = request.chain.integer("n_predict")
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopStrings(request.chain.strings("stop"))
        self._splitter = ReasoningSplitter(request.tags, opened=request.reasoning_open)
        self._detector = LoopDetector() if request.loop_guard != "off" else None
        self._spans: list[Span] = []
        self._new_tokens: list[int] = []
        self._new_ends: list[int] = []
        self._new_probabilities: list[float] = []
        self._characters = 0
        self._unattributed = 0
        if self._n_predict == 0:
            self.finish = ("length", "n_predict is 0")

    @property
    def position(self) -> int:
        """The position in the context of the newest token."""
        return len(self.request.prompt_tokens) + len(self.tokens) - 1

    def push(self, token: int, probability: float = math.nan) -> Loop | None:
        """Take the next token; returns a loop when one was found just now."""
        if self._vocabulary.is_end(token):
            self.finish = ("stop", None)
            return None
        self.tokens.append(token)
        self._new_tokens.append(token)
        self._unattributed += 1
        self._write(token)
        self._new_ends.append(self._characters)
        self._new_probabilities.append(probability)
        found = self._watch(token)
        if self.finish is None:
            self._check_limits()
        return found

    def end(self, reason: FinishReason, detail: str | None) -> None:
        """End the lane from outside (cancelled, error) unless it has ended already."""
        if self.finish is None:
            self.finish = (reason, detail)

    def take(self) -> Output | None:
        """What was written since the last call."""
        if not self._new_tokens and not self._spans:
            return None
        output = Output(
            lane=self.index,
            spans=tuple(self._spans),
            tokens=tuple(self._new_tokens),
            reasoning_tokens=self.reasoning_tokens,
            ends=tuple(self._new_ends),
            probabilities=tuple(self._new_probabilities),
        )
        for taken in (self._spans, self._new_tokens, self._new_ends, self._new_probabilities):
            taken.clear()
        return output

    def flush(self) -> None:
        """Release all text that is held back; call once when the lane has ended."""
        if self._stops.found is None:
            tail = self._utf8.decode(b"", final=True)
            self._split(self._read(tail) + self._stops.finish())
        self._add(self._splitter.finish())
        self._attribute(in_reasoning=self._splitter.in_reasoning)

    def _write(self, token: int) -> None:
        if self._vocabulary.is_special(token):
            # A special token ends an unfinished character, and is a tag as a whole or not at all.
            self._split(self._read(self._utf8.decode(b"", final=True)))
            self._utf8.reset()
            text = self._vocabulary.piece(token).decode("utf-8", "replace")
            released = self._read(text)
            if released.endswith(text):  # behind what a possible stop string held back
                self._split(released[: len(released) - len(text)])
                self._split(text, is_tag_token=True)
            else:
                self._split(released)
        else:
            self._split(self._read(self._utf8.decode(self._vocabulary.piece(token))))
        if self._stops.found is not None:
            self.finish = ("stop", f"stop string {self._stops.found!r}")

    def _read(self, text: str) -> str:
        """Count more of the lane's text; what of it may be shown."""
        self._characters += len(text)
        return self._stops.push(text)

    def _split(self, text: str, *, is_tag_token: bool = False) -> None:
        if text:
            self._add(self._splitter.push(text, is_tag_token=is_tag_token))

    def _add(self, spans: tuple[Span, ...]) -> None:
        if not spans:
            return
        self._spans.extend(spans)
        self._attribute(in_reasoning=any(span.kind != "answer" for span in spans))

    def _attribute(self, *, in_reasoning: bool) -> None:
        """Count tokens whose text was held back with the text that came of them."""
        if in_reasoning:
            self.reasoning_tokens += self._unattributed
        self._unattributed = 0

    def _check_limits(self) -> None:
        used = len(self.request.prompt_tokens) + len(self.tokens)
        if used >= self._n_ctx:
            self.finish = ("length", f"context full: {used} of {self._n_ctx} tokens")
        elif 0 < self._n_predict <= len(self.tokens):
            self.finish = ("length", f"n_predict reached: {self._n_predict} tokens")

    def _watch(self, token: int) -> Loop | None:
        if self._detector is None or self.loop is not None:
            return None
        found = self._detector.push(token)
        if found is None:
            return None
        loop = self.loop = replace(found, text=self._text_of(found))
        self._react(loop)
        return loop

    def _react(self, loop: Loop) -> None:
        guard = self.request.loop_guard
        closing = self._splitter.closing_text() if guard == "close" else None
        if closing is not None:
            ids = self._vocabulary.tokenize(closing, add_special=False, parse_special=True)
            self.forced.extend(ids)
            # The answer that follows is watched afresh.
            self.loop, self._detector = None, LoopDetector(start=len(self.tokens))
        elif guard in ("stop", "close"):
            self.finish = ("loop", f"looped from token {loop.from_token + 1}")

    def _text_of(self, loop: Loop) -> str:
        ids = self.tokens[loop.from_token : loop.from_token + max(loop.period, 1)][:60]
        return b"".join(map(self._vocabulary.piece, ids)).decode("utf-8", "replace")
