"""Dragging a row of the chain editor: the lifted row, the line at the drop place, auto-scroll."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QScrollArea, QWidget

from qwqdesk.ui.theme import theme

_EDGE, _SCROLL_STEP, _SCROLL_MS = 32, 8, 16
_OPACITY = 0.9


class _Lifted(QWidget):
    """The picture of the row under the pointer."""

    def __init__(self, picture: QPixmap, parent: QWidget) -> None:
        super().__init__(parent)
        self._picture = picture
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(picture.deviceIndependentSize().toSize())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setOpacity(_OPACITY)
        painter.drawPixmap(0, 0, self._picture)
        painter.setPen(QPen(theme().color("line_strong"), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()


class DropLine(QWidget):
    """2 px of accent with a ring at its left end."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("dropLine")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent, middle = theme().color("accent"), self.height() / 2
        painter.setPen(QPen(accent, 2))
        painter.drawLine(QPointF(9, middle), QPointF(self.width(), middle))
        painter.setBrush(theme().color("surface"))
        painter.drawEllipse(QPointF(5, middle), 4, 4)
        painter.end()


class RowDrag(QObject):
    """One drag, from the first movement to the drop; `dropped` carries the new index."""

    dropped = Signal(int)
    ended = Signal()

    def __init__(
        self, row: QWidget, rows: Sequence[QWidget], area: QScrollArea, content: QWidget
    ) -> None:
        """`content` is what `area` scrolls; the rows lie in it."""
        super().__init__(area)
        self._rows, self._area, self._content = list(rows), area, content
        self._index = self._rows.index(row)
        self._target = self._index
        self._pointer = QPoint()
        self._lifted = _Lifted(row.grab(), self._content)
        self._line = DropLine(self._content)
        self._timer = QTimer(self)
        self._timer.setInterval(_SCROLL_MS)
        self._timer.timeout.connect(self._scroll)
        self._timer.start()
        self._lifted.show()
        self._line.show()

    def move_to(self, pointer: QPointF) -> None:
        """The pointer is here now, in global coordinates."""
        self._pointer = pointer.toPoint()
        place = self._content.mapFromGlobal(self._pointer)
        self._lifted.move(12, place.y() - self._lifted.height() // 2)
        self._lifted.raise_()
        self._target = self._index_at(place.y())
        self._place_line()

    def drop(self) -> None:
        """Let the row fall where the line is."""
        # The row itself leaves a place above the target.
        index = self._target - (1 if self._target > self._index else 0)
        self._finish()
        if index != self._index:
            self.dropped.emit(index)

    def cancel(self) -> None:
        """Put the row back."""
        self._finish()

    def _finish(self) -> None:
        self._timer.stop()
        for widget in (self._lifted, self._line):
            widget.hide()
            widget.deleteLater()
        self.ended.emit()
        self.deleteLater()

    def _index_at(self, y: int) -> int:
        middles = [self._top(row) + row.height() / 2 for row in self._rows]
        return sum(y > middle for middle in middles)

    def _top(self, row: QWidget) -> int:
        return row.mapTo(self._content, QPoint(0, 0)).y()

    def _place_line(self) -> None:
        if self._target < len(self._rows):
            y = self._top(self._rows[self._target])
        else:
            last = self._rows[-1]
            y = self._top(last) + last.height()
        self._line.setGeometry(theme().px(18), y - 6, self._content.width() - theme().px(26), 12)
        self._line.raise_()

    def _scroll(self) -> None:
        view = self._area.viewport()
        y = view.mapFromGlobal(self._pointer).y()
        step = -_SCROLL_STEP if y < _EDGE else _SCROLL_STEP if y > view.height() - _EDGE else 0
        bar = self._area.verticalScrollBar()
        before = bar.value()
        bar.setValue(before + step)
        if bar.value() != before:
            self.move_to(QPointF(self._pointer))
