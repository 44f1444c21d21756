"""The models page: what is on this computer, and one button to load it."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.ui.base import button, label
from qwqdesk.ui.models.library_view import LibraryView
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.toolbar import PageBar, page_frame


def make_page(shell: Shell) -> QWidget:
    """The page, for the window's table of pages."""
    page = page_frame("modelsPage")
    page.setAccessibleName("Models")
    bar = PageBar(label("Models", "title"))
    bar.sidebar_wanted.connect(shell.toggle_sidebar)
    row = bar.layout()
    if row is not None:
        row.addWidget(
            button("Open file…", "folder-open", name="openModelButton",
                   clicked=shell.ask_model_file)
        )  # fmt: skip
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(bar)
    column.addWidget(LibraryView(shell), 1)
    return page
