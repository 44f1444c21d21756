"""The lanes side by side; below 300 px of width each they scroll sideways."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from qwqdesk.ui.base import Hairline
from qwqdesk.ui.conversation.lane import MIN_WIDTH, Lane
from qwqdesk.ui.theme import theme


class LanesView(QScrollArea):
    """1 to 4 lanes of equal width with hairlines between them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lanesView")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._content = QWidget()
        self._row = QHBoxLayout(self._content)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._lines: list[Hairline] = []
        self.setWidget(self._content)

    def set_lanes(self, lanes: Sequence[Lane]) -> None:
        """Show these lanes in this order; lanes that are new take their place among the others."""
        for line in self._lines:
            self._row.removeWidget(line)
            line.deleteLater()
        self._lines.clear()
        for lane in lanes:
            self._row.removeWidget(lane)
        for number, lane in enumerate(lanes):
            if number:
                line = Hairline(Qt.Orientation.Vertical)
                self._lines.append(line)
                self._row.addWidget(line)
            self._row.addWidget(lane, 1)
            lane.setMinimumWidth(theme().px(MIN_WIDTH))
            lane.show()

    def remove(self, lane: Lane) -> None:
        """Take a lane away."""
        self._row.removeWidget(lane)
        lane.hide()
        lane.deleteLater()
