"""Owns the text of a code block: lines, their numbers in a gutter, colours, and hidden lines."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from qwqdesk.ui.conversation.code_marks import CodeMarks
from qwqdesk.ui.conversation.document_marks import DocumentMarks
from qwqdesk.ui.conversation.highlight import grammar, tint_line
from qwqdesk.ui.theme import theme

LINE_LIMIT = 4000  # characters after which a line is broken on the screen
SHOWN_LIMIT = 20_000  # lines that are shown at most
_LINE = 20


class _Highlighter(QSyntaxHighlighter):
    def __init__(self, document: QTextDocument, language: str) -> None:
        super().__init__(document)
        self._rules = grammar(language)
        self._formats: dict[str, QTextCharFormat] = {}

    def forget_colors(self) -> None:
        self._formats.clear()

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        tints, state = tint_line(self._rules, text, max(0, self.previousBlockState()))
        for tint in tints:
            self.setFormat(tint.start, tint.length, self._format(tint.token))
        self.setCurrentBlockState(state)

    def _format(self, token: str) -> QTextCharFormat:
        found = self._formats.get(token)
        if found is None:
            found = self._formats[token] = QTextCharFormat()
            found.setForeground(theme().color(token))
        return found


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
        self._gutter = _Gutter(self)
        self._column = 0
        self._hidden_top = 0
        self.lines = 0
        self.growing = False
        self.set_wrapped(False)
        self._apply_fonts()
        self._highlighter = _Highlighter(self.document(), language)

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
        self._hidden_top = first
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
            self._hidden_top = first
            document.markContentsDirty(start, max(1, block.position() - start))

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
        self.setViewportMargins(px(40), px(6), px(8), px(8))

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
        return math.ceil(size.height()) + margins.top() + margins.bottom() + bar

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
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        self.marks.paint(painter)
        painter.end()

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: N802 - Qt's name
        super().scrollContentsBy(dx, dy)
        if dy:
            self._gutter.update()

    def paint_numbers(self, painter: QPainter, exposed: QRect, width: int) -> None:
        """Draw the numbers of the lines that the gutter shows in `exposed`."""
        layout, top = self.document().documentLayout(), self.viewportMargins().top()
        font = QFont(theme().font("mono"))
        font.setPixelSize(theme().px(11))
        painter.setFont(font)
        painter.setPen(theme().color("text3"))
        at = layout.hitTest(QPointF(0, exposed.top() - top), Qt.HitTestAccuracy.FuzzyHit)
        block = self.document().findBlock(max(0, at))
        while block.isValid():
            if block.isVisible() and not self._paint_number(painter, block, exposed, width):
                break
            block = block.next()

    def _paint_number(
        self, painter: QPainter, block: QTextBlock, exposed: QRect, width: int
    ) -> bool:
        box = self.document().documentLayout().blockBoundingRect(block)
        y = round(box.top()) + self.viewportMargins().top()
        if y > exposed.bottom():
            return False
        text = str(block.blockNumber() + 1)
        left = width - theme().px(12) - painter.fontMetrics().horizontalAdvance(text)
        first = block.layout().lineAt(0)
        base = first.y() + first.ascent() if first.isValid() else theme().px(14)
        painter.drawText(QPointF(left, y + base), text)
        return True
