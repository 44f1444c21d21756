"""Owns a Markdown table on the screen: rows are added as they arrive, whole."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QFont,
    QTextCursor,
    QTextFrameFormat,
    QTextTable,
    QTextTableCellFormat,
    QTextTableFormat,
)
from PySide6.QtWidgets import QWidget

from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.document_writer import write_runs
from qwqdesk.ui.conversation.inline_runs import inline_runs
from qwqdesk.ui.conversation.markdown_blocks import Shape
from qwqdesk.ui.conversation.text_look import LookName, TextLook
from qwqdesk.ui.conversation.visible_text import visible
from qwqdesk.ui.theme import theme

_COLUMNS, _CELL = 24, 2000  # the most columns, and characters of a cell, that are shown
_UNESCAPED_BAR = re.compile(r"(?<!\\)\|")


class TableBlock(DocumentView):
    """One table; at most some hundred rows, longer ones go on in the next."""

    def __init__(self, look: LookName, shape: Shape, parent: QWidget | None = None) -> None:
        super().__init__(look, "tableBlock", parent)
        self.setAccessibleName("Table")
        self._lines: list[str] = []
        self._pending = ""
        self._table: QTextTable | None = None
        self._alignments: list[Qt.AlignmentFlag] = []
        if shape.head:
            self.grow(shape.head + "\n")

    def grow(self, text: str) -> None:
        """Take text; a row appears with `show_growth` once its line is complete."""
        self._pending += visible(text)

    def show_growth(self) -> None:
        """Draw the rows that are complete, with one layout for all of them."""
        *lines, self._pending = self._pending.split("\n")
        if lines:
            self._add_lines(lines)

    def finish(self) -> None:
        """The last line is complete too."""
        if self._pending:
            self._pending += "\n"
        self.show_growth()

    def set_look(self, look: LookName) -> None:
        """Draw everything again in another look or other colours."""
        self._look = TextLook(look)
        self.marks.take_out()
        lines, self._lines, self._table = self._lines, [], None
        self.document().clear()
        self._add_lines(lines)
        self.marks.put_back()

    def _add_lines(self, lines: list[str]) -> None:
        edit = QTextCursor(self.document())
        edit.beginEditBlock()
        for line in lines:
            self._add_line(line)
        edit.endEditBlock()

    def _add_line(self, line: str) -> None:
        self._lines.append(line)
        if len(self._lines) == 2:
            self._alignments = [_alignment(cell) for cell in _cells(line)]
            self._start_table()
        elif len(self._lines) > 2 and self._table is not None:
            self._table.appendRows(1)
            self._fill_row(self._table, self._table.rows() - 1, line)

    def _start_table(self) -> None:
        form = QTextTableFormat()
        form.setBorder(0)
        form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        form.setCellSpacing(0)
        form.setCellPadding(0)
        form.setBorderCollapse(True)
        form.setHeaderRowCount(1)
        columns = max(1, min(_COLUMNS, len(_cells(self._lines[0]))))
        self._table = self._end().insertTable(1, columns, form)
        self._fill_row(self._table, 0, self._lines[0])

    def _fill_row(self, table: QTextTable, row: int, line: str) -> None:
        head = row == 0
        shape = Shape("paragraph")
        cells = _cells(line)
        for column in range(table.columns()):
            cell = table.cellAt(row, column)
            cell.setFormat(self._cell_format(head, column))
            cursor = cell.firstCursorPosition()
            form = self._look.block_format("paragraph")
            form.setAlignment(self._align(column))
            cursor.setBlockFormat(form)
            text = cells[column] if column < len(cells) else ""
            runs = inline_runs(text[:_CELL].replace("\\|", "|"))
            write_runs(cursor, self._look, runs, shape)
            if head:
                self._embolden(table, column)

    def _align(self, column: int) -> Qt.AlignmentFlag:
        if column < len(self._alignments):
            return self._alignments[column]
        return Qt.AlignmentFlag.AlignLeft

    def _embolden(self, table: QTextTable, column: int) -> None:
        cell = table.cellAt(0, column)
        cursor = cell.firstCursorPosition()
        end = cell.lastCursorPosition().position()
        cursor.setPosition(end, cursor.MoveMode.KeepAnchor)
        form = self._look.plain()
        form.clearForeground()
        form.setFontWeight(QFont.Weight.DemiBold)
        cursor.mergeCharFormat(form)

    def _cell_format(self, head: bool, column: int) -> QTextTableCellFormat:
        px = theme().px
        form = QTextTableCellFormat()
        form.setTopPadding(px(5))
        form.setBottomPadding(px(5))
        form.setLeftPadding(px(10))
        form.setRightPadding(px(10))
        form.setBottomBorder(1)
        form.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        form.setBottomBorderBrush(theme().color("line_strong" if head else "line"))
        if head:
            form.setBackground(theme().color("sunken"))
        return form


def _cells(row: str) -> list[str]:
    body = row.strip()
    body = body[1:] if body.startswith("|") else body
    body = body[:-1] if body.endswith("|") and not body.endswith("\\|") else body
    return [cell.strip() for cell in _UNESCAPED_BAR.split(body, _COLUMNS)]


def _alignment(cell: str) -> Qt.AlignmentFlag:
    if cell.endswith(":"):
        centred = cell.startswith(":")
        return Qt.AlignmentFlag.AlignHCenter if centred else Qt.AlignmentFlag.AlignRight
    return Qt.AlignmentFlag.AlignLeft
