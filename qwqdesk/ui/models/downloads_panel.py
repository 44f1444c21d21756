"""The downloads panel at the bottom of the models page."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from qwqdesk.ui.pages import Shell


class DownloadsPanel(QWidget):
    """What is being downloaded."""

    def __init__(self, shell: Shell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("downloadsPanel")
        self.hide()
