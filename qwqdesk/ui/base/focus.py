"""The focus ring: 2 px, one pixel away from the widget, shown for keyboard focus only.

Text fields show it however they got the focus. A widget with the property `ring` = "none" paints
its own focus; with "parent" the ring is around the frame that it is in. `ringRadius` says how round
the widget is (6 px by default).
"""

from __future__ import annotations

import weakref

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from qwqdesk.ui.theme import theme

_GAP, _WIDTH = 1, 2
_FOLLOWED = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide,
             QEvent.Type.ParentChange, QEvent.Type.ZOrderChange)  # fmt: skip


class FocusRing(QWidget):
    """The ring around one widget; a child of the scroll view or the window that it is in.

    It holds no reference to those: the last one to a window, dropped while the ring is being
    destroyed, would destroy the window and the ring a second time.
    """

    def __init__(self, target: QWidget, host: QWidget) -> None:
        super().__init__(host)
        self._target = weakref.ref(target)
        self.setObjectName("focusRing")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        followed: QWidget | None = target
        while followed is not None and followed is not host:
            followed.installEventFilter(self)
            followed = followed.parentWidget()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() in _FOLLOWED:
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        target = self._living_target()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("focus"), _WIDTH))
        own = target.property("ringRadius") if target is not None else None
        radius = theme().px(own if isinstance(own, int) else 6) + _GAP
        inset = _WIDTH / 2
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius
        )
        painter.end()

    def _living_target(self) -> QWidget | None:
        target = self._target()
        return target if target is not None and shiboken6.isValid(target) else None

    def _place(self) -> None:
        target, host = self._living_target(), self.parentWidget()
        if target is None or host is None or not target.isVisible():
            self.hide()
            return
        out = _GAP + _WIDTH
        corner = target.mapTo(host, QPoint(0, 0))
        self.setGeometry(QRect(corner, target.size()).adjusted(-out, -out, out, out))
        self.show()
        self.raise_()


class FocusRings(QObject):
    """Puts the ring where the focus goes. One of it belongs to the application."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName("focusRings")
        self._ring: FocusRing | None = None
        self._by_key = False
        # Not at once: the focus also moves while a window is being destroyed, and a ring made
        # inside a dying window would be destroyed twice.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._show)
        app.focusChanged.connect(self._moved)

    def _moved(self) -> None:
        # No pressed mouse button at this moment: the focus came from the keyboard.
        self._by_key = QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton
        self._later.start()

    def _show(self) -> None:
        ring, self._ring = self._ring, None
        if ring is not None and shiboken6.isValid(ring):
            ring.setObjectName("")
            ring.hide()
            ring.deleteLater()
        target = QApplication.focusWidget()
        if target is not None and _wants_ring(target, self._by_key):
            parent = target.parentWidget()
            if target.property("ring") == "parent" and parent is not None:
                target = parent
            self._ring = FocusRing(target, _host_of(target))


def _wants_ring(widget: QWidget, by_key: bool) -> bool:
    if isinstance(widget, QPlainTextEdit) and widget.property("field") in ("box", "area"):
        return True
    if widget.property("ring") == "parent":
        return True
    if widget.property("ring") == "none" or isinstance(widget, QAbstractScrollArea):
        return False
    if widget.isWindow():
        return False
    if isinstance(widget, QLineEdit | QAbstractSpinBox):
        return bool(widget.property("field") != "plain")
    return by_key


def _host_of(widget: QWidget) -> QWidget:
    """The view that clips the widget when it scrolls, or its window.

    A dialog's parent may lie in a view of another window, which clips nothing of the dialog.
    """
    ancestor = widget.parentWidget()
    while ancestor is not None and not ancestor.isWindow():
        parent = ancestor.parentWidget()
        if isinstance(parent, QAbstractScrollArea) and parent.viewport() is ancestor:
            return ancestor
        ancestor = parent
    return widget.window()
