"""Owns the text of a code block: lines, their numbers in a gutter, colours, and hidden lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QToolTip, QWidget

from qwqdesk.analysis.code_problem import CodeProblem
from qwqdesk.ui.conversation.code_highlighter import CodeHighlighter
from qwqdesk.ui.conversation.code_marks import CodeMarks
from qwqdesk.ui.conversation.code_problems import CodeProblems
from qwqdesk.ui.conversation.document_marks import DocumentMarks
from qwqdesk.ui.theme import theme

LINE_LIMIT = 4000  # characters after which a line is broken on the screen
SHOWN_LIMIT = 20_000  # lines that are shown at most
_LINE = 20


class _Gutter(QWidget):
    """The line numbers left of the code."""

    def __init__(self, code: CodeText) -> None:
        super().__init__(code)
        self._code = code
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        self._code.paint_numbers(painter, event.rect(), self.width())
        painter.end()


class CodeText(QTextEdit):
    """Read-only code. It has no scroll bar of its own but the horizontal one."""

    def __init__(self, language: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("codeText")
        self.setAccessibleName("Code")
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.document().setUndoRedoEnabled(False)
        self.document().setDocumentMargin(0)
        self.viewport().setAutoFillBackground(False)
        self.marks: DocumentMarks = CodeMarks(self)
        self.problems = CodeProblems(self)
        self._gutter = _Gutter(self)
        self._column = 0
        self._hidden_top, self._hidden_end = 0, 0  # the lines that are shown; 0: to the last one
        self.lines = 0
        self.growing = False
        self.set_wrapped(False)
        self._apply_fonts()
        self._highlighter = CodeHighlighter(self.document(), language, self.problems)

    # ------------------------------------------------------------ content

    def append_code(self, text: str) -> None:
        """Add text at the end; over-long lines are broken, lines over the limit left out."""
        if not text or self.lines >= SHOWN_LIMIT:
            return
        self.lines = max(1, self.lines) + text.count("\n")
        if self.lines > SHOWN_LIMIT:
            text = "\n".join(text.split("\n")[: text.count("\n") + SHOWN_LIMIT - self.lines + 1])
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        empty = cursor.atStart()
        cursor.insertText(self._broken(text))
        if empty:
            # Else the view's own cursor is pushed along at the end, and the view scrolls to it.
            self.moveCursor(QTextCursor.MoveOperation.Start)

    def _broken(self, text: str) -> str:
        """Lines over the limit in pieces, because layout time grows with a line's length."""
        if len(text) + self._column <= LINE_LIMIT:
            end = text.rfind("\n")
            self._column = len(text) - end - 1 if end >= 0 else self._column + len(text)
            return text
        pieces: list[str] = []
        for number, line in enumerate(text.split("\n")):
            if number:
                pieces.append("\n")
                self._column = 0
            while self._column + len(line) > LINE_LIMIT:
                cut = LINE_LIMIT - self._column
                pieces += [line[:cut], "\u2028"]
                line, self._column = line[cut:], 0
            pieces.append(line)
            self._column += len(line)
        return "".join(pieces)

    def show_lines(self, first: int, end: int) -> None:
        """Hide all lines but those from `first` up to, not with, `end` (counted from 0)."""
        document = self.document()
        block = document.begin()
        while block.isValid():
            seen = first <= block.blockNumber() < end
            if block.isVisible() != seen:
                block.setVisible(seen)
            block = block.next()
        self._hidden_top, self._hidden_end = first, min(end, document.blockCount())
        document.markContentsDirty(0, document.characterCount())

    def hide_down_to(self, first: int) -> None:
        """Hide further lines at the top, as code streams in below."""
        document = self.document()
        block = document.findBlockByNumber(self._hidden_top)
        start = block.position()
        while block.isValid() and block.blockNumber() < first:
            block.setVisible(False)
            block = block.next()
        if first > self._hidden_top:
            self._hidden_top, self._hidden_end = first, 0
            document.markContentsDirty(start, max(1, block.position() - start))

    def set_problems(self, problems: Sequence[CodeProblem]) -> None:
        """Mark what is wrong: ground, wave and sentence."""
        before = set(self.problems.by_line)
        self.problems.set_problems(problems)
        for line in before | set(self.problems.by_line):
            self._highlighter.rehighlightBlock(self.document().findBlockByNumber(line - 1))
        self.update()

    def block_at(self, height: float) -> QTextBlock:
        """The line that is shown at a height of the document, or the nearest one.

        Found by halves: Qt's own hit test goes astray among hidden lines.
        """
        document = self.document()
        low, high = self._hidden_top, (self._hidden_end or document.blockCount()) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if document.findBlockByNumber(middle).layout().position().y() <= height:
                low = middle
            else:
                high = middle - 1
        return document.findBlockByNumber(low)

    def line_text(self, line: int) -> str:
        """What a line (from 1) says."""
        return self.document().findBlockByNumber(line - 1).text()

    def line_top(self, line: int) -> int:
        """Where a line (from 1) begins, in pixels from this widget's top."""
        block = self.document().findBlockByNumber(line - 1)
        return round(block.layout().position().y()) + self.viewportMargins().top()

    # ------------------------------------------------------------ looks

    def set_wrapped(self, wrapped: bool) -> None:
        """Break lines at the right edge, or let them run on."""
        mode = QTextEdit.LineWrapMode
        self.setLineWrapMode(mode.WidgetWidth if wrapped else mode.NoWrap)
        self.setWordWrapMode(
            QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere
            if wrapped
            else QTextOption.WrapMode.NoWrap
        )

    def restyle(self) -> None:
        """The theme changed: fonts, margins and colours again."""
        self._apply_fonts()
        self._highlighter.forget_colors()
        self._highlighter.rehighlight()
        self.marks.put_back()
        self.problems.put_back()

    @property
    def settled(self) -> int:
        """How many places of the text do not change any more: all but the last line's."""
        shown = self.marks.text()
        return shown.rfind("\n") + 1 if self.growing else len(shown)

    def _apply_fonts(self) -> None:
        px = theme().px
        font = theme().font("mono")
        self.document().setDefaultFont(font)
        form = QTextBlockFormat()
        form.setLineHeight(px(_LINE), int(QTextBlockFormat.LineHeightTypes.FixedHeight.value))
        chars = QTextCharFormat()
        chars.setFont(font)
        chars.setForeground(theme().color("text"))
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.setBlockFormat(form)
        cursor.setCharFormat(chars)
        cursor.setBlockCharFormat(chars)
        self.setTabStopDistance(4 * QFontMetrics(font).horizontalAdvance(" "))
        self.setViewportMargins(px(40), px(6), 0, px(8))
        frame = self.document().rootFrame()
        room = frame.frameFormat()
        room.setRightMargin(px(8))  # not of the viewport: the ground of a line goes to the edge
        frame.setFrameFormat(room)

    def wanted_height(self, width: int) -> int:
        """Pixels for all visible lines, margins and a scroll bar if lines are too long."""
        if self.width() != width:
            self.resize(width, self.height())
        margins = self.viewportMargins()
        room = width - margins.left() - margins.right()
        if self.lineWrapMode() is not QTextEdit.LineWrapMode.NoWrap:
            self.document().setTextWidth(room)
        size = self.document().size()
        bar = 0
        if self.lineWrapMode() is QTextEdit.LineWrapMode.NoWrap and size.width() > room + 1:
            bar = self.horizontalScrollBar().sizeHint().height()
        last = self._hidden_end or self.document().blockCount()
        height = math.ceil(size.height()) + self.problems.below_last(last)
        return height + margins.top() + margins.bottom() + bar

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(200, 40)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(40, 0)

    # ------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._gutter.setGeometry(0, 0, self.viewportMargins().left(), self.height())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Sideways turns move the code, all others the page."""
        turn = event.angleDelta()
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if abs(turn.x()) > abs(turn.y()) or shifted:
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        width, start = self.viewport().width(), QPoint(0, 0)
        painter = QPainter(self.viewport())
        self.problems.paint_ground(painter, event.rect(), start, width)
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        self.problems.paint_words(painter, event.rect(), start, width)
        self.marks.paint(painter)
        painter.end()

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Under the pointer a line with problems says all of them."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            tip = self.problems.tip_at(event.pos().y())
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().viewportEvent(event)

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: N802 - Qt's name
        super().scrollContentsBy(dx, dy)
        if dy:
            self._gutter.update()

    def paint_numbers(self, painter: QPainter, exposed: QRect, width: int) -> None:
        """Draw the numbers of the lines that the gutter shows in `exposed`."""
        top = self.viewportMargins().top()
        self.problems.paint_ground(painter, exposed, QPoint(0, top), width)
        looks = _number_look(wrong=False), _number_look(wrong=True)  # once: this runs 30 times a s
        edge, usual = width - theme().px(12), theme().px(14)
        block = self.block_at(exposed.top() - top)
        while block.isValid():
            if block.isVisible():
                layout, line = block.layout(), block.blockNumber() + 1
                y = round(layout.position().y()) + top
                if y > exposed.bottom():
                    break
                font, color, metrics = looks[line in self.problems.by_line]
                painter.setFont(font)
                painter.setPen(color)
                first, text = layout.lineAt(0), str(line)
                base = first.y() + first.ascent() if first.isValid() else usual
                painter.drawText(QPointF(edge - metrics.horizontalAdvance(text), y + base), text)
            block = block.next()


def _number_look(*, wrong: bool) -> tuple[QFont, QColor, QFontMetrics]:
    """How the number of a line is drawn."""
    font = QFont(theme().font("mono-name" if wrong else "mono"))
    font.setPixelSize(theme().px(11))
    return font, theme().color("bad" if wrong else "text3"), QFontMetrics(font)
