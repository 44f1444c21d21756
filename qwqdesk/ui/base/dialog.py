"""A dialog of ours, and what the keyboard does in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QPushButton

from qwqdesk.ui.screen_place import ROOM_FOR_A_FRAME


class Dialog(QDialog):
    """Enter presses the button that has the focus. No button is the default one: a destroying act
    must not be an Enter away, and Qt draws default buttons as primary ones.

    It is no larger than the screen, whatever size it has at the user's size of text.
    """

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        room = self.screen().availableGeometry().marginsRemoved(ROOM_FOR_A_FRAME).size()
        self.resize(self.size().boundedTo(room))
        super().showEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        focused = self.focusWidget()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and isinstance(focused, QPushButton):
            focused.click()
        else:
            super().keyPressEvent(event)
