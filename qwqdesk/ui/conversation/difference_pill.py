"""Owns the pill in a reasoning's head that says where the lane differs, and leads there."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from qwqdesk.ui.base import badge_size, paint_badge
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
        self._token: int | None = None
        self._short = False
        self.hide()

    def show_token(self, token: int | None) -> None:
        """The first token that differs; None hides the pill."""
        self._token = token
        self.setVisible(token is not None)
        self._set_words()

    def set_short(self, short: bool) -> None:
        """Leave words out where there is little room."""
        self._short = short
        self._set_words()

    def _set_words(self) -> None:
        if self._token is not None:
            whole = f"Differs from token {self._token:,}"
            self.setText(f"token {self._token:,}" if self._short else whole)
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
