"""A lane's tokens as text: UTF-8, stop strings, reasoning and answer, which token wrote what."""

from __future__ import annotations

import codecs
import copy
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from qwqdesk.engine.events import LaneRequest, Output, Span
from qwqdesk.engine.stop_strings import StopStrings
from qwqdesk.reasoning import ReasoningSplitter, Tags, add_spans, texts_with_tokens
from qwqdesk.sampling.constraints import MAX_STRING


class Vocabulary(Protocol):
    """What a lane asks of a model."""

    def piece(self, token: int) -> bytes: ...
    def is_end(self, token: int) -> bool: ...
    def is_special(self, token: int) -> bool: ...
    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]: ...


class LaneText:
    """Tokens in, spans out; nothing is dropped but what stands behind a stop string.

    `tokens` holds all ids so far, `reasoning_tokens` counts those whose text is known to be
    reasoning or a tag.
    """

    def __init__(self, request: LaneRequest, vocabulary: Vocabulary) -> None:
        self.tokens: list[int] = []
        self.reasoning_tokens = 0
        self._vocabulary = vocabulary
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopStrings((*request.chain.strings("stop"), *request.ends))
        found = tag_tokens(request.tags, vocabulary)
        self._request_tags = request.tags
        self._splitter = ReasoningSplitter(
            request.tags, opened=request.reasoning_open, tokens=found
        )
        self._tag_ids = frozenset(found.values())
        self._spans: list[Span] = []
        self._new_tokens: list[int] = []
        self._new_ends: list[int] = []
        self._new_probabilities: list[float] = []
        self._characters = 0
        self._unattributed = 0
        self._given = False
        self._answer_end = ""

    @property
    def stop_string(self) -> str | None:
        """The stop string that ended the text."""
        return self._stops.found

    @property
    def in_reasoning(self) -> bool:
        """Whether the text, as far as it is certain, stands inside reasoning."""
        return self._splitter.in_reasoning

    @property
    def in_answer(self) -> bool:
        """Whether the answer has begun: reasoning was closed, or can no longer come."""
        return self._splitter.in_answer

    @property
    def answer_end(self) -> str:
        """The last characters of the answer so far, also those that nobody drew."""
        return self._answer_end + (self._splitter.held if self.in_answer else "")

    @property
    def in_character(self) -> bool:
        """Whether the last token has ended in the middle of a character."""
        return bool(self._utf8.getstate()[0])

    def closing_text(self) -> str | None:
        """What closes the reasoning from outside; the tag in it will be taken as meant."""
        return self._splitter.closing_text()

    def begins_answer(self, token: int) -> bool:
        """Whether the answer would begin with `token`, where reasoning could still have come."""
        if self.in_reasoning or self.in_answer:
            return False
        if self._vocabulary.is_end(token):
            return True
        ahead = copy.deepcopy(self._splitter)
        text = self._vocabulary.piece(token).decode("utf-8", "replace")
        ahead.push(text, is_tag_token=self._is_whole(token))
        return ahead.in_answer

    def push(self, token: int, probability: float = math.nan, *, given: bool = False) -> None:
        """Take the next token; in one that is `given` no stop string is looked for."""
        self._given = given
        self.tokens.append(token)
        self._new_tokens.append(token)
        self._unattributed += 1
        self._write(token)
        self._new_ends.append(self._characters)
        self._new_probabilities.append(probability)

    def spelt(self, text: str) -> tuple[tuple[str, bool], ...]:
        """A text to come in pieces, each with False where it has a tag that is only spoken about.

        What is meant must be told by the text alone: there are no tokens of it yet.
        """
        tags = self._request_tags
        ahead = ReasoningSplitter(tags, opened=self.in_reasoning)
        names = [name for item in tags for name in (item.open, item.close)]
        spans: list[Span] = []
        add_spans(spans, (*ahead.push(text), *ahead.finish()))
        return tuple(
            (
                span.text,
                span.kind != "reasoning" or not any(name in span.text for name in names),
            )
            for span in spans
        )

    def settle(self) -> None:
        """The reasoning is known to end here: a closing tag in doubt was meant."""
        self._add(self._splitter.settle())

    def take(self, lane: int) -> Output | None:
        """What was written since the last call."""
        if not self._new_tokens and not self._spans:
            return None
        output = Output(
            lane=lane,
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
        if not self._is_whole(token):
            self._split(self._read(self._utf8.decode(self._vocabulary.piece(token))))
            return
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

    def _is_whole(self, token: int) -> bool:
        """Whether the token is no text but a mark, or a tag that the vocabulary has as a token."""
        return token in self._tag_ids or self._vocabulary.is_special(token)

    def _read(self, text: str) -> str:
        """Count more of the lane's text; what of it may be shown."""
        self._characters += len(text)
        return text if self._given else self._stops.push(text)

    def _split(self, text: str, *, is_tag_token: bool = False) -> None:
        if text:
            self._add(self._splitter.push(text, is_tag_token=is_tag_token))

    def _add(self, spans: tuple[Span, ...]) -> None:
        if not spans:
            return
        self._spans.extend(spans)
        for span in spans:
            if span.recast:  # what was written so far was reasoning, whatever it was taken for
                self._answer_end = ""
                self.reasoning_tokens = len(self.tokens)
            elif span.kind == "answer":
                self._answer_end = (self._answer_end + span.text)[-MAX_STRING:]
        self._attribute(in_reasoning=any(span.kind in ("reasoning", "tag") for span in spans))

    def _attribute(self, *, in_reasoning: bool) -> None:
        """Count tokens whose text was held back with the text that came of them."""
        if in_reasoning:
            self.reasoning_tokens = min(
                self.reasoning_tokens + self._unattributed, len(self.tokens)
            )
        self._unattributed = 0


def tag_tokens(tags: Sequence[Tags], vocabulary: Vocabulary) -> Mapping[str, int]:
    """The texts of these tags that the vocabulary has a token for, with its id.

    A tag of several tokens counts where it begins with a special one.
    """
    found: dict[str, int] = {}
    for text in texts_with_tokens(tags):
        ids = vocabulary.tokenize(text, add_special=False, parse_special=True)
        if ids and (len(ids) == 1 or vocabulary.is_special(ids[0])):
            found[text] = ids[0]
    return found
