"""The models page: its bar with the tabs Find and Library, and the downloads below them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from qwqdesk.models.hub_names import HubName
from qwqdesk.ui.base import IconButton, button
from qwqdesk.ui.models.downloads_panel import DownloadsPanel
from qwqdesk.ui.models.find_view import FindView
from qwqdesk.ui.models.library_view import LibraryView
from qwqdesk.ui.models.machine import Machine, RoomLabel
from qwqdesk.ui.models.tabs import UnderlineTabs
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.theme import theme
from qwqdesk.ui.toolbar import HEIGHT

FIND, LIBRARY = 0, 1
_SHORT_BELOW = 740  # px of the page


def make_page(shell: Shell) -> QWidget:
    """The page, for the window's table of pages."""
    return ModelsPage(shell)


class ModelsPage(QFrame):
    """Bar, the chosen tab's content, downloads."""

    def __init__(self, shell: Shell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelsPage")
        self.setAccessibleName("Models")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self.setProperty("ring", "none")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.machine = Machine(shell.desk, shell.loader, self)
        self._room = RoomLabel()
        # Made inside their parents: widgets that move take their style anew, with all in them.
        self._stack = QStackedWidget(self)
        self.tabs = UnderlineTabs(("Find", "Library"))
        self.finder = FindView(shell, self.machine, self._stack)
        self._shell = shell
        self._library: LibraryView | None = None
        self.downloads = DownloadsPanel(shell, self)
        self._stack.addWidget(self.finder)
        self.tabs.currentChanged.connect(self._show_tab)
        self.finder.pane.library_wanted.connect(lambda: self.show_tab(LIBRARY))
        shell.loader.models_found.connect(self._count)
        self._count(shell.loader.found)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._head = self._bar(shell)
        column.addWidget(self._head)
        column.addWidget(self._stack, 1)
        column.addWidget(self.downloads)

    @property
    def library(self) -> LibraryView:
        """The library's view; it is made when it is wanted first, so that the page opens sooner."""
        if self._library is None:
            self._library = LibraryView(self._shell, self._stack)
            self._library.find_wanted.connect(lambda: self.show_tab(FIND))
            self._library.repo_wanted.connect(self.open_repository)
            self._stack.addWidget(self._library)
        return self._library

    def regions(self) -> list[QWidget]:
        """What F6 goes through: the bar, both sides of Find or the library, the downloads."""
        found = [self.finder.results, self.finder.pane]
        shown = found if self.tabs.currentIndex() == FIND else [self.library]
        return [self._head, *shown, self.downloads]

    def show_tab(self, number: int) -> None:
        """Show Find (0) or the library (1)."""
        self.tabs.setCurrentIndex(number)

    def open_repository(self, repo: str, label: str) -> None:
        """Show a repository of the hub under Find, at one of its quantizations."""
        self.show_tab(FIND)
        self.finder.pane.open(HubName(repo, label))

    def _show_tab(self, number: int) -> None:
        self._stack.setCurrentWidget(self.library if number == LIBRARY else self.finder)
        if not self.tabs.hasFocus():
            self._enter()

    def _count(self, models: Sequence[object]) -> None:
        self.tabs.set_count(LIBRARY, len(models))

    def _bar(self, shell: Shell) -> QFrame:
        px = theme().px
        bar = QFrame()
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        bar.setProperty("ground", "window")
        bar.setProperty("edge", "bottom")
        bar.setFixedHeight(px(HEIGHT))
        self.machine.changed.connect(self._room.show_room)
        sidebar = IconButton(
            "panel-left", "Sidebar", shortcut="Ctrl+B", size=18, clicked=shell.toggle_sidebar
        )
        open_file = button(
            "Open file", "folder-open", name="openModelButton", clicked=shell.ask_model_file
        )
        row = QHBoxLayout(bar)
        row.setContentsMargins(px(16), 0, px(16), 0)
        row.setSpacing(px(2))
        row.addWidget(sidebar)
        row.addWidget(self.tabs)
        row.addStretch(1)
        row.addWidget(self._room)
        row.addSpacing(px(14))
        row.addWidget(open_file)
        return bar

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """The page that comes to the front is ready for words to search, or for the arrow keys."""
        super().focusInEvent(event)
        if event.reason() == Qt.FocusReason.OtherFocusReason:
            self._enter()

    def _enter(self) -> None:
        found = self.tabs.currentIndex() == FIND
        target = self.finder.results.field if found else self.library.table
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._room.set_short(self.width() < theme().px(_SHORT_BELOW))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self.machine.watch(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        super().hideEvent(event)
        self.machine.watch(False)
