"""Owns what all text widgets of an answer share: a read-only document without scroll bars.

Its owner gives it the height that it asks for; wheel turns go to the page; links open only after a
second check; nothing is ever loaded.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QMimeData, QRect, QSize, Qt, QUrl
from PySide6.QtGui import (
    QDesktopServices,
    QPainter,
    QPaintEvent,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from qwqdesk.ui.conversation.document_marks import DocumentMarks
from qwqdesk.ui.conversation.formula_object import FORMULA_OBJECT, FormulaObject
from qwqdesk.ui.conversation.inline_marks import InlineMarks, copied_text
from qwqdesk.ui.conversation.inline_runs import safe_address
from qwqdesk.ui.conversation.mark_object import MARK_OBJECT, MarkObject
from qwqdesk.ui.conversation.text_look import LookName, TextLook


class DocumentView(QTextBrowser):
    """A document that is as high as its text."""

    def __init__(self, look: LookName, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._look = TextLook(look)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # one Tab stop for all text: the transcript
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.anchorClicked.connect(_open_link)
        document = self.document()
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(0)
        self._formulas = FormulaObject(self)
        self._mark_object = MarkObject(self)
        document.documentLayout().registerHandler(FORMULA_OBJECT, self._formulas)
        document.documentLayout().registerHandler(MARK_OBJECT, self._mark_object)
        self.marks: DocumentMarks = InlineMarks(self, self._text_moved)
        self.viewport().setAutoFillBackground(False)

    @property
    def settled(self) -> int:
        """How many places of the text do not change any more."""
        return len(self.marks.text())

    def _text_moved(self, position: int, by: int) -> None:
        """A mark came or went: what stands from a position on has moved."""

    def toPlainText(self) -> str:  # noqa: N802 - Qt's name
        """The text without the marks in it."""
        return self.marks.text()

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 - Qt's name
        result = QMimeData()
        result.setText(copied_text(self.textCursor()))
        return result

    def wanted_height(self, width: int) -> int:
        """Pixels that the text needs at this width."""
        if self.width() != width:
            self.resize(width, self.height())
            self.document().setTextWidth(width)  # hidden widgets hear of a resize only later
        return math.ceil(self.document().size().height())

    def caret_rect(self) -> QRect:
        """Where the next character would stand."""
        return self.cursorRect(self._end())

    def _end(self) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        return cursor

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(200, self.wanted_height(self.width()))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(40, 0)

    def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: N802 - Qt's name
        """Nothing is ever loaded: the text is a model's."""
        return None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        self.marks.paint(painter)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """The page scrolls, not the text."""
        event.ignore()


def _open_link(address: QUrl) -> None:
    """Addresses were checked when the text was written; check again before leaving the program."""
    if safe_address(address.toString()):
        QDesktopServices.openUrl(address)
