"""A splitter whose handle is a hairline in a hit zone of 7 px, movable with the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QWidget

from qwqdesk.ui.theme import theme

HANDLE, KEY_STEP = 7, 16


class HairHandle(QSplitterHandle):
    """The handle: one line, stronger under the pointer and with focus."""

    def __init__(self, orientation: Qt.Orientation, parent: QSplitter) -> None:
        super().__init__(orientation, parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName("Divider, arrow keys move it")
        self.setProperty("ring", "none")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        strong = self.underMouse() or self.hasFocus()
        colour = theme().color("focus" if self.hasFocus() else "line_strong" if strong else "line")
        width = 2 if strong else 1
        if self.orientation() == Qt.Orientation.Horizontal:
            line = QRect((self.width() - width) // 2, 0, width, self.height())
        else:
            line = QRect(0, (self.height() - width) // 2, self.width(), width)
        painter.fillRect(line, colour)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        key = Qt.Key(event.key())
        across = self.orientation() == Qt.Orientation.Horizontal
        back, forth = (
            (Qt.Key.Key_Left, Qt.Key.Key_Right) if across else (Qt.Key.Key_Up, Qt.Key.Key_Down)
        )
        if key not in (back, forth):
            super().keyPressEvent(event)
            return
        place = self.pos().x() if across else self.pos().y()
        self.moveSplitter(place + (KEY_STEP if key == forth else -KEY_STEP))


class HairSplitter(QSplitter):
    """A QSplitter with hair handles; children do not collapse."""

    def __init__(self, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self.setHandleWidth(HANDLE)
        self.setChildrenCollapsible(False)

    def createHandle(self) -> QSplitterHandle:  # noqa: N802 - Qt's name
        return HairHandle(self.orientation(), self)
