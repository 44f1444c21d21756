"""Owns the marks in code: each stands in a gap above its line, so that columns stay aligned."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QTextBlockFormat, QTextCursor

from qwqdesk.ui.conversation.document_marks import DocumentMarks, Mark
from qwqdesk.ui.conversation.mark_object import paint_bar, paint_tab, tab_width
from qwqdesk.ui.theme import theme

_GAP, _TAB, _BAR = 26, 20, 2


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
        for mark in self._marks:
            if mark.words and self.cursor(mark.place).block().isVisible():
                self._paint_mark(painter, mark)

    def _paint_mark(self, painter: QPainter, mark: Mark) -> None:
        px, line = theme().px, self.rect(mark.place)
        width = tab_width(mark.words, hollow=mark.hollow)
        room = self._edit.viewport().width()
        top = line.top() - px(_TAB + 3)
        left = max(0, min(line.left() + px(_BAR + 1), room - width))
        paint_bar(painter, QRect(line.left(), top, 1, line.bottom() + 1 - top), hollow=mark.hollow)
        paint_tab(painter, QRect(left, top, width, px(_TAB)), mark.words, hollow=mark.hollow)
