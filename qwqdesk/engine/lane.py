"""One lane while it writes: what is taken in, what is forced, and the reasons to end."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from qwqdesk.analysis.loops import LoopDetector, loop_words
from qwqdesk.conversation import FinishReason, Loop
from qwqdesk.engine.events import CloseReason, LaneRequest, Output, ReasoningClosed
from qwqdesk.engine.lane_text import LaneText
from qwqdesk.engine.lane_text import Vocabulary as Vocabulary
from qwqdesk.engine.thought_budget import ThoughtBudget
from qwqdesk.errors import UserError


def thought_too_long(count: str, n_ctx: int) -> UserError:
    """A given thought leaves no room for an answer: as a prompt that is too long."""
    return UserError(
        f"The prompt and the given thought have {count} tokens, the context {n_ctx:,}.",
        "Shorten the thought or raise the context.",
        code="prompt_too_long",
    )


class LaneWriter:
    """Turns one lane's tokens into text and decides when it has ended.

    `n_ctx` is the lane's context in tokens. `finish` is (reason, detail) once the lane has ended.
    `forced` are tokens that come next without being drawn; `frozen` counts the tokens of the
    request's thought, which are there from the start and which `n_predict` does not count.
    `closed` is the news that the reasoning is being closed from outside, until `take_closed`
    fetches it. `written` is its text.

    Raises:
        UserError: code "prompt_too_long", when the thought leaves no room.
    """

    def __init__(
        self, index: int, request: LaneRequest, vocabulary: Vocabulary, n_ctx: int
    ) -> None:
        self.index = index
        self.request = request
        self.finish: tuple[FinishReason, str | None] | None = None
        self.loop: Loop | None = None
        self._rounds_told = 0  # whole ones
        self.forced: deque[int] = deque()
        self.closed: ReasoningClosed | None = None
        self._vocabulary = vocabulary
        self._n_ctx = n_ctx
        self._n_predict = request.chain.integer("n_predict")
        self.written = self._text = LaneText(request, vocabulary)
        self._budget = ThoughtBudget(request.reasoning_budget)
        self._asked = False
        self._notes: list[str] = []
        self._freeze()
        self.frozen = len(self.tokens)
        watched = request.loop_guard != "off"
        self._detector = LoopDetector(start=self.frozen) if watched else None
        if self._n_predict == 0:
            self.finish = ("length", "n_predict is 0")
        elif self.frozen and len(self.given) >= n_ctx:
            raise thought_too_long(f"{len(self.given):,}", n_ctx)
        self._close_in_time()

    @property
    def tokens(self) -> list[int]:
        """The generated ids, the end token left out; the frozen thought comes first."""
        return self._text.tokens

    @property
    def reasoning_tokens(self) -> int:
        """How many of the tokens are reasoning, tags included."""
        return self._text.reasoning_tokens

    @property
    def in_answer(self) -> bool:
        """Whether the answer has begun: reasoning was closed, or can no longer come."""
        return self._text.in_answer

    @property
    def in_reasoning(self) -> bool:
        """Whether the text, as far as it is certain, stands inside reasoning."""
        return self._text.in_reasoning

    @property
    def room(self) -> int:
        """How many more tokens can come before a limit ends the lane."""
        left = self._n_ctx - len(self.request.prompt_tokens) - len(self.tokens)
        return min(left, self._n_predict - self.drawn) if self._n_predict > 0 else left

    @property
    def drawn(self) -> int:
        """How many tokens came behind the frozen thought; those that were forced count too."""
        return len(self.tokens) - self.frozen

    @property
    def position(self) -> int:
        """The position in the context of the newest token."""
        return len(self.request.prompt_tokens) + len(self.tokens) - 1

    @property
    def given(self) -> tuple[int, ...]:
        """What is decoded before the first token is drawn: the prompt and the frozen thought."""
        return (*self.request.prompt_tokens, *self.tokens[: self.frozen])

    @property
    def detail(self) -> str | None:
        """Why the lane has ended, and what happened on the way, in words."""
        words = list(self._notes)
        reason, detail = self.finish or (None, None)
        if (loop := self.whole_loop) is not None and reason != "loop":
            words.append(loop_words(loop))
        if detail is not None:
            words.append(detail)
        return "; ".join(words) or None

    @property
    def whole_loop(self) -> Loop | None:
        """The loop with all its rounds, also those that came after it was found."""
        latest = self._detector.loop if self._detector is not None else None
        if self.loop is None or latest is None:
            return self.loop
        return replace(self.loop, repeats=latest.repeats)

    def begins_answer(self, token: int) -> bool:
        """Whether the answer would begin with `token`, where reasoning could still have come."""
        return self._text.begins_answer(token)

    def push(self, token: int, probability: float = math.nan) -> Loop | None:
        """Take the next token; returns a loop when one was found just now."""
        if self._vocabulary.is_end(token):
            self.finish = ("stop", None)
            return None
        before = self._text.in_reasoning
        self._text.push(token, probability)
        self._budget.count(before=before, after=self._text.in_reasoning)
        if self._text.stop_string is not None:
            self.finish = ("stop", f"stop string {self._text.stop_string!r}")
        found = self._watch(token)
        if self.finish is None:
            self._check_limits()
            self._close_in_time()
        return found

    def close_reasoning(self) -> None:
        """Close the reasoning with the next token that can be forced; outside of it, nothing."""
        if self._text.in_reasoning:
            self._asked = True
            self._close_in_time()

    def end(self, reason: FinishReason, detail: str | None) -> None:
        """End the lane from outside (cancelled, error) unless it has ended already."""
        if self.finish is None:
            self.finish = (reason, detail)

    def take(self) -> Output | None:
        """What was written since the last call."""
        return self._text.take(self.index)

    def take_closed(self) -> ReasoningClosed | None:
        """That the reasoning is being closed from outside, once."""
        closed, self.closed = self.closed, None
        return closed

    def take_growth(self) -> Loop | None:
        """The loop, each time when it has more whole rounds than when it was last told."""
        whole = self.whole_loop
        if whole is None or int(whole.repeats) <= self._rounds_told:
            return None
        self._rounds_told = int(whole.repeats)
        return whole

    def flush(self) -> None:
        """Release all text that is held back; call once when the lane has ended."""
        self._text.flush()

    # ------------------------------------------------------------ what is not drawn

    def _freeze(self) -> None:
        """Take in the thought that was given, and close it where it stands open."""
        thought = self.request.thought
        if thought is None:
            return
        known = dict(enumerate(thought.probabilities))
        for number, token in enumerate(thought.tokens):
            self._text.push(token, known.get(number, math.nan), given=True)
        for token in self._thought_ids(thought.text):
            self._text.push(token, given=True)
        if thought.closed:
            self._text.settle()
        for token in self._ids(self._text.closing_text() or ""):
            self._text.push(token, given=True)

    def _close_in_time(self) -> None:
        """Force the end of the reasoning when its budget is spent or somebody asked for it."""
        if not self._text.in_reasoning:
            self._asked = False
        elif self.finish is None and not self.forced and not self._text.in_character:
            if self._asked:
                self._close("asked", "the reasoning was closed on request")
            elif self._budget.spent:
                tokens = self.request.reasoning_budget
                self._close("budget", f"the reasoning was closed at its budget of {tokens} tokens")

    def _close(self, reason: CloseReason, words: str) -> None:
        closing = self._text.closing_text()
        message = self.request.reasoning_budget_message if reason != "loop" else ""
        if closing is None:
            return
        if message:
            closing = f"\n\n{message}{closing}"
        self._asked = False
        self.forced.extend(self._ids(closing))
        self.closed = ReasoningClosed(self.index, len(self.tokens), reason)
        self._notes.append(words)

    def _ids(self, text: str, *, tags: bool = True) -> tuple[int, ...]:
        if not text:
            return ()
        return self._vocabulary.tokenize(text, add_special=False, parse_special=tags)

    def _thought_ids(self, text: str) -> tuple[int, ...]:
        """A thought given as text: a tag that it only speaks about must not become its token."""
        parts = self._text.spelt(text)
        if all(is_meant for _, is_meant in parts):
            return self._ids(text)
        return tuple(token for part, is_meant in parts for token in self._ids(part, tags=is_meant))

    # ------------------------------------------------------------ limits and loops

    def _check_limits(self) -> None:
        used = len(self.request.prompt_tokens) + len(self.tokens)
        if used >= self._n_ctx:
            self.finish = ("length", f"context full: {used} of {self._n_ctx} tokens")
        elif 0 < self._n_predict <= self.drawn:
            self.finish = ("length", f"n_predict reached: {self._n_predict} tokens")

    def _watch(self, token: int) -> Loop | None:
        if self._detector is None:
            return None
        found = self._detector.push(token)
        if found is None or self.loop is not None:
            return None
        loop = self.loop = replace(found, text=_text_of(found, self.tokens, self._vocabulary))
        self._rounds_told = int(loop.repeats)
        self._react(loop)
        return loop

    def _react(self, loop: Loop) -> None:
        guard = self.request.loop_guard
        if guard == "close" and (self._text.in_reasoning or self.forced):
            if not self.forced:
                self._close("loop", f"{loop_words(loop)}, so its reasoning was closed")
            # The answer that follows is watched afresh.
            self.loop, self._detector = None, LoopDetector(start=len(self.tokens))
        elif guard in ("stop", "close"):
            self.finish = ("loop", loop_words(loop))


def _text_of(loop: Loop, tokens: Sequence[int], vocabulary: Vocabulary) -> str:
    """One round of a loop, of its first 60 tokens."""
    ids = tokens[loop.from_token : loop.from_token + max(loop.period, 1)][:60]
    return b"".join(map(vocabulary.piece, ids)).decode("utf-8", "replace")
