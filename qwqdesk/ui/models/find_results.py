"""The left side of Find: the field, the order, the list, and messages in the list's place."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.models.hub import SORTS, FoundRepo, Sort
from qwqdesk.models.hub_names import HubName
from qwqdesk.ui.base import EmptyState, PickerButton, announce, label, retire, wrapping_label
from qwqdesk.ui.models.find_errors import AGAIN, TOKEN, WITHOUT, error_band
from qwqdesk.ui.models.find_field import RepoField
from qwqdesk.ui.models.find_list import RepoList, found_row, note_row, starter_rows
from qwqdesk.ui.models.find_search import RepoSearch, SearchState
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.theme import theme

_SORT_WORDS = {
    "downloads": "Most downloads",
    "likes": "Most likes",
    "updated": "Last updated",
    "trending": "Trending",
}
_SLOW_MS = 300


class SortPicker(PickerButton):
    """The order of the results."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(role="small", name="repoSort")
        self._menu = QMenu(self)
        for sort in SORTS:
            action = self._menu.addAction(_SORT_WORDS[sort])
            action.setCheckable(True)
            action.setData(sort)
            action.triggered.connect(lambda _=False, sort=sort: self.chosen.emit(sort))
        self.setMenu(self._menu)
        self.show_sort("downloads")

    def show_sort(self, sort: str) -> None:
        """Which order is in force."""
        for action in self._menu.actions():
            action.setChecked(action.data() == sort)
        self.set_text("", _SORT_WORDS[sort])
        self.setAccessibleName(f"Order: {_SORT_WORDS[sort]}")


class RepoResults(QFrame):
    """`chosen` carries a HubName that the user wants to see."""

    chosen = Signal(object)

    def __init__(self, shell: Shell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("repoResults")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "window")
        self.setProperty("edge", "right")
        self._shell = shell
        self.search = RepoSearch(shell.desk, self)
        self.field = RepoField()
        self.sort = SortPicker()
        self.list = RepoList()
        self._caption = label("To begin with", "small", "text2")
        self._caption.setObjectName("repoCaption")
        self._hint = wrapping_label(
            "Paste a name or a model page’s address to open it.", "small", "text3"
        )
        self._bands = QVBoxLayout()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(_SLOW_MS)
        self._slow.timeout.connect(lambda: self._caption.setText("Searching"))
        self._lay_out()
        self._connect()
        self.list.set_rows(starter_rows())
        self.sort.hide()

    def _lay_out(self) -> None:
        px = theme().px
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self._caption)
        head.addStretch(1)
        head.addWidget(self.sort)
        self._caption.setMinimumHeight(px(28))
        top = QVBoxLayout()
        top.setContentsMargins(px(12), px(12), px(12), px(6))
        top.setSpacing(px(2))
        top.addWidget(self.field)
        top.addLayout(head)
        self._hint.setContentsMargins(px(20), px(12), px(20), px(12))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self._stack, 1)
        column.addLayout(self._bands)
        column.addWidget(self._hint)

    def _connect(self) -> None:
        self.field.searched.connect(self.search.search)
        self.field.named.connect(self.chosen)
        self.field.left_down.connect(self._into_list)
        self.sort.chosen.connect(self._sort)
        self.list.chosen.connect(lambda repo: self.chosen.emit(HubName(repo)))
        self.list.end_near.connect(self.search.more)
        self.search.changed.connect(self._show)

    def show_opened(self, repo: FoundRepo) -> None:
        """A repository was opened: mark it; where it is not listed, it is the list."""
        self.list.mark(repo.repo)
        if self.list.rows.row_of(repo.repo) < 0:
            self.search.show_one(repo)

    def tell_offline(self, error: UserError) -> None:
        """Nothing can be asked; said before anything is."""
        self._caption.setText("Offline")
        self._message(error)

    # ------------------------------------------------------------ inside

    def _sort(self, sort: str) -> None:
        self.sort.show_sort(sort)
        self.search.set_sort(cast("Sort", sort))

    def _into_list(self) -> None:
        self.list.setFocus(Qt.FocusReason.TabFocusReason)
        if not self.list.selectionModel().hasSelection():
            self.list.select_first()

    def _show(self, state: SearchState) -> None:
        if state.stage == "searching":
            self._slow.start()
            return
        self._slow.stop()
        self.sort.setVisible(state.stage != "start")
        self._caption.setText("To begin with" if state.stage == "start" else "GGUF repositories")
        if state.stage == "failed" and state.error is not None:
            self._message(state.error)
        elif state.stage == "found" and not state.repos:
            self._replace(
                EmptyState(
                    f"Nothing found for “{state.query[:60]}”.",
                    "Show suggestions",
                    self.field.clear,
                    name="repoNothing",
                )
            )
            announce(self.list, "Nothing found")
        else:
            self._show_rows(state)

    def _show_rows(self, state: SearchState) -> None:
        """The list; pages that follow are added below."""
        self._clear()
        if state.stage == "start":
            self.list.set_rows(starter_rows())
            return
        rows = [found_row(repo) for repo in state.repos]
        if state.paging:
            rows.append(note_row("Loading more"))
        new = not state.paging and state.error is None
        self.list.set_rows(rows)
        if new and len(rows) <= 50:
            self.list.scrollToTop()
            announce(self.list, f"{len(rows)} repositories")
        if state.error is not None:
            self._bands.addWidget(self._band(state.error))

    def _message(self, error: UserError) -> None:
        """A message in the place of the list."""
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._band(error))
        column.addStretch(1)
        self._replace(page)
        announce(page, f"{error.what} {error.what_to_do}")

    def _band(self, error: UserError) -> QWidget:
        acts = {
            AGAIN: self.search.again,
            TOKEN: lambda: self._shell.show_page("settings"),
            WITHOUT: self._without_token,
        }
        return error_band(error, acts, below=True, name="repoError")

    def _without_token(self) -> None:
        self._shell.desk.downloads.go_without_token()
        self.search.again()

    def _replace(self, page: QWidget) -> None:
        self._clear()
        self._stack.addWidget(page)
        self._stack.setCurrentWidget(page)

    def _clear(self) -> None:
        """Only the list."""
        self._stack.setCurrentWidget(self.list)
        while self._stack.count() > 1:
            page = self._stack.widget(1)
            if page is not None:
                self._stack.removeWidget(page)
                retire(page)
        while (item := self._bands.takeAt(0)) is not None:
            band = item.widget()
            if band is not None:
                retire(band)
