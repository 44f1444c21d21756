"""Reasoning and answer, told apart while they are written. Nothing is ever dropped.

The rules. Reasoning is opened by the template, or by an opening tag at the very start of the
reply, blanks aside; an opening tag anywhere later is ordinary text. Its closing tag ends it. Where
the vocabulary has a token for that tag, the token is meant and a tag that is spelt from other
pieces is text about it; where it has none, `Doubt` tells the two apart by what stands around them.
Right behind a closing tag a new opening tag opens reasoning again.

A closing tag without an opening one ends reasoning that was not opened: all before it is recast.
At the start of a reply it stands for nothing. What a model puts around its answer is its frame.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from qwqdesk.conversation import Message, Reply, SpanKind
from qwqdesk.reasoning_channels import ChannelSplitter
from qwqdesk.reasoning_code import CodeState, Doubt
from qwqdesk.reasoning_tags import (
    FRAMES,
    KNOWN_TAGS,
    OTHER_CLOSES,
    Frame,
    Span,
    Tags,
    add_spans,
    detect_tags,
    own_tags,
    prompt_opens_reasoning,
)

__all__ = [
    "KNOWN_TAGS",
    "ReasoningSplitter",
    "Span",
    "Tags",
    "add_spans",
    "detect_tags",
    "history_message",
    "own_tags",
    "prompt_opens_reasoning",
    "reasoning_closed",
    "split_reply",
    "texts_with_tokens",
]


MOST_BLANKS: Final = 1_000
"""Behind more blanks than that nobody opens reasoning; they are not looked at again and again."""


class ReasoningSplitter:
    """Text in, spans out. The spans joined are the text, however it was cut into pieces.

    `tags` are those to look for; with `opened` the prompt has opened reasoning with the first of
    them. `tokens` are those of `texts_with_tokens` that the vocabulary has a token for: of these,
    only one that is pushed as a token is meant. Text that may still become a tag is held back until
    more of it is known.
    """

    def __init__(
        self, tags: Sequence[Tags], opened: bool = False, tokens: Collection[str] = ()
    ) -> None:
        self._tags = tuple(item for item in tags if item.open and item.close)
        self._tokens = frozenset(tokens)
        self._strays = tuple(item for item in self._tags if _may_stray(item, self._tokens))
        self._active = self._tags[0] if opened and self._tags else None
        self._channels: ChannelSplitter | None = None
        self._held = ""
        self._taken = 0
        self._sure: set[int] = set()
        self._forced_at: int | None = None
        self._at_start = bool(self._tags)
        self._closed = False
        self._by_token = True
        self._frame: Frame | None = None
        self._code = CodeState()
        self._doubt: Doubt | None = None
        self._doubt_read = 0
        if self._active is not None and self._active.channels:
            self._channels = self._new_channels(in_reasoning=True)

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
        if self._channels is not None:
            self._channels.force()
        return self._active.close if self._active.channels else f"\n{self._active.close}\n\n"

    def push(self, text: str, is_tag_token: bool = False) -> tuple[Span, ...]:
        """Take more text; the spans that are certain now.

        `is_tag_token`: `text` is one token of the vocabulary that is a tag or begins one.
        """
        if is_tag_token:
            self._sure.add(self._taken + len(self._held))
        self._held += text
        return self._read()

    def settle(self) -> tuple[Span, ...]:
        """The reasoning is known to end with this text: the last tag in doubt was meant."""
        spans = _Spans()
        if self._doubt is not None and self._active is not None:
            tag, self._doubt = self._doubt.tag, None
            self._emit(self._held.rfind(tag), "reasoning", spans)
            self._close(tag, spans)
            spans.extend(self._read())
        elif self._active is None and not self._closed and self._stray_in_doubt():
            self._recast(self._held.rstrip(), spans)
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
            return tuple(spans.items)
        while self._held and self._at_start and self._read_start(spans, final=True):
            spans.extend(self._read())
        if self._held and self._active is None and self._stray_in_doubt():
            self._recast(self._held.rstrip(), spans)
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
            sure = [at - self._taken for at in self._sure if at >= self._taken]
            self._sure.clear()
            spans.extend(self._channels.push(self._take(len(self._held)), sure))
            return False
        if self._doubt is not None:
            return self._read_doubt(self._doubt, spans)
        if self._at_start:
            return self._read_start(spans)
        if self._active is not None:
            return self._read_reasoning(self._active, spans)
        return self._read_answer(spans)

    # ------------------------------------------------------------ where something may begin

    def _read_start(self, spans: _Spans, final: bool = False) -> bool:
        """Look behind blanks for what opens reasoning, or again, and for an answer's frame."""
        text = self._held.lstrip()
        blanks = len(self._held) - len(text)
        if blanks > MOST_BLANKS:
            return self._begin_text(final)
        tags = self._tags if self._active is None else (self._active,)
        opening = [item for item in tags if text.startswith(item.open)]
        frames = self._frames_here()
        strays = self._strays if self._active is None and not self._closed else ()
        names = [item.open for item in tags] + [item.open for item in frames]
        names += [item.close for item in strays]
        if not final and any(_begins(name, text) for name in names):
            return False
        if opening:
            self._open(max(opening, key=lambda item: len(item.open)), blanks, spans)
            return True
        if frame := next((item for item in frames if text.startswith(item.open)), None):
            self._begin_frame(frame, blanks, spans)
            return True
        if stray := next((item for item in strays if text.startswith(item.close)), None):
            if (meant := self._is_stray_start(stray, blanks, text, final)) is None:
                return False
            if meant:
                self._closed = True
                self._emit(blanks + len(stray.close), "frame", spans)
                return True
        return self._begin_text(final)

    def _begin_text(self, final: bool) -> bool:
        self._at_start = False
        return not final

    def _frames_here(self) -> tuple[Frame, ...]:
        if self._active is not None or self._frame is not None:
            return ()
        return tuple(frame for frame in FRAMES if frame.alone or self._closed)

    def _begin_frame(self, frame: Frame, blanks: int, spans: _Spans) -> None:
        self._frame = frame
        self._at_start = False
        self._code = CodeState()
        self._emit(blanks + len(frame.open), "frame", spans)

    def _is_stray_start(self, tags: Tags, blanks: int, text: str, final: bool) -> bool | None:
        """Whether the reply begins with a closing tag that stands for nothing; None: not known."""
        if tags.close in self._tokens:
            return self._taken + blanks in self._sure
        behind = text[len(tags.close) :]
        if not behind:
            return True if final else None
        return behind[0] == "\n" or not behind[0].isspace()

    def _open(self, tags: Tags, blanks: int, spans: _Spans) -> None:
        # A model that spells its opening tag will spell the closing one.
        self._by_token = self._active is not None or self._taken + blanks in self._sure
        self._active = tags
        self._at_start = False
        self._code = CodeState()
        if tags.channels:
            self._emit(blanks, "tag", spans)
            self._channels = self._new_channels(in_reasoning=False)
        else:
            self._emit(blanks + len(tags.open), "tag", spans)

    def _new_channels(self, *, in_reasoning: bool) -> ChannelSplitter:
        return ChannelSplitter(in_reasoning=in_reasoning, by_token="<|message|>" in self._tokens)

    # ------------------------------------------------------------ reasoning

    def _read_reasoning(self, tags: Tags, spans: _Spans) -> bool:
        """Emit reasoning up to the next closing tag, or to what may be the beginning of one."""
        strict = self._by_token and tags.close in self._tokens
        closes = (tags.close, *OTHER_CLOSES.get(tags.close, ()))
        firsts = {close[0] for close in closes}
        for at, char in enumerate(self._held):
            if char in firsts and (not strict or self._is_sure(at)):
                if close := next((one for one in closes if self._held.startswith(one, at)), None):
                    self._emit(at, "reasoning", spans)
                    self._meet_close(tags, close, spans, certain=strict)
                    return True
                if any(close.startswith(self._held[at:]) for close in closes):
                    self._emit(at, "reasoning", spans)
                    return False
            if not strict:
                self._code.feed(char)
        self._emit(len(self._held), "reasoning", spans)
        return False

    def _is_sure(self, at: int) -> bool:
        place = self._taken + at
        return place in self._sure or self._is_forced(place)

    def _is_forced(self, place: int) -> bool:
        return self._forced_at is not None and place >= self._forced_at

    def _meet_close(self, tags: Tags, close: str, spans: _Spans, *, certain: bool) -> None:
        """A closing tag stands at the beginning of what is held."""
        if certain or self._is_sure(0):
            self._close(close, spans)
        elif close[0].isalpha() and not self._code.at_line_start:
            self._pass(close, "reasoning", spans)  # a phrase in the middle of a line
        elif doubt := Doubt.of(self._code, close, (tags.open,)):
            self._doubt = doubt
            self._doubt_read = len(close)
        else:
            self._close(close, spans)

    def _pass(self, text: str, kind: SpanKind, spans: _Spans) -> None:
        """Emit what looked like a tag and is none."""
        for char in text:
            self._code.feed(char)
        self._emit(len(text), kind, spans)

    def _read_doubt(self, doubt: Doubt, spans: _Spans) -> bool:
        if self._is_forced(self._doubt_read + self._taken):
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
        if meant:
            self._close(doubt.tag, spans)
        else:
            self._code = doubt.state
            self._emit(end, "reasoning", spans)

    def _close(self, close: str, spans: _Spans) -> None:
        self._emit(len(close), "tag", spans)
        self._active = None
        self._forced_at = None
        self._at_start = self._closed = True

    # ------------------------------------------------------------ the answer

    def _read_answer(self, spans: _Spans) -> bool:
        """Emit the answer up to what closes its frame, or up to a closing tag that nothing opened.

        A tag whose opening one stands in the answer is text, and is not looked for any more, unless
        that one is only quoted.
        """
        frame = self._frame.close if self._frame is not None else ""
        strays = () if self._closed else self._strays
        names = [*([frame] if frame else []), *(item.close for item in strays)]
        names += [item.open for item in strays]
        if not names:
            self._emit(len(self._held), "answer", spans)
            return False
        firsts = {name[0] for name in names}
        for at, char in enumerate(self._held):
            if char in firsts:
                found = [name for name in names if self._held.startswith(name, at)]
                if not found and any(name.startswith(self._held[at:]) for name in names):
                    self._emit(at, "answer", spans)
                    return False
                if found:
                    self._emit(at, "answer", spans)
                    return self._meet_in_answer(max(found, key=len), frame, spans)
            self._code.feed(char)
        self._emit(len(self._held), "answer", spans)
        return False

    def _meet_in_answer(self, name: str, frame: str, spans: _Spans) -> bool:
        self._code.settle()
        in_code = self._code.in_fence or self._code.inline > 0
        if name == frame:
            if in_code or (name in self._tokens and not self._is_sure(0)):
                self._pass(name, "answer", spans)
            else:
                self._frame = None
                self._emit(len(name), "frame", spans)
            return True
        stray = next((item for item in self._strays if item.close == name), None)
        if stray is None:
            if not self._code.quotes_here:
                self._strays = tuple(item for item in self._strays if item.open != name)
            self._pass(name, "answer", spans)
            return True
        meant = False if in_code else self._is_stray(name)
        if meant is None:
            return False
        if meant:
            self._recast(name, spans)
        else:
            self._pass(name, "answer", spans)
        return True

    def _is_stray(self, name: str) -> bool | None:
        """Whether the closing tag held first ends reasoning that was not opened; None: not known.

        A spelt one has a line to itself.
        """
        if name in self._tokens:
            return self._is_sure(0)
        if not self._code.at_line_start:
            return False
        behind = self._held[len(name) :]
        if "\n" in behind or behind.strip() or len(behind) > MOST_BLANKS:
            return not behind.partition("\n")[0].strip()
        return None

    def _stray_in_doubt(self) -> bool:
        """Whether what is held is a closing tag that has its line to itself so far."""
        held = self._held.rstrip()
        return (
            not self._closed
            and not self._at_start
            and any(item.close == held for item in self._strays)
            and self._is_stray(held) is None
        )

    def _recast(self, name: str, spans: _Spans) -> None:
        """What was taken for the answer was reasoning: it ends with the closing tag held first."""
        spans.add("tag", self._take(len(name)), recast=True)
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

    def add(self, kind: SpanKind, text: str, *, recast: bool = False) -> None:
        if self.items and self.items[-1].kind == kind and not recast:
            last = self.items.pop()
            text, recast = last.text + text, last.recast
        self.items.append(Span(kind, text, recast))

    def extend(self, spans: Sequence[Span]) -> None:
        for span in spans:
            self.add(span.kind, span.text, recast=span.recast)


def texts_with_tokens(tags: Sequence[Tags]) -> tuple[str, ...]:
    """What a vocabulary may have a token for, or a token that it begins with."""
    frames = [frame.close for frame in FRAMES if frame.close]
    closes = ["<|message|>" if item.channels else item.close for item in tags if item.close]
    return tuple(dict.fromkeys([*closes, *(item.open for item in tags if item.open), *frames]))


def _may_stray(tags: Tags, tokens: Collection[str]) -> bool:
    """Whether its closing tag can be told from ordinary text where nothing was opened."""
    if tags.channels or tags.close == tags.open:
        return False
    return tags.close in tokens or (not tags.close[0].isalnum() and "/" in tags.close)


def _begins(tag: str, text: str) -> bool:
    """Whether `text` may still grow into `tag`."""
    return tag != text and tag.startswith(text)


def split_reply(text: str, tags: Sequence[Tags], opened: bool) -> tuple[str | None, str]:
    """(reasoning, answer) of a finished reply; reasoning is None where none was begun."""
    splitter = ReasoningSplitter(tags, opened)
    begun = splitter.in_reasoning
    spans: list[Span] = []
    add_spans(spans, (*splitter.push(text), *splitter.finish()))
    reasoning = "".join(span.text for span in spans if span.kind == "reasoning")
    answer = "".join(span.text for span in spans if span.kind == "answer")
    begun = begun or any(span.kind in ("tag", "reasoning") for span in spans)
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
