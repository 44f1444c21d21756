"""Owns the marks in code: each stands in a gap above its line, so that columns stay aligned."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QTextBlockFormat, QTextCursor

from qwqdesk.ui.conversation.document_marks import DocumentMarks, Mark
from qwqdesk.ui.conversation.mark_object import paint_bar, paint_tab, tab_width
from qwqdesk.ui.theme import theme

_GAP, _TAB, _BAR, _BETWEEN = 26, 20, 2, 6


class CodeMarks(DocumentMarks):
    """The tints and marks of a code block."""

    def take_out(self) -> None:
        self._set_gaps(self._marks, 0)

    def _make_room(self, marks: Sequence[Mark]) -> None:
        self._set_gaps(marks, theme().px(_GAP))

    def _set_gaps(self, marks: Sequence[Mark], pixels: int) -> None:
        for mark in marks:
            cursor: QTextCursor = self.cursor(mark.place)
            form = QTextBlockFormat()
            form.setTopMargin(pixels)
            cursor.mergeBlockFormat(form)

    def paint(self, painter: QPainter) -> None:
        super().paint(painter)
        taken: dict[int, int] = {}  # for each line, up to where its gap is taken
        for mark in self._marks:
            block = self.cursor(mark.place).block()
            if mark.words and block.isVisible():
                at = taken.get(block.blockNumber(), 0)
                taken[block.blockNumber()] = self._paint_mark(painter, mark, at)

    def _paint_mark(self, painter: QPainter, mark: Mark, taken: int) -> int:
        """Draw the bar, and the tab at its right; returns where the next tab may begin."""
        px, line = theme().px, self.rect(mark.place).translated(-1, 0)
        width = tab_width(mark.words, hollow=mark.hollow)
        left = line.left() + px(_BAR + 1)
        alone = left >= taken  # else the bar would go through the tab before it
        left = max(0, taken, min(left, self._edit.viewport().width() - width))
        top = line.top() - px(_TAB + 3)
        bar = QRect(line.left(), top, 1, line.bottom() + 1 - top) if alone else line
        paint_bar(painter, bar, hollow=mark.hollow)
        paint_tab(painter, QRect(left, top, width, px(_TAB)), mark.words, hollow=mark.hollow)
        return left + width + px(_BETWEEN)
