"""The head row of a reply's reasoning: what it says, "Answer now", and marks at the right."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from qwqdesk.thought_origin import Origin
from qwqdesk.ui.base import Badge, announce, button
from qwqdesk.ui.conversation.difference_pill import DifferencePill
from qwqdesk.ui.conversation.reasoning_parts import ReasoningHead
from qwqdesk.ui.conversation.reasoning_words import (
    HeadWords,
    finished_words,
    thinking_words,
)
from qwqdesk.ui.theme import scaled, theme

_HEIGHT = 28
State = Literal["none", "thinking", "done", "cut", "empty"]


class ReasoningHeader(QWidget):
    """`answer_wanted`: the user has waited long enough and wants the answer now."""

    answer_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._end = ""  # how the reasoning was closed from outside
        self._origin: Origin = ""
        self._shown: tuple[State, int, float] = ("none", 0, 0.0)
        self.head = ReasoningHead(self)
        self.badge = Badge("warn", "triangle-alert", "Not closed", name="reasoningNotClosed")
        self.badge.setToolTip("Reasoning not closed")
        self._answer_now = button(
            "Answer now", "", "flat", small=True, name="answerNowButton", clicked=self.ask_answer
        )
        self._answer_now.setToolTip("End the reasoning here and let the model answer")
        self.pill = DifferencePill()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme().px(6))
        row.addWidget(self.head, 1)
        for part in (self.badge, self._answer_now, self.pill):
            row.addWidget(part)
        self.badge.hide()
        self._answer_now.hide()
        scaled(self, height=_HEIGHT)

    # ------------------------------------------------------------ what it says

    def show_state(self, state: State, tokens: int, seconds: float) -> None:
        """How the reasoning stands; seconds so far, or in all."""
        self._shown = (state, tokens, seconds)
        self.badge.setVisible(state == "cut")
        if not self.can_answer_now and self._answer_now.hasFocus():
            self.head.setFocus(Qt.FocusReason.OtherFocusReason)  # else another lane would get it
        self._answer_now.setVisible(self.can_answer_now)
        if state == "thinking" and not self._origin:
            words = thinking_words(tokens, seconds, closing=bool(self._end))
        elif state == "empty":
            words = HeadWords("No reasoning", "", self._end)
        else:
            words = finished_words(tokens, seconds, self._end, self._origin)
        self.head.set_words(words)

    def set_origin(self, origin: Origin) -> None:
        """Whether the reasoning is given, not drawn."""
        self._origin = origin
        self.show_state(*self._shown)

    def set_end(self, end: str) -> None:
        """How the reasoning was closed from outside, in the words of `thought_end`."""
        self._end = end
        self.show_state(*self._shown)

    def clear(self) -> None:
        """Back to the start."""
        self._end, self._origin = "", ""
        self.show_state("none", 0, 0.0)
        self.pill.show_stop(None)

    def set_density(self, density: str) -> None:
        """In a narrow lane the head says no tokens."""
        self.head.detail_allowed = density != "narrow"
        self.badge.set_shrunk(density == "narrow")
        self.pill.set_short(density in ("narrow", "compact"))
        self.head.update()

    # ------------------------------------------------------------ answer now

    @property
    def can_answer_now(self) -> bool:
        """Whether it is being written and nobody has asked for the answer yet."""
        return self._shown[0] == "thinking" and not self._end and not self._origin

    def ask_answer(self) -> None:
        """The reasoning shall end now; the head says so until the answer comes."""
        if self.can_answer_now:
            self.set_end("closed by you")
            announce(self, "The reasoning will be closed")
            self.answer_wanted.emit()
