"""The Find tab: search at the left, one repository and its quantizations at the right."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.ui.base import SearchField
from qwqdesk.ui.models.machine import Machine
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.theme import theme


class FindView(QWidget):
    """The tab; it asks nothing of any hub before the user does something."""

    def __init__(self, shell: Shell, machine: Machine, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("findView")
        self.setAccessibleName("Find models")
        self.search = SearchField("Search Hugging Face", name="repoSearch")
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme().px(12)] * 4)
        column.addWidget(self.search)
        column.addStretch(1)
