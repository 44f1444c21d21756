"""Owns the pill in a reasoning's head that says where the lane differs, and leads there."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from qwqdesk.ui.base import badge_size, paint_badge
from qwqdesk.ui.conversation.compared import Stop
from qwqdesk.ui.theme import theme

_TARGET = 24  # px: what can be hit is higher than what is seen


class DifferencePill(QAbstractButton):
    """Says "Differs from token 23"; hidden while nothing differs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("differencePill")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setProperty("ringRadius", 4)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Go to the first difference")
        self.setToolTip("Go to the first difference")
        self._stop: Stop | None = None
        self._short = False
        self.hide()

    def show_stop(self, stop: Stop | None) -> None:
        """Where the lane differs; None hides the pill."""
        self._stop = stop
        self.setVisible(stop is not None)
        self._set_words()

    def set_short(self, short: bool) -> None:
        """Leave words out where there is little room."""
        self._short = short
        self._set_words()

    def _set_words(self) -> None:
        if self._stop is not None:
            token = f"token {self._stop.other:,}"
            whole = "The text differs" if self._stop.by_text else f"Differs from {token}"
            short = "text differs" if self._stop.by_text else token
            self.setText(short if self._short else whole)
            self.setAccessibleName(f"{whole}, go there")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(badge_size("git-fork", self.text()).width(), theme().px(_TARGET))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        paint_badge(painter, QRect(self.rect()), "accent", "git-fork", self.text())
        painter.end()
