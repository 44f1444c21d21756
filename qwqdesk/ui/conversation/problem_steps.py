"""Owns the way from one error in an answer's code to the next, and what brings a line into view."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QPoint
from PySide6.QtWidgets import QScrollArea, QWidget

from qwqdesk.ui.base import announce
from qwqdesk.ui.conversation.answer import AnswerView
from qwqdesk.ui.conversation.code_block import CodeBlock
from qwqdesk.ui.conversation.code_problems import sentence
from qwqdesk.ui.theme import theme

_ABOVE, _BELOW = 80, 60  # px that stay visible around a line


class ProblemSteps:
    """The errors of the answers in one scrolled column."""

    def __init__(self, area: QScrollArea) -> None:
        self._area = area
        self._at: tuple[CodeBlock, int] | None = None

    def step(self, answer: AnswerView, step: int) -> bool:
        """Show the next (1) or the previous (-1) error of an answer; False when there is none.

        After the last one comes the first.
        """
        blocks = [block for block in answer.blocks if isinstance(block, CodeBlock)]
        places = [(block, number) for block in blocks for number in range(len(block.problems))]
        if not places:
            return False
        present = places.index(self._at) if self._at in places else (-1 if step > 0 else 0)
        block, number = self._at = places[(present + step) % len(places)]
        problem = block.problems[number]
        block.show_line(problem.line)
        announce(self._area, sentence(problem))
        return True

    def show_line(self, block: CodeBlock, line: int) -> None:
        """Scroll so that a line of code is in view, with some lines around it."""
        content: QWidget | None = self._area.widget()
        if content is None:
            return
        # Lines that were just unfolded would get their room only with the next layout.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        content.resize(content.width(), max(content.sizeHint().height(), content.height()))
        y = block.mapTo(content, QPoint(0, block.line_top(line))).y()
        bar, room = self._area.verticalScrollBar(), self._area.viewport().height()
        above, below = theme().px(_ABOVE), theme().px(_BELOW)
        if y - above < bar.value():
            bar.setValue(y - above)
        elif y + below > bar.value() + room:
            bar.setValue(min(y - above, y + below - room))
