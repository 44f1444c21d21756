"""The lanes of an experiment, one line each: letter, recipe, and its chain or what differs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from qwqdesk.conversation import LANE_LABELS
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.ui.base import ElideLabel, LetterTile, retire
from qwqdesk.ui.conversation.chips import ChipLine, differences_line, steps_line
from qwqdesk.ui.conversation.lane_model import short_title
from qwqdesk.ui.model_picker import file_title
from qwqdesk.ui.theme import theme

_MODEL_LETTERS = 14  # of a lane's model


class LaneRows(QWidget):
    """Shows set-ups; nothing is edited here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("experimentLanes")
        self._parts: list[QWidget] = []
        self._names: list[ElideLabel] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme().px(10))
        self._grid.setVerticalSpacing(theme().px(6))
        self._grid.setColumnStretch(2, 1)

    def show_lanes(self, lanes: Sequence[LaneSetup]) -> None:
        """Show these lanes; all but the first by what differs from it."""
        for part in self._parts:
            self._grid.removeWidget(part)
            retire(part)
        self._parts, self._names = [], []
        first = lanes[0].resolved() if lanes else None
        for row, (lane, letter) in enumerate(zip(lanes, LANE_LABELS, strict=False)):
            resolved = lane.resolved()
            chips = ChipLine()
            if first is None or not row:
                chips.show_line(steps_line(resolved))
            else:
                chips.show_line(differences_line(first.chain, resolved.chain))
            name = ElideLabel(_title(lane), "name")
            name.setMaximumWidth(self._name_room(self.width()))
            self._names.append(name)
            for column, part in enumerate((LetterTile(letter), name, chips)):
                self._grid.addWidget(part, row, column)
                self._parts.append(part)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        for name in self._names:
            name.setMaximumWidth(self._name_room(event.size().width()))

    @staticmethod
    def _name_room(width: int) -> int:
        """What a name may take, in pixels: the chips say more."""
        return max(theme().px(110), min(theme().px(240), round(width * 0.4)))


def _title(lane: LaneSetup) -> str:
    title = lane.recipe.title if lane.recipe else "llama.cpp default"
    edited = ", edited" if lane.edited else ""
    model = f" on {short_title(file_title(Path(lane.model)), _MODEL_LETTERS)}" if lane.model else ""
    return f"{title}{edited}{model}"
