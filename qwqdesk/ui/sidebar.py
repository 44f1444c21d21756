"""The left column: new chat, search, the conversations, and the pages; or its rail of icons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListView,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.store.history import History
from qwqdesk.store.history_search import Found
from qwqdesk.ui.base import ElideLabel, IconButton, SearchField, label, panel
from qwqdesk.ui.chat_search import ChatSearch
from qwqdesk.ui.icons import icon
from qwqdesk.ui.sidebar_list import (
    ROW_ROLE,
    ConversationDelegate,
    ConversationModel,
    rows_by_day,
    rows_of_hits,
)
from qwqdesk.ui.theme import scaled, set_state, theme

WIDTH, RAIL = 240, 52
PAGES = (
    ("conversation", "Chats", "message-square"),
    ("models", "Models", "package"),
    ("lab", "Lab", "flask-conical"),
    ("settings", "Settings", "settings"),
)
_SEARCH_MS = 60
_LISTED = 500


class Sidebar(QFrame):
    """Emits what the user wants; the window does it."""

    new_wanted = Signal()
    opened = Signal(object)  # an id; Qt's own int has 32 bits, SQLite's has 64
    renamed = Signal(object, str)
    delete_wanted = Signal(object)
    menu_shown = Signal(object, object)  # an id, its menu, for what else can be done with it
    page_wanted = Signal(str)
    search_wanted = Signal()

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAccessibleName("Sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "sidebar")
        self.setProperty("edge", "right")
        self._history = history
        self._current: int | None = None
        self._pages = QActionGroup(self)
        self._dots: list[StatusDot] = []
        self._status = ElideLabel("", "small", "text3")
        self._model = ConversationModel(self)
        self._search = SearchField("Search chats", name="conversationSearch")
        self._list = self._make_list()
        self._forms = QStackedWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 0)
        column.addWidget(self._forms)
        self._make_page_actions()
        self._forms.addWidget(self._full_form())
        self._forms.addWidget(self._rail_form())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SEARCH_MS)
        self._timer.timeout.connect(self.refresh)
        self._search.textChanged.connect(self._typed)
        self.finder = ChatSearch(history, self)
        self.finder.found.connect(self._show_found, Qt.ConnectionType.QueuedConnection)
        self.set_rail(False)
        theme().changed.connect(self._restyle)

    # ------------------------------------------------------------ form

    @property
    def rail(self) -> bool:
        """Whether only the icons are shown."""
        return self._forms.currentIndex() == 1

    def set_rail(self, rail: bool) -> None:
        """Show the icons only, or everything."""
        self._forms.setCurrentIndex(1 if rail else 0)
        self.setFixedWidth(theme().px(RAIL if rail else WIDTH))

    def _restyle(self) -> None:
        self.set_rail(self.rail)
        side = theme().px(16)
        for made in self.findChildren(QToolButton):
            made.setIconSize(QSize(side, side))
            if made.property("kind") == "nav":
                made.setFixedHeight(theme().px(32))

    def _full_form(self) -> QWidget:
        px = theme().px
        form = QWidget()
        column = QVBoxLayout(form)
        column.setContentsMargins(px(8), px(8), px(8), 0)
        column.setSpacing(px(8))
        column.addWidget(self._new_button())
        column.addWidget(self._search)
        column.addWidget(self._list, 1)
        self._add_search_hint()
        foot = panel("sidebar", "top")
        pages = QVBoxLayout(foot)
        pages.setContentsMargins(px(8), px(8), px(8), px(8))
        pages.setSpacing(0)
        for action in self._pages.actions():
            pages.addWidget(_nav_button(action, wide=True))
        pages.addLayout(self._status_row())
        outer = QWidget()
        whole = QVBoxLayout(outer)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(px(8))
        whole.addWidget(form, 1)
        whole.addWidget(foot)
        return outer

    def _add_search_hint(self) -> None:
        """The shortcut at the right of the field, as long as it is empty."""
        hint = label("Ctrl K", "caption", "text3", self._search)
        hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self._search)
        row.setContentsMargins(0, 0, theme().px(8), 0)
        row.addStretch(1)
        row.addWidget(hint)
        self._search.textChanged.connect(lambda text: hint.setVisible(not text))

    def _rail_form(self) -> QWidget:
        px = theme().px
        form = QWidget()
        column = QVBoxLayout(form)
        column.setContentsMargins(0, px(8), 0, px(8))
        column.setSpacing(px(4))
        middle = Qt.AlignmentFlag.AlignHCenter
        new = IconButton("square-pen", "New chat", shortcut="Ctrl+N", clicked=self.new_wanted.emit)
        search = IconButton(
            "search", "Search chats", shortcut="Ctrl+K", clicked=self.search_wanted.emit
        )
        column.addWidget(new, 0, middle)
        column.addWidget(search, 0, middle)
        column.addStretch(1)
        for action in self._pages.actions():
            column.addWidget(_nav_button(action, wide=False), 0, middle)
        dot = StatusDot()
        self._dots.append(dot)
        column.addSpacing(px(4))
        column.addWidget(dot, 0, middle)
        return form

    def _new_button(self) -> QPushButton:
        new = QPushButton()
        new.setObjectName("newConversationButton")
        new.setAccessibleName("New chat")
        new.setToolTip("New chat  Ctrl+N")
        new.clicked.connect(lambda *_: self.new_wanted.emit())
        row = self._new_row = QHBoxLayout(new)
        theme().changed.connect(self._leave_room_for_icon)
        self._leave_room_for_icon()
        row.addWidget(label("New chat", "name"), 1)
        row.addWidget(label("Ctrl N", "caption", "text3"))
        for words in new.findChildren(QWidget):
            words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        new.setProperty("leading", True)
        new.setIcon(icon("square-pen", "text"))
        scaled(new, icon=16)
        return new

    def _leave_room_for_icon(self) -> None:
        """The icon of the button for a new chat grows with the text, and so does what it needs."""
        px = theme().px
        self._new_row.setContentsMargins(px(28), 0, px(8), 0)

    def _status_row(self) -> QHBoxLayout:
        px = theme().px
        row = QHBoxLayout()
        row.setContentsMargins(px(8), px(4), px(8), 0)
        row.setSpacing(px(6))
        dot = StatusDot()
        self._dots.append(dot)
        self._status.setObjectName("statusText")
        row.addWidget(dot)
        row.addWidget(self._status, 1)
        return row

    # ------------------------------------------------------------ pages

    def _make_page_actions(self) -> None:
        for name, words, icon_name in PAGES:
            action = QAction(icon(icon_name, "text2", "accent_text"), words, self)
            # Qt leaves too little room between an icon and its words.
            action.setIconText(f"\u2002{words}")
            action.setObjectName(f"{name}Page_action")
            action.setCheckable(True)
            action.setData(name)
            action.triggered.connect(self._wanting(name))
            self._pages.addAction(action)
        self._pages.actions()[0].setChecked(True)

    def _wanting(self, name: str) -> Callable[..., None]:
        return lambda *_: self.page_wanted.emit(name)

    def set_page(self, name: str) -> None:
        """Mark the page that is shown."""
        for action in self._pages.actions():
            action.setChecked(action.data() == name)
        self._painter.behind = name != "conversation"
        self._list.viewport().update()

    def set_status(self, token: str, words: str) -> None:
        """The line at the bottom: a dot in a colour of the theme, and words."""
        self._status.setText(words)
        for dot in self._dots:
            dot.set_token(token, words)

    # ------------------------------------------------------------ the list

    def _make_list(self) -> QListView:
        view = QListView()
        view.setObjectName("conversationList")
        view.setAccessibleName("Chats")
        view.setModel(self._model)
        self._painter = ConversationDelegate(view)
        view.setItemDelegate(self._painter)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._menu_at)
        view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        view.clicked.connect(self._open_index)
        view.activated.connect(self._open_index)
        view.itemDelegate().commitData.connect(self._title_edited)
        return view

    def refresh(self) -> None:
        """Read the conversations again, by the words of the search."""
        query = self._search.text().strip()
        if query:
            self.finder.search(query)
            return
        found = self._history.conversations(_LISTED)
        self._model.set_rows(rows_by_day(found, date.today()))
        self.set_current(self._current)

    def _typed(self, *_: object) -> None:
        """Nobody waits for what was typed before."""
        self.finder.cancel()
        self._timer.start()

    def _show_found(self, query: str, found: Found) -> None:
        if query != self._search.text().strip():
            return
        listed = self._history.conversations(_LISTED)
        lanes = {item.id: max(1, item.lanes) for item in listed}
        self._model.set_rows(rows_of_hits(found.hits, lanes, complete=found.complete))
        self.set_current(self._current)

    def set_current(self, conversation_id: int | None) -> None:
        """Mark the conversation that is shown."""
        self._current = conversation_id
        row = self._model.row_of(conversation_id)
        if row < 0:
            self._list.clearSelection()
            self._list.setCurrentIndex(QModelIndex())
        else:
            self._list.setCurrentIndex(self._model.index(row, 0))

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def _open_index(self, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        if row is not None and row.id:
            self.opened.emit(row.id)

    def _title_edited(self, editor: QWidget) -> None:
        row = self._list.currentIndex().data(ROW_ROLE)
        title = str(editor.property("text")).strip()
        if row is not None and row.id and title and title != row.text:
            self.renamed.emit(row.id, title)
            # The list is read again, and the editor, which has the focus, goes with its row.
            QTimer.singleShot(0, self._list, self._list.setFocus)

    def _menu_at(self, place: QPoint) -> None:
        index = self._list.indexAt(place)
        row = index.data(ROW_ROLE)
        if row is None or not row.id:
            return
        menu = QMenu(self)
        menu.setObjectName("chatMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rename = menu.addAction(icon("pencil"), "Rename")
        rename.setShortcut("F2")
        rename.triggered.connect(lambda *_: self._rename(index))
        self.menu_shown.emit(row.id, menu)
        delete = menu.addAction(icon("trash-2"), "Delete chat")
        delete.triggered.connect(lambda *_: self.delete_wanted.emit(row.id))
        menu.popup(self._list.viewport().mapToGlobal(place))

    def _rename(self, index: QModelIndex) -> None:
        self._list.setCurrentIndex(index)
        self._list.edit(index)


class StatusDot(QWidget):
    """A dot of 8 px; what it means stands beside it or in its tool tip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._token = "control"
        self.setFixedSize(QSize(theme().px(8), theme().px(8)))

    def set_token(self, token: str, words: str) -> None:
        self._token = token
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color(self._token))
        painter.drawEllipse(self.rect())
        painter.end()


def _nav_button(action: QAction, *, wide: bool) -> QToolButton:
    made = QToolButton()
    made.setDefaultAction(action)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setAccessibleName(action.text().strip())
    made.setObjectName(f"{action.data()}NavButton" if wide else f"{action.data()}RailButton")
    side = theme().px(16)
    made.setIconSize(QSize(side, side))
    if wide:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        made.setFixedHeight(theme().px(32))
        set_state(made, "kind", "nav")
    else:
        set_state(made, "kind", "icon")
    return made
