"""The pages beside the conversation, in one table; each is made when it is shown first."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from qwqdesk.ui.window import Window

# The module's `make_page(window)` makes the page.
PAGES = {
    "models": "qwqdesk.ui.models.page",
    "settings": "qwqdesk.ui.settings.page",
}


class PageSet(QObject):
    """Makes and keeps the pages."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._pages: dict[str, QWidget] = {}

    def page(self, name: str) -> QWidget:
        """The page of this name; KeyError for others."""
        if name not in self._pages:
            make = cast("Callable[[Window], QWidget]", import_module(PAGES[name]).make_page)
            self._pages[name] = make(self._window)
        return self._pages[name]
