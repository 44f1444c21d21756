"""Owns one reply on the screen: its reasoning above its answer, and the way text gets there.

Text is taken in at once and drawn in slices with a time limit, so that neither a flood of tokens
nor a reply of a megabyte from the history can hold up the event loop.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.analysis.loop_place import Landmark, loop_place
from qwqdesk.analysis.token_places import Part
from qwqdesk.conversation import Reply, SpanKind
from qwqdesk.reasoning import Span, reasoning_closed
from qwqdesk.thought_end import end_of_detail
from qwqdesk.ui.base import label, retire
from qwqdesk.ui.conversation.answer import AnswerView
from qwqdesk.ui.conversation.reasoning_section import ReasoningSection
from qwqdesk.ui.conversation.text_look import LookName
from qwqdesk.ui.conversation.thought_editor import ThoughtEditor

FRAME_MS = 33  # 30 drawings a second
_ONCE = Qt.ConnectionType.SingleShotConnection
_SLICE = 1500  # characters taken between two looks at the clock
_BUDGET_S = 0.006  # time for one drawing
_STOPPED = "Stopped here."
_UNANSWERED = "No answer was written: the reasoning did not close."


@dataclass(frozen=True)
class _Ending:
    """No more text will come."""

    reasoning_closed: bool
    looped: bool = False


class ReplyView(QWidget):
    """Reasoning and answer. `caught_up` is emitted when all that was given is on the screen."""

    caught_up = Signal()
    grew = Signal()

    def __init__(
        self, look: LookName, *, reasoning_open: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("replyView")
        self.reasoning = ReasoningSection(open_while_thinking=reasoning_open)
        self.answer = AnswerView(look)
        self._progress = label("", "body", "text3")
        self._progress.setObjectName("laneProgress")
        self._progress.hide()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        for part in (self._progress, self.reasoning, self.answer):
            self._column.addWidget(part)
        self.inside_reasoning = False
        self._waiting: deque[tuple[SpanKind, str, int]] = deque()
        self._answer_source: list[str] = []
        self._reasoning_source: list[str] = []
        self._ending: _Ending | None = None
        self._editor: ThoughtEditor | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        # Lanes that draw at the same moment would hold the loop up together.
        self._timer.setInterval(FRAME_MS + random.randint(-4, 4))
        self._timer.timeout.connect(self._draw)

    # ------------------------------------------------------------ content

    @property
    def answer_source(self) -> str:
        """The answer's Markdown as the model wrote it, also what is not drawn yet."""
        return "".join(self._answer_source)

    @property
    def busy(self) -> bool:
        """Whether text waits to be drawn."""
        return bool(self._waiting) or self._ending is not None

    def start(self, *, thinking: bool) -> None:
        """A reply begins; with `thinking` the prompt has opened the reasoning."""
        self.answer.set_streaming(True)
        if thinking:
            self.reasoning.begin()

    def set_progress(self, text: str) -> None:
        """Words while there is no text yet; none hides them."""
        self._progress.setText(text)
        self._progress.setVisible(bool(text))

    def add_below(self, widget: QWidget) -> None:
        """Something that belongs to this reply: its numbers."""
        self._column.addWidget(widget)

    def append(self, spans: Sequence[Span], reasoning_tokens: int = 0) -> None:
        """Take text of any kind; it is drawn with the next frame."""
        for span in spans:
            if span.recast:
                self._recast_answer()
            if span.kind == "answer":
                self._answer_source.append(span.text)
            elif span.kind == "reasoning":
                self._reasoning_source.append(span.text)
            if span.kind == "tag" or span.text.strip():
                self.inside_reasoning = span.kind == "reasoning"
            tokens, reasoning_tokens = reasoning_tokens, 0
            self._waiting.append((span.kind, span.text, tokens))
        if not self._timer.isActive():
            self._timer.start()

    def _recast_answer(self) -> None:
        """What was taken for the answer so far is reasoning, drawn or not."""
        thoughts = self.answer_source
        self._reasoning_source.append(thoughts)
        self._answer_source.clear()
        self._waiting.clear()
        self.answer.clear()
        self._waiting.append(("reasoning", thoughts, 0))

    def finish(self, *, reasoning_closed: bool = True, looped: bool = False) -> None:
        """No more text comes; what waits is still drawn, then all is closed.

        `looped`: the loop guard has stopped the lane.
        """
        self._ending = _Ending(reasoning_closed, looped)
        if self._waiting:
            self._timer.start()
        else:
            self._draw()

    def show_reply(self, reply: Reply) -> None:
        """A reply from the history."""
        closed = reasoning_closed(reply.text, reply.reasoning, reply.answer)
        self.answer.set_from_history()
        if reply.reasoning is not None:
            self.reasoning.show_finished(
                closed=closed,
                empty=not reply.reasoning.strip(),
                tokens=reply.usage.reasoning_tokens,
                seconds=reply.timing.reasoning_s,
            )
            self.reasoning.header.set_end(end_of_detail(reply.finish_detail))
            self._reasoning_source.append(reply.reasoning)
            self._waiting.append(("reasoning", reply.reasoning, 0))
        self._answer_source.append(reply.answer)
        self._waiting.append(("answer", reply.answer, 0))
        self._ending = _Ending(closed, reply.finish_reason == "loop")
        self._timer.start()
        self._draw()

    def mark_repeats(self, part: Part, char: int) -> None:
        """Tint a part from this character of its source on: it repeats itself."""
        written = self._reasoning_source if part == "reasoning" else self._answer_source
        start = Landmark.at("".join(written), char)
        if self._waiting:
            self.caught_up.connect(lambda: self._mark(part, start), _ONCE)
        else:
            self._mark(part, start)

    def mark_repeats_of(self, reply: Reply) -> None:
        """Tint the loop of a reply that is shown from the history."""
        if reply.loop is not None:
            tokens = len(reply.tokens)
            self.mark_repeats(
                *loop_place(
                    reply.loop, tokens, reply.ends, reply.text, reply.reasoning, reply.answer
                )
            )

    def _mark(self, part: Part, start: Landmark) -> None:
        if part == "reasoning":
            self.reasoning.mark_repeats(start)
        else:
            self.answer.mark_repeats(start)

    def edit_thought(self, answer: Callable[[str], object]) -> QWidget:
        """Let the user edit the reasoning in its place; `answer` gets the text."""
        if self._editor is not None:
            self._editor.begin()
            return self._editor
        self._editor = editor = ThoughtEditor(self.reasoning.source)
        self._column.insertWidget(self._column.indexOf(self.reasoning), editor)
        self.reasoning.hide()
        editor.chosen.connect(answer)
        editor.cancelled.connect(self._end_editing)
        editor.begin()
        return editor

    def _end_editing(self) -> None:
        if self._editor is not None:
            retire(self._editor)
            self._editor = None
            self.reasoning.show()
            self.reasoning.header.head.setFocus(Qt.FocusReason.OtherFocusReason)

    def clear(self) -> None:
        """Back to nothing."""
        self._timer.stop()
        self._waiting.clear()
        self._answer_source.clear()
        self._reasoning_source.clear()
        self._ending = None
        self.inside_reasoning = False
        self.reasoning.set_note("")
        self.reasoning.clear()
        self.answer.clear()
        self.answer.set_streaming(False)

    # ------------------------------------------------------------ drawing

    def _draw(self) -> None:
        """Take slices until the time is up, then draw once."""
        end = time.perf_counter() + _BUDGET_S
        while self._waiting and time.perf_counter() < end:
            self._take_slice()
        self.reasoning.refresh()
        self.answer.refresh()
        self.grew.emit()
        if not self._waiting:
            self._timer.stop()
            self._end_if_due()

    def _take_slice(self) -> None:
        kind, text, tokens = self._waiting.popleft()
        part, rest = text[:_SLICE], text[_SLICE:]
        if rest:
            self._waiting.appendleft((kind, rest, 0))
        if kind == "answer":
            self._begin_answer(part)
            self.answer.feed(part)
            self.reasoning.add_tokens(tokens)
        elif kind == "reasoning":
            self.reasoning.append(part, tokens)
        elif kind == "tag":
            self.reasoning.begin()
            self.reasoning.add_tokens(tokens)

    def _begin_answer(self, part: str) -> None:
        """The first visible letter of the answer ends the thinking."""
        if self.reasoning.state == "thinking" and part.strip():
            self.reasoning.finish()

    def _end_if_due(self) -> None:
        if self._ending is not None:
            closed, looped = self._ending.reasoning_closed, self._ending.looped
            self._ending = None
            if self.reasoning.state == "thinking":
                self.reasoning.finish(closed=closed)
            self.answer.finish()
            unanswered = not closed and not self.answer_source.strip()
            if unanswered and self.reasoning.state != "none":
                self.reasoning.set_note(f"{_STOPPED} {_UNANSWERED}" if looped else _UNANSWERED)
        self.caught_up.emit()

    # ------------------------------------------------------------ looks

    def set_look(self, look: LookName) -> None:
        """Another look, or the same after the theme has changed."""
        self.answer.set_look(look)
        self.reasoning.restyle()

    def set_density(self, density: str) -> None:
        """The lane's width class."""
        self.answer.set_density(density)
        self.reasoning.set_density(density)

    def set_current(self, current: bool) -> None:
        """Only the newest reply of a lane carries the names that scripts look for."""
        self.reasoning.setObjectName("reasoningSection" if current else "pastReasoning")
        self.answer.setObjectName("answerSection" if current else "pastAnswer")
