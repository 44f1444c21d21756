"""Reasoning in texts made of messages with headers: OpenAI's harmony format and its kin.

A message is ``<|start|>assistant<|channel|>analysis<|message|>text<|end|>``. The prompt ends
inside the first header. Headers and end marks are tags; a header that names the analysis channel,
or the model itself as the recipient, begins reasoning, every other one an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from qwqdesk.conversation import SpanKind
from qwqdesk.reasoning_tags import Span

MESSAGE = "<|message|>"
MAX_HEADER = 300

_END = r"<\|(?:end|return|call|eom|eot)\|>"
_BOUNDARY = re.compile(rf"(?:{_END})?<\|start\|>assistant")
_END_ONLY = re.compile(rf"{_END}\Z")
_REASONING_HEADER = re.compile(r"<\|channel\|>\s*analysis\b|\bto=self\b")
_LONGEST_BOUNDARY = "<|return|><|start|>assistant"


class ChannelSplitter:
    """Splits such a text piece by piece; begins inside a header, or inside the reasoning.

    A header without end is not one: after `MAX_HEADER` characters its text is answer. With
    `by_token` the vocabulary has tokens for these marks, and spelt ones are text.
    """

    def __init__(self, *, in_reasoning: bool, by_token: bool = False) -> None:
        self._text = ""
        self._by_token = by_token
        self._taken = 0
        self._sure: set[int] = set()
        self._forced_at: int | None = None
        self._header = not in_reasoning
        self._kind: SpanKind = "reasoning" if in_reasoning else "answer"

    @property
    def in_reasoning(self) -> bool:
        """Whether the next character belongs to reasoning."""
        return not self._header and self._kind == "reasoning"

    @property
    def in_answer(self) -> bool:
        """Whether the next character belongs to an answer, not to a header or to reasoning."""
        return not self._header and self._kind == "answer"

    def force(self) -> None:
        """Whatever comes next closes the reasoning from outside: its marks are meant."""
        self._forced_at = self._taken + len(self._text)

    def push(self, text: str, sure: Iterable[int] = ()) -> list[Span]:
        """The spans that are certain now; at the places `sure` of `text` a token begins."""
        self._sure.update(self._taken + len(self._text) + at for at in sure)
        self._text += text
        spans: list[Span] = []
        while self._step(spans):
            pass
        return spans

    def finish(self) -> list[Span]:
        """What was held back."""
        text, self._text = self._text, ""
        if self._header:
            return [Span("tag", text)] if text else []
        end = _END_ONLY.search(text)
        cut = end.start() if end and self._is_meant(end.start()) else len(text)
        spans = [Span(self._kind, text[:cut]), Span("tag", text[cut:])]
        return [span for span in spans if span.text]

    def _step(self, spans: list[Span]) -> bool:
        return self._step_header(spans) if self._header else self._step_content(spans)

    def _step_header(self, spans: list[Span]) -> bool:
        end = self._text.find(MESSAGE)
        while end >= 0 and not self._is_meant(end):
            end = self._text.find(MESSAGE, end + 1)
        if end < 0 or end > MAX_HEADER:
            if len(self._text) <= MAX_HEADER + len(MESSAGE):
                return False
            self._header, self._kind = False, "answer"
            return True
        end += len(MESSAGE)
        header = self._take(end)
        spans.append(Span("tag", header))
        self._header = False
        self._kind = "reasoning" if _REASONING_HEADER.search(header) else "answer"
        return bool(self._text)

    def _step_content(self, spans: list[Span]) -> bool:
        boundary = _BOUNDARY.search(self._text)
        while boundary is not None and not self._is_meant(boundary.start()):
            boundary = _BOUNDARY.search(self._text, boundary.start() + 1)
        cut = boundary.start() if boundary else self._certain_length()
        if cut:
            spans.append(Span(self._kind, self._take(cut)))
        if boundary is None:
            return False
        self._header = True
        return True

    def _certain_length(self) -> int:
        """How much of the text cannot be the beginning of a boundary."""
        first = max(0, len(self._text) - len(_LONGEST_BOUNDARY))
        at = self._text.find("<", first)
        while at >= 0 and not (self._is_meant(at) and _may_begin_boundary(self._text[at:])):
            at = self._text.find("<", at + 1)
        return at if at >= 0 else len(self._text)

    def _is_meant(self, at: int) -> bool:
        place = self._taken + at
        forced = self._forced_at is not None and place >= self._forced_at
        return not self._by_token or forced or place in self._sure

    def _take(self, length: int) -> str:
        text, self._text = self._text[:length], self._text[length:]
        self._taken += length
        return text


_STARTS = tuple(
    end + "<|start|>assistant"
    for end in ("", "<|end|>", "<|return|>", "<|call|>", "<|eom|>", "<|eot|>")
)


def _may_begin_boundary(tail: str) -> bool:
    return any(start.startswith(tail) for start in _STARTS)
