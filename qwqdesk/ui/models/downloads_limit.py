"""The speed limit of all downloads together: its words, its menu, and a value of one's own."""

from __future__ import annotations

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from qwqdesk.ui.base import Dialog, ValueField, button, label
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.theme import theme

MB = 10**6
CHOICES = (0, 5 * MB, 10 * MB, 25 * MB, 50 * MB, 100 * MB)
_LEAST, _MOST = 0.05, 100_000.0


def limit_words(bytes_per_second: int) -> str:
    """ "No speed limit", or "At most 25 MB/s"."""
    if not bytes_per_second:
        return "No speed limit"
    return f"At most {bytes_per_second / MB:g} MB/s"


class SpeedLimitMenu(QMenu):
    """The usual limits, and one's own."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._over = desk, parent
        self.setObjectName("speedLimitMenu")
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        group = QActionGroup(self)
        present = self._desk.settings.speed_limit
        choices = sorted({*CHOICES, present})
        for value in choices:
            entry = self.addAction(f"{value / MB:g} MB/s" if value else limit_words(0))
            entry.setCheckable(True)
            entry.setChecked(value == present)
            entry.triggered.connect(
                lambda _=False, value=value: self._desk.change(speed_limit=value)
            )
            group.addAction(entry)
        self.addSeparator()
        self.addAction("Other value…").triggered.connect(self._ask)

    def _ask(self) -> None:
        SpeedDialog(self._desk, self._over.window()).open()


class SpeedDialog(Dialog):
    """One number in MB/s."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        px = theme().px
        self._desk = desk
        self.setObjectName("speedDialog")
        self.setWindowTitle("Speed limit")
        self.setProperty("ground", "raised")
        self._field = ValueField(
            "Speed limit in MB/s", _LEAST, _MOST, 1.0, name="speedField", parent=self
        )
        self._field.set_width(96)
        self._field.show_value((desk.settings.speed_limit or 10 * MB) / MB)
        self._set = button("Set limit", kind="primary", name="verbButton", clicked=self._apply)
        self._field.checked.connect(lambda problem: self._set.setEnabled(not problem))
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addWidget(label("All downloads together, at most"))
        row.addWidget(self._field)
        row.addWidget(label("MB/s", tone="text2"))
        acts = QHBoxLayout()
        acts.setSpacing(px(8))
        acts.addStretch(1)
        acts.addWidget(button("Cancel", name="cancelButton", clicked=self.reject))
        acts.addWidget(self._set)
        column = QVBoxLayout(self)
        column.setContentsMargins(px(20), px(20), px(20), px(16))
        column.setSpacing(px(20))
        column.addLayout(row)
        column.addLayout(acts)
        self.finished.connect(self.deleteLater)

    def _apply(self) -> None:
        self._field.interpretText()
        if not self._field.problem:
            self._desk.change(speed_limit=round(self._field.in_force * MB))
            self.accept()
