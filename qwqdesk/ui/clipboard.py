"""What the clipboard still holds when the program ends."""

from __future__ import annotations

import shiboken6
from PySide6.QtGui import QClipboard, QGuiApplication

_MODES = (QClipboard.Mode.Clipboard, QClipboard.Mode.Selection, QClipboard.Mode.FindBuffer)


def hand_over_clipboard() -> None:
    """Let Qt own the text that was copied here.

    A selection of a text view is a Python object. Qt takes the clipboard apart after Python has
    ended, and the object with it. What another program has copied stays as it is.
    """
    clipboard = QGuiApplication.clipboard()
    for mode in _MODES:
        data = clipboard.mimeData(mode)
        if data is not None and shiboken6.createdByPython(data):
            clipboard.setText(data.text(), mode)
