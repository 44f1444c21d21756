"""The window itself: shown at once, filled a moment later, and hidden while the program ends.

It imports little, so that it stands on the screen before the pages and the engine are loaded.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from PySide6.QtCore import QByteArray, QMargins, QRect, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QStyle, QWidget

from qwqdesk.ui.screen_place import ROOM_FOR_A_FRAME, fitted, screen_of
from qwqdesk.ui.theme import theme

MINIMUM = QSize(960, 600)
FIRST_SIZE = QSize(1280, 800)
_SIDEBAR, _TOOLBAR = 240, 48


class Window(QMainWindow):
    """Closing it only hides it; `closed` tells the program to end in its own order.

    `may_close` is asked first: where it says no, it has asked the user, and calls `close` again.
    """

    closed = Signal()
    painted = Signal()  # for the first time: its grounds are there to be seen

    def __init__(self, geometry: str = "") -> None:
        """`geometry` is what `geometry_text` said at the end of an earlier run."""
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("QwQ Desk")
        self.setMinimumSize(MINIMUM)
        self.may_close: Callable[[], bool] = lambda: True
        self._words = ""
        self._is_painted = False
        if not self._restore(geometry):
            available = QGuiApplication.primaryScreen().availableGeometry()
            middle = QRect(available.topLeft(), FIRST_SIZE)
            middle.moveCenter(available.center())
            self.setGeometry(fitted(middle, MINIMUM, available, ROOM_FOR_A_FRAME))

    def _restore(self, geometry: str) -> bool:
        """Be where an earlier run was, on the screens of today; False without a place to go to."""
        try:
            saved = QByteArray(base64.b64decode(geometry, validate=True))
        except ValueError:
            return False
        if not self.restoreGeometry(saved):
            return False
        if not self.isMaximized() and not self.isFullScreen():
            # The user's own place is kept to the pixel where it can be: no more than a title bar.
            bar = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
            screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
            here = screen_of(self.geometry(), screens)
            self.setGeometry(fitted(self.geometry(), MINIMUM, here, QMargins(0, bar, 0, 0)))
        return True

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
        if not self._is_painted:
            self._is_painted = True
            self.painted.emit()
