"""The small painted parts of a chain row: the state of a step, and the grip that moves it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QApplication, QSizePolicy, QWidget

from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import theme

State = Literal["active", "neutral", "absent", "selecting"]

STATE_WORDS: dict[str, str] = {
    "active": "Active",
    "neutral": "No effect",
    "absent": "Not in chain",
    "selecting": "Draws",
}
_DOT, _GAP = 10, 6


class StateMark(QWidget):
    """A dot, ring, sign or diamond with its word; `set_wordless` leaves the sign alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: State = "active"
        self._wordless = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_state("active")

    def set_state(self, state: State) -> None:
        self._state = state
        self.setAccessibleName(STATE_WORDS[state])
        self.setToolTip(STATE_WORDS[state] if self._wordless else "")
        self.update()

    def set_wordless(self, wordless: bool) -> None:
        self._wordless = wordless
        self.set_state(self._state)
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        px = theme().px
        return QSize(px(12 if self._wordless else 96), px(28))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        px = theme().px
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dot = QRectF(1, (self.height() - px(_DOT)) / 2, px(_DOT), px(_DOT))
        paint_state(painter, dot, self._state)
        if not self._wordless:
            painter.setFont(theme().font("small"))
            painter.setPen(theme().color("text2"))
            left = px(_DOT + _GAP) + 2
            rect = QRect(left, 0, self.width() - left, self.height())
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignVCenter), STATE_WORDS[self._state])
        painter.end()


def paint_state(painter: QPainter, dot: QRectF, state: State) -> None:
    """Paint the sign of a state into a square of about 10 px."""
    accent, control = theme().color("accent"), theme().color("control")
    if state == "absent":
        draw_icon(painter, dot.adjusted(-1.5, -1.5, 1.5, 1.5), "circle-off", "warn")
    elif state == "neutral":
        painter.setPen(QPen(control, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(dot.adjusted(1, 1, -1, -1))
    elif state == "selecting":
        middle, half = dot.center(), dot.width() / 2 + 1
        corners = [(0.0, -half), (half, 0.0), (0.0, half), (-half, 0.0)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawPolygon(QPolygonF([middle + QPointF(x, y) for x, y in corners]))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(dot)


class Grip(QAbstractButton):
    """What a row is moved by: the mouse drags it, keys go to the row."""

    dragged = Signal(QMouseEvent)
    released_at = Signal(QMouseEvent)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pressed_at: QPointF | None = None
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setProperty("ringRadius", 4)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(24), theme().px(28))  # the least that can be hit

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        side = theme().px(16)
        painter = QPainter(self)
        token = "text2" if self.underMouse() else "text3"
        box = QRectF(self.width() - side, (self.height() - side) / 2, side, side)
        draw_icon(painter, box, "grip-vertical", token)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.globalPosition()
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self._pressed_at is None:
            return
        distance = (event.globalPosition() - self._pressed_at).manhattanLength()
        if self._dragging or distance >= min(4, QApplication.startDragDistance()):
            self._dragging = True
            self.dragged.emit(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        dragging, self._pressed_at, self._dragging = self._dragging, None, False
        if dragging:
            self.released_at.emit(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()  # the row moves and removes, the editor walks between rows
