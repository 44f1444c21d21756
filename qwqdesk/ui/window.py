"""The window itself: shown at once, filled a moment later, and hidden while the program ends.

It imports little, so that it stands on the screen before the pages and the engine are loaded.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QByteArray, QRect, Qt, Signal
from PySide6.QtGui import QCloseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QWidget

from qwqdesk.ui.theme import theme

MINIMUM = (960, 600)
FIRST_SIZE = (1280, 800)
_SIDEBAR, _TOOLBAR = 240, 48


class Window(QMainWindow):
    """Closing it only hides it; `closed` tells the program to end in its own order.

    `may_close` is asked first: where it says no, it has asked the user, and calls `close` again.
    """

    closed = Signal()

    def __init__(self, geometry: str = "") -> None:
        """`geometry` is what `geometry_text` said at the end of an earlier run."""
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("QwQ Desk")
        self.setMinimumSize(*MINIMUM)
        self.resize(*FIRST_SIZE)
        self.may_close: Callable[[], bool] = lambda: True
        self._words = ""
        with suppress(ValueError):
            self.restoreGeometry(QByteArray(base64.b64decode(geometry, validate=True)))

    @property
    def geometry_text(self) -> str:
        """Place and size, for the settings."""
        return base64.b64encode(self.saveGeometry().data()).decode("ascii")

    def fill(self, content: QWidget) -> None:
        """Show the content in place of the empty grounds."""
        self.setCentralWidget(content)
        content.show()

    def say(self, words: str) -> None:
        """What it waits for while it is empty."""
        if words != self._words:
            self._words = words
            self.setAccessibleDescription(words)
            self.update()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        if not self.may_close():
            event.ignore()
            return
        self.hide()
        self.closed.emit()
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The grounds of sidebar, toolbar and page, until the content covers them."""
        if self.centralWidget() is not None:
            return
        px, painter = theme().px, QPainter(self)
        painter.fillRect(self.rect(), theme().color("surface"))
        bar = QRect(px(_SIDEBAR), 0, self.width() - px(_SIDEBAR), px(_TOOLBAR))
        painter.fillRect(bar, theme().color("window"))
        painter.fillRect(QRect(0, 0, px(_SIDEBAR), self.height()), theme().color("sidebar"))
        if self._words:
            painter.setPen(theme().color("text2"))
            painter.setFont(theme().font("body"))
            page = self.rect().adjusted(px(_SIDEBAR), px(_TOOLBAR), 0, 0)
            painter.drawText(page, Qt.AlignmentFlag.AlignCenter, self._words)
        painter.end()
