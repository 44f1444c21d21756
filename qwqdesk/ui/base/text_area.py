"""A field of several lines that is as high as the lines in it."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QInputMethodEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

from qwqdesk.ui.theme import theme

_ROOM = 2  # px: with less, Qt takes the last line for one that must be scrolled to


class TextArea(QPlainTextEdit):
    """Grows with its text, from `least` to `most` lines, and scrolls from there on.

    Its height is that of its lines as they are laid out, never a number of lines times a font's
    line: Hangul, Thai, emoji and stacked marks come from other fonts, whose lines are higher.
    """

    def __init__(
        self, least: int = 1, most: int = 8, *, name: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._least, self._most = least, most
        self.setObjectName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it takes height
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(lambda *_: self.fit())
        self.textChanged.connect(self.fit)
        theme().changed.connect(self.fit)

    def set_most_lines(self, lines: int) -> None:
        """How many lines it may grow to."""
        self._most = max(self._least, lines)
        self.fit()

    def least_height(self) -> int:
        """Pixels that it has when it is empty, without its frame."""
        return self._least * self.fontMetrics().lineSpacing() + _ROOM

    def fit(self) -> None:
        """Take the height that the text needs now."""
        inside = max(self.least_height(), math.ceil(self._lines_height()) + _ROOM)
        margins = self.contentsMargins() + self.viewportMargins()
        wanted = inside + margins.top() + margins.bottom()
        if wanted != self.height() or self.minimumHeight() != wanted:
            self.setFixedHeight(wanted)

    def _lines_height(self) -> float:
        """Of the first lines, as many as are shown."""
        layout, block = self.document().documentLayout(), self.document().firstBlock()
        height, left = 0.0, self._most
        while block.isValid() and left > 0:
            layout.blockBoundingRect(block)  # a block is laid out when it is asked for
            lines = block.layout()
            shown = range(min(left, lines.lineCount()))
            height += sum(lines.lineAt(number).height() for number in shown)
            left -= max(1, len(shown))
            block = block.next()
        return height

    # ------------------------------------------------------------ Qt's virtual functions

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:  # noqa: N802 - Qt's name
        super().inputMethodEvent(event)
        self.fit()  # what is being composed is no change of the text, yet it has a height

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.fit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(200, self.height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(80, self.minimumHeight())
