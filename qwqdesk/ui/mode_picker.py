"""Exact or fast, and the badge beside it that says what the shown run is worth."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from qwqdesk.conversation import Mode
from qwqdesk.fairness import UNCHECKED, Fairness
from qwqdesk.ui.base import Segment, badge_size, paint_badge, plain_tip
from qwqdesk.ui.theme import theme

_HEIGHT = 24  # px: the least height of a target; the badge in it has 20


class ModePicker(Segment):
    """The choice; `mode_chosen` carries it."""

    mode_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            [("exact", "Exact"), ("fast", "Fast")],
            name="modePicker",
            accessible="Mode",
            parent=parent,
        )
        self.setToolTip(
            "Exact: a lane writes the same alone or among others.\n"
            "Fast: lanes share their batches; quicker, not reproducible."
        )
        self.chosen.connect(self.mode_chosen)

    @property
    def mode(self) -> Mode:
        """The mode that is chosen."""
        return cast("Mode", self.value())


class FairnessBadge(QAbstractButton):
    """One of the states of fairness.py; a click tells more. It is told when to be seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fairnessBadge")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setProperty("ringRadius", 4)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.fairness = UNCHECKED
        self._short = self._shrunk = False
        self.show_fairness(UNCHECKED)
        self.hide()

    def show_fairness(self, fairness: Fairness) -> None:
        """Say it."""
        self.fairness = fairness
        self.setText(fairness.text)
        self.setAccessibleName(fairness.text)
        self.setAccessibleDescription("Shows what was compared")
        self.setToolTip(plain_tip(f"{fairness.text}\nShow what was compared"))
        self.updateGeometry()
        self.update()

    def set_short(self, short: bool) -> None:
        """Fewer words where there is little room."""
        if short != self._short:
            self._short = short
            self.updateGeometry()
            self.update()

    def set_shrunk(self, shrunk: bool) -> None:
        """The icon alone; amber and red keep their word."""
        if shrunk != self._shrunk:
            self._shrunk = shrunk
            self.updateGeometry()
            self.update()

    def shown_text(self) -> str:
        """The words that are painted."""
        quiet = self.fairness.tone in ("neutral", "good")
        if self._shrunk and quiet:
            return ""
        return self.fairness.short if self._short or self._shrunk else self.fairness.text

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        size = badge_size(self.fairness.icon, self.shown_text())
        return QSize(max(size.width(), theme().px(_HEIGHT)), theme().px(_HEIGHT))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        size = badge_size(self.fairness.icon, self.shown_text())
        left = (self.width() - size.width()) // 2
        box = QRect(left, 0, size.width(), self.height())
        paint_badge(painter, box, self.fairness.tone, self.fairness.icon, self.shown_text())
        if self.underMouse() or self.isDown():
            self._paint_edge(painter, box, size)
        painter.end()

    def _paint_edge(self, painter: QPainter, box: QRect, size: QSize) -> None:
        """Under the pointer it has an outline: it can be clicked."""
        edge = QRect(box.left(), box.center().y() - size.height() // 2 + 1, *size.toTuple())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme().color("control"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(edge.adjusted(0, 0, -1, -1), theme().px(4), theme().px(4))
