"""How far an experiment's trials have come: a line with its share, and the words below it."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.ui.base import ElideLabel
from qwqdesk.ui.theme import scaled, theme

_HEIGHT = 4


class _Share(QWidget):
    """The line itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.share = 0.0
        scaled(self, height=_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().color("hover"))
        width = round(self.width() * self.share)
        painter.fillRect(QRect(0, 0, width, self.height()), theme().color("accent"))
        painter.end()


class TrialsLine(QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trialsLine")
        self._share = _Share()
        self._words = ElideLabel("", "small", "text2")
        self._words.setObjectName("trialsProgress")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme().px(6))
        column.addWidget(self._share)
        column.addWidget(self._words)

    def show_words(self, words: str, share: float | None) -> None:
        """Say this, with the share from 0 to 1 where there is one."""
        self._words.setText(words)
        self._share.setVisible(share is not None)
        self._share.share = share or 0.0
        self._share.update()
        done = f"{share:.0%}, " if share is not None else ""
        self.setAccessibleName(f"{done}{words}")
        self.setVisible(bool(words))
