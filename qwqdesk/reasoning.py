"""Reasoning and answer, told apart while they are written. Nothing is ever dropped.

The rules. Reasoning is opened by the template, or by an opening tag at the very start of the
reply, blanks aside; a tag anywhere later is ordinary text. It is closed by its closing tag, except
where that tag is only spoken about: in inline code, in quotes, or in a code block that ends again
within the reasoning. Right behind a closing tag a new opening tag opens reasoning again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qwqdesk.conversation import Message, Reply, SpanKind
from qwqdesk.reasoning_channels import ChannelSplitter
from qwqdesk.reasoning_code import CodeState, Doubt
from qwqdesk.reasoning_tags import (
    KNOWN_TAGS,
    Span,
    Tags,
    detect_tags,
    own_tags,
    prompt_opens_reasoning,
)

__all__ = [
    "KNOWN_TAGS",
    "ReasoningSplitter",
    "Span",
    "Tags",
    "detect_tags",
    "history_message",
    "own_tags",
    "prompt_opens_reasoning",
    "reasoning_closed",
    "split_reply",
]


MOST_BLANKS: Final = 1_000
"""Behind more blanks than that nobody opens reasoning; they are not looked at again and again."""


class ReasoningSplitter:
    """Text in, spans out. The spans joined are the text, however it was cut into pieces.

    `tags` are those to look for; with `opened` the prompt has opened reasoning with the first of
    them. Text that may still become a tag is held back until more of it is known.
    """

    def __init__(self, tags: Sequence[Tags], opened: bool = False) -> None:
        self._tags = tuple(item for item in tags if item.open and item.close)
        self._active = self._tags[0] if opened and self._tags else None
        self._channels: ChannelSplitter | None = None
        self._held = ""
        self._taken = 0
        self._sure: set[int] = set()
        self._forced_at: int | None = None
        self._at_start = bool(self._tags)
        self._closed = False
        self._code = CodeState()
        self._doubt: Doubt | None = None
        self._doubt_read = 0
        if self._active is not None and self._active.channels:
            self._channels = ChannelSplitter(in_reasoning=True)

    @property
    def in_reasoning(self) -> bool:
        """Whether the reply, as far as it is certain, stands inside reasoning."""
        if self._channels is not None:
            return self._channels.in_reasoning
        return self._active is not None

    @property
    def in_answer(self) -> bool:
        """Whether the answer has begun: reasoning was closed, or can no longer come."""
        if self._channels is not None:
            return self._channels.in_answer
        return self._active is None and (self._closed or not self._at_start)

    @property
    def held(self) -> str:
        """What was pushed and is in no span yet."""
        return self._held

    def closing_text(self) -> str | None:
        """What must be written to close the reasoning from outside, None outside of reasoning.

        The next closing tag is then taken as meant, wherever it stands.
        """
        if not self.in_reasoning or self._active is None:
            return None
        self._forced_at = self._taken + len(self._held)
        return self._active.close if self._active.channels else f"\n{self._active.close}\n\n"

    def push(self, text: str, is_tag_token: bool = False) -> tuple[Span, ...]:
        """Take more text; the spans that are certain now.

        `is_tag_token`: `text` is one special token of the vocabulary. A closing tag written so is
        meant even between quotes; in code the same doubt remains, since a model that speaks
        about its tag can only write this token.
        """
        if is_tag_token:
            self._sure.add(self._taken + len(self._held))
        self._held += text
        return self._read()

    def settle(self) -> tuple[Span, ...]:
        """The reasoning is known to end with this text: the last tag in doubt was meant."""
        spans = _Spans()
        if self._doubt is not None and self._active is not None:
            self._doubt = None
            self._emit(self._held.rfind(self._active.close), "reasoning", spans)
            self._close(self._active, spans)
            spans.extend(self._read())
        return tuple(spans.items)

    def finish(self) -> tuple[Span, ...]:
        """The end of the reply: everything that was held back."""
        spans = _Spans()
        spans.extend(self._read())
        while self._doubt is not None:
            self._settle_doubt(self._doubt.finish(), len(self._held), spans)
            spans.extend(self._read())
        if self._channels is not None:
            spans.extend(self._channels.finish())
        elif self._held and not (self._at_start and self._read_start(spans, final=True)):
            self._emit(len(self._held), "reasoning" if self._active else "answer", spans)
        return tuple(spans.items)

    def _read(self) -> tuple[Span, ...]:
        spans = _Spans()
        while self._step(spans):
            pass
        return tuple(spans.items)

    def _step(self, spans: _Spans) -> bool:
        """Take one step if more is certain; False when more text is needed."""
        if not self._held:
            return False
        if self._channels is not None:
            spans.extend(self._channels.push(self._take(len(self._held))))
            return False
        if self._doubt is not None:
            return self._read_doubt(self._doubt, spans)
        if self._at_start:
            return self._read_start(spans)
        if self._active is not None:
            return self._read_reasoning(self._active, spans)
        self._emit(len(self._held), "answer", spans)
        return False

    def _read_start(self, spans: _Spans, final: bool = False) -> bool:
        """Look for an opening tag behind blanks, where reasoning may begin or be opened twice."""
        text = self._held.lstrip()
        if len(self._held) - len(text) > MOST_BLANKS:
            self._at_start = False
            return not final
        tags = self._tags if self._active is None else (self._active,)
        found = [candidate for candidate in tags if text.startswith(candidate.open)]
        if not final and any(_begins(candidate.open, text) for candidate in tags):
            return False
        if not found:
            self._at_start = False
            return not final
        self._open(max(found, key=lambda item: len(item.open)), len(self._held) - len(text), spans)
        return True

    def _open(self, tags: Tags, blanks: int, spans: _Spans) -> None:
        self._active = tags
        self._at_start = False
        self._code = CodeState()
        if tags.channels:
            self._emit(blanks, "tag", spans)
            self._channels = ChannelSplitter(in_reasoning=False)
        else:
            self._emit(blanks + len(tags.open), "tag", spans)

    def _read_reasoning(self, tags: Tags, spans: _Spans) -> bool:
        """Emit reasoning up to the next closing tag, or to what may be the beginning of one."""
        first = tags.close[0]
        for at, char in enumerate(self._held):
            if char == first:
                if self._held.startswith(tags.close, at):
                    self._emit(at, "reasoning", spans)
                    self._meet_close(tags, spans)
                    return True
                if tags.close.startswith(self._held[at:]):
                    self._emit(at, "reasoning", spans)
                    return False
            self._code.feed(char)
        self._emit(len(self._held), "reasoning", spans)
        return False

    def _meet_close(self, tags: Tags, spans: _Spans) -> None:
        """A closing tag stands at the beginning of what is held."""
        forced = self._forced_at is not None and self._taken >= self._forced_at
        doubtful = Doubt.is_doubtful(self._code) and not forced
        if doubtful and self._taken in self._sure:
            doubtful = self._code.in_fence or self._code.inline > 0
        if doubtful:
            self._doubt = Doubt(self._code, tags.close)
            self._doubt_read = len(tags.close)
        else:
            self._close(tags, spans)

    def _read_doubt(self, doubt: Doubt, spans: _Spans) -> bool:
        if self._forced_at is not None and self._doubt_read + self._taken >= self._forced_at:
            self._settle_doubt(False, self._doubt_read, spans)
            return True
        for at in range(self._doubt_read, len(self._held)):
            verdict = doubt.feed(self._held[at])
            if verdict is not None:
                self._settle_doubt(verdict, at + 1, spans)
                return True
        self._doubt_read = len(self._held)
        return False

    def _settle_doubt(self, meant: bool, end: int, spans: _Spans) -> None:
        doubt, self._doubt = self._doubt, None
        assert doubt is not None
        assert self._active is not None
        if meant:
            self._close(self._active, spans)
        else:
            self._code = doubt.state
            self._emit(end, "reasoning", spans)

    def _close(self, tags: Tags, spans: _Spans) -> None:
        self._emit(len(tags.close), "tag", spans)
        self._active = None
        self._forced_at = None
        self._at_start = self._closed = True

    def _emit(self, length: int, kind: SpanKind, spans: _Spans) -> None:
        if length:
            spans.add(kind, self._take(length))

    def _take(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        self._taken += length
        return text


class _Spans:
    """Spans in order, neighbours of one kind joined."""

    def __init__(self) -> None:
        self.items: list[Span] = []

    def add(self, kind: SpanKind, text: str) -> None:
        if self.items and self.items[-1].kind == kind:
            text = self.items.pop().text + text
        self.items.append(Span(kind, text))

    def extend(self, spans: Sequence[Span]) -> None:
        for span in spans:
            self.add(span.kind, span.text)


def _begins(tag: str, text: str) -> bool:
    """Whether `text` may still grow into `tag`."""
    return tag != text and tag.startswith(text)


def split_reply(text: str, tags: Sequence[Tags], opened: bool) -> tuple[str | None, str]:
    """(reasoning, answer) of a finished reply; reasoning is None where none was begun."""
    splitter = ReasoningSplitter(tags, opened)
    begun = splitter.in_reasoning
    spans = [*splitter.push(text), *splitter.finish()]
    reasoning = "".join(span.text for span in spans if span.kind == "reasoning")
    answer = "".join(span.text for span in spans if span.kind == "answer")
    begun = begun or any(span.kind == "tag" for span in spans)
    return (reasoning if begun else None), answer


def history_message(reply: Reply, keep_reasoning: bool = False) -> Message:
    """An older reply as it returns to the prompt, by default without its reasoning."""
    reasoning = reply.reasoning if keep_reasoning else None
    return Message(role="assistant", content=reply.answer, reasoning=reasoning)


def reasoning_closed(text: str, reasoning: str | None, answer: str) -> bool:
    """Whether a whole reply got out of its reasoning; one that never reasoned did.

    Args:
        text: every character, tags included.
        reasoning: its thoughts without tags, None where there were none.
        answer: what follows them.
    """
    thoughts, whole = (reasoning or "").rstrip(), text.rstrip()
    if answer.strip() or not thoughts:
        return True
    return bool(whole) and not whole.endswith(thoughts[-80:])
