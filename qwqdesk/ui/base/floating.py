"""The pill that floats over a view, and the motion that folds a section."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPropertyAnimation
from PySide6.QtWidgets import QPushButton, QWidget

from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import scaled, theme

FOLD_MS = 120
_UNBOUNDED = 16777215  # QWIDGETSIZE_MAX


class Pill(QPushButton):
    """A round button at the bottom centre of its parent: "New text below"."""

    def __init__(self, text: str, over: QWidget, icon_name: str = "arrow-down") -> None:
        super().__init__(text, over)
        self.setProperty("pill", True)
        self.setProperty("ringRadius", 14)
        self.setObjectName("newTextPill")
        self.setAccessibleName(text)
        self.setIcon(icon(icon_name))
        scaled(self, icon=14)
        over.installEventFilter(self)
        self.hide()

    def show_pill(self, shown: bool) -> None:
        """Show or hide it, at its place."""
        if shown != self.isVisible():
            self.setVisible(shown)
            self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.adjustSize()
        over = self.parentWidget()
        if over is None:
            return
        bottom = over.height() - self.height() - theme().px(12)
        self.move((over.width() - self.width()) // 2, bottom)
        self.raise_()


def fold(widget: QWidget, opened: bool) -> None:
    """Open or close a section by its height, in 120 ms or at once where motion is not wanted."""
    duration = theme().duration(FOLD_MS) if widget.window().isVisible() else 0
    if not duration:
        widget.setMaximumHeight(_UNBOUNDED)
        widget.setVisible(opened)
        return
    start = widget.height() if widget.isVisible() else 0
    widget.setMaximumHeight(start)
    widget.setVisible(True)
    motion = QPropertyAnimation(widget, b"maximumHeight", widget)
    motion.setDuration(duration)
    motion.setEasingCurve(QEasingCurve.Type.OutCubic)
    motion.setStartValue(start)
    motion.setEndValue(widget.sizeHint().height() if opened else 0)
    motion.finished.connect(lambda: _folded(widget, opened))
    motion.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)


def _folded(widget: QWidget, opened: bool) -> None:
    widget.setVisible(opened)
    widget.setMaximumHeight(_UNBOUNDED)
