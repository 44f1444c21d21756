"""The focus ring: 2 px, one pixel away from the widget, shown for keyboard focus only.

Text fields show it however they got the focus. A widget with the property `ring` = "none" paints
its own focus; `ringRadius` says how round the widget is (6 px by default).
"""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QWidget,
)

from qwqdesk.ui.theme import theme

_GAP, _WIDTH = 1, 2
_FOLLOWED = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide,
             QEvent.Type.ParentChange, QEvent.Type.ZOrderChange)  # fmt: skip


class FocusRing(QWidget):
    """The ring around one widget; a child of the scroll view or the window that it is in."""

    def __init__(self, target: QWidget, host: QWidget) -> None:
        super().__init__(host)
        self._target, self._host = target, host
        self.setObjectName("focusRing")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._followed = [target]
        while (parent := self._followed[-1].parentWidget()) is not None and parent is not host:
            self._followed.append(parent)
        for widget in self._followed:
            widget.installEventFilter(self)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() in _FOLLOWED and shiboken6.isValid(self._target):
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("focus"), _WIDTH))
        own = self._target.property("ringRadius") if shiboken6.isValid(self._target) else None
        radius = theme().px(own if isinstance(own, int) else 6) + _GAP
        inset = _WIDTH / 2
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius
        )
        painter.end()

    def _place(self) -> None:
        if not self._target.isVisible():
            self.hide()
            return
        out = _GAP + _WIDTH
        corner = self._target.mapTo(self._host, QPoint(0, 0))
        size = self._target.size()
        self.setGeometry(
            corner.x() - out, corner.y() - out, size.width() + 2 * out, size.height() + 2 * out
        )
        self.show()
        self.raise_()


class FocusRings(QObject):
    """Puts the ring where the focus goes. One of it belongs to the application."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName("focusRings")
        self._ring: FocusRing | None = None
        app.focusChanged.connect(self._moved)

    def _moved(self, old: QWidget | None, new: QWidget | None) -> None:
        ring, self._ring = self._ring, None
        if ring is not None and shiboken6.isValid(ring):
            ring.setObjectName("")
            ring.hide()
            ring.deleteLater()
        if new is not None and _wants_ring(new):
            self._ring = FocusRing(new, _host_of(new))


def _wants_ring(widget: QWidget) -> bool:
    if widget.property("ring") == "none" or isinstance(widget, QAbstractScrollArea):
        return False
    if isinstance(widget, QLineEdit | QAbstractSpinBox):
        return bool(widget.property("field") != "plain")
    # No pressed mouse button at this moment: the focus came from the keyboard.
    return QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton


def _host_of(widget: QWidget) -> QWidget:
    """The view that clips the widget when it scrolls, or its window."""
    ancestor = widget.parentWidget()
    while ancestor is not None:
        parent = ancestor.parentWidget()
        if isinstance(parent, QAbstractScrollArea) and parent.viewport() is ancestor:
            return ancestor
        ancestor = parent
    return widget.window()
