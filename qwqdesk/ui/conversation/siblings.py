"""The switch between several replies to one message: "2 of 3"."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from qwqdesk.ui.base import IconButton, label
from qwqdesk.ui.theme import theme


class SiblingSwitch(QWidget):
    """Two arrows around the number of the reply that is shown."""

    chosen = Signal(int)

    def __init__(self, ids: Sequence[int], shown: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("siblingSwitch")
        self._ids = list(ids)
        self._at = self._ids.index(shown)
        words = f"{self._at + 1} of {len(self._ids)}"
        self.setAccessibleName(f"Reply {words}")
        back = IconButton(
            "chevron-left", "Earlier reply", shortcut="Alt+Left", name="earlierReplyButton",
            clicked=lambda: self.step(-1),
        )  # fmt: skip
        forth = IconButton(
            "chevron-right", "Later reply", shortcut="Alt+Right", name="laterReplyButton",
            clicked=lambda: self.step(1),
        )  # fmt: skip
        back.setEnabled(self._at > 0)
        forth.setEnabled(self._at + 1 < len(self._ids))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme().px(4), 0, 0)
        row.setSpacing(theme().px(2))
        row.addWidget(back)
        row.addWidget(label(words, "small", "text2"))
        row.addWidget(forth)
        row.addStretch(1)

    def step(self, step: int) -> None:
        """Choose the neighbour at this distance, if there is one."""
        at = self._at + step
        if 0 <= at < len(self._ids):
            self.chosen.emit(self._ids[at])
