"""Where the keyboard goes when a control of the conversation page has done its work.

What one types next is meant for the message. A button that kept the focus would take the first
space of it for a press, and one that leaves would hand the focus to whatever stands beside it.
"""

from __future__ import annotations

import weakref

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

OWN_FOCUS = "ownFocus"
"""A property of parts that say themselves where their focus goes, as the chain editor does."""


class FocusHome(QObject):
    """Watches the focus inside `page`; `home` is the field that it goes back to.

    - A button that was clicked gives it back: to the field that had it before, else home.
    - A control that leaves or is disabled while it has the focus gives it home.
    - A dialog of the page that closes over a button leaves it home.
    Who works by keyboard keeps the place: a button that was pressed by key keeps the focus.
    """

    def __init__(self, page: QWidget, home: QWidget) -> None:
        super().__init__(page)
        self._page, self._home = page, home
        self._last: weakref.ref[QWidget] | None = None
        self._last_was_own = False  # it was in the page, in a part without a focus of its own
        self._before: weakref.ref[QWidget] | None = None  # the field that had it before a click
        self._in_dialog = False
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        # Without arguments: the focus also moves while its widget is being destroyed.
        app.focusChanged.connect(self._moved)

    def go(self) -> None:
        """An act is done: the next key is for the message, unless one is writing elsewhere."""
        if self._page.isVisible() and not _is_text(self._page.window().focusWidget()):
            self._home.setFocus(Qt.FocusReason.OtherFocusReason)

    # ------------------------------------------------------------ inside

    def _moved(self) -> None:
        now, before = QApplication.focusWidget(), _alive(self._last)
        was_own, was_in_dialog = self._last_was_own, self._in_dialog
        self._last = weakref.ref(now) if now is not None else None
        self._last_was_own = now is not None and self._is_own(now)
        if now is not None:  # between a dialog and what is below it nothing has the focus
            self._in_dialog = isinstance(now.window(), QDialog)
            if not self._page.isAncestorOf(now):
                return
        gone = before is None or not before.isVisible() or not before.isEnabled()
        taken = now is not None and not self._is_own(now)  # by a part that asked for it
        left = was_own and gone and not taken and self._page.isVisible()
        if was_in_dialog:
            QTimer.singleShot(0, self, self._after_dialog)
        elif left:
            QTimer.singleShot(0, self, lambda: self._leave(now))
        elif isinstance(now, QAbstractButton) and self._last_was_own and _by_mouse():
            self._before = weakref.ref(before) if before is not None else None
            now.released.connect(
                lambda: self._give_back(now), Qt.ConnectionType.SingleShotConnection
            )

    def _is_own(self, widget: QWidget) -> bool:
        if not self._page.isAncestorOf(widget):
            return False
        part: QWidget | None = widget
        while part is not None and part is not self._page:
            if part.property(OWN_FOCUS):
                return False
            part = part.parentWidget()
        return True

    def _leave(self, present: QWidget | None) -> None:
        """Unless somebody has decided otherwise meanwhile."""
        if QApplication.focusWidget() is present and self._page.isVisible():
            self._home.setFocus(Qt.FocusReason.OtherFocusReason)

    def _after_dialog(self) -> None:
        """The window is not always active again when its dialog has gone: its own focus counts."""
        kept = self._page.window().focusWidget()
        if isinstance(kept, QAbstractButton) and self._page.isAncestorOf(kept):
            self._home.setFocus(Qt.FocusReason.OtherFocusReason)

    def _give_back(self, button: QAbstractButton) -> None:
        before = _alive(self._before)
        QTimer.singleShot(0, self, lambda: self._give_back_to(before, button))

    def _give_back_to(self, before: QWidget | None, button: QAbstractButton) -> None:
        # Of the window, not of the program: a dialog may be open now, and close later.
        if not shiboken6.isValid(button) or self._page.window().focusWidget() is not button:
            return
        wrote = before is not None and shiboken6.isValid(before) and _is_text(before)
        target = before if wrote and before is not None and before.isVisible() else self._home
        target.setFocus(Qt.FocusReason.OtherFocusReason)


def _alive(last: weakref.ref[QWidget] | None) -> QWidget | None:
    widget = last() if last is not None else None
    return widget if widget is not None and shiboken6.isValid(widget) else None


def _by_mouse() -> bool:
    return QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton


def _is_text(widget: QWidget | None) -> bool:
    """Whether one writes in it."""
    if isinstance(widget, QLineEdit | QPlainTextEdit):
        return not widget.isReadOnly() and widget.isVisible()
    return isinstance(widget, QAbstractSpinBox) and widget.isVisible()
