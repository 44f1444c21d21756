"""The sidebar's list and what it does: open, rename, delete, search; and which one is shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu, QWidget

from qwqdesk.errors import UserError
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.page import ConversationPage
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.icons import icon
from qwqdesk.ui.sidebar import Sidebar
from qwqdesk.ui.tasks import Tasks

_UNDO_KEPT_S = 60.0  # longer than any window offers Undo


class ChatList(QObject):
    """Keeps the list and the shown conversation together."""

    title_changed = Signal(str)

    def __init__(
        self,
        desk: Desk,
        sidebar: Sidebar,
        page: ConversationPage,
        tasks: Tasks,
        show_page: Callable[[str], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._desk, self._sidebar, self._page, self._tasks = desk, sidebar, page, tasks
        self._show_page, self._widget = show_page, parent
        self._away: set[int] = set()  # deleted here, still in the history
        sidebar.new_wanted.connect(self.new)
        sidebar.opened.connect(self.open)
        sidebar.renamed.connect(self._rename)
        sidebar.delete_wanted.connect(lambda number: tasks.start(self._delete(number)))
        sidebar.menu_shown.connect(self._offer_export)
        page.shown_changed.connect(self.mark_shown)
        desk.history_changed.connect(self.refresh)
        sidebar.refresh()

    def new(self) -> None:
        """An empty chat."""
        self._page.open_new()
        self._show_page("conversation")

    def open(self, conversation_id: int) -> None:
        """Show a conversation of the list."""
        try:
            self._page.views.open(conversation_id)
        except UserError as error:
            self._desk.trouble.emit(error)
            self._sidebar.refresh()
        self._show_page("conversation")

    def refresh(self) -> None:
        """Read the list again."""
        self._sidebar.finder.index()
        self._sidebar.refresh()
        self.mark_shown()

    def mark_shown(self) -> None:
        """Mark the shown conversation in the list and name it in the window's title."""
        view = self._page.view
        self._sidebar.set_current(view.conversation_id)
        self.title_changed.emit(view.title if view.conversation_id else "")

    def _rename(self, conversation_id: int, title: str) -> None:
        self._desk.history.rename(conversation_id, title)
        for view in self._page.views.every():
            if view.conversation_id == conversation_id:
                view.title = title
        self.refresh()

    def _offer_export(self, conversation_id: int, menu: QMenu) -> None:
        """What is exported is shown first: one sees what one gets."""
        formats = menu.addMenu(icon("file-down"), "Export")
        self._page.exports.fill(formats, lambda: self.open(conversation_id))

    async def _delete(self, conversation_id: int) -> None:
        """Hide it at once and offer Undo; it is gone for good later, at the latest at the end."""
        shown = self._page.view.conversation_id == conversation_id
        await self._page.forget(conversation_id)
        history = self._desk.history
        history.purge(_UNDO_KEPT_S)
        history.put_away(conversation_id)
        self._away.add(conversation_id)
        self.refresh()
        Toast(self._widget, "Chat deleted", "Undo", lambda: self._undo(conversation_id, shown))

    def _undo(self, conversation_id: int, shown: bool) -> None:
        self._away.discard(conversation_id)
        if not self._desk.history.restore(conversation_id):
            gone = UserError("The chat could not be brought back.", "It is deleted for good.")
            self._desk.trouble.emit(gone)
        elif shown:
            self.open(conversation_id)
        self.refresh()

    def close(self) -> None:
        """Delete for good what was deleted in this window."""
        self._sidebar.finder.close()
        with suppress(UserError):  # the next start does it
            self._desk.history.purge(0.0, self._away)

    def begin(self) -> None:
        """Delete for good what an earlier program left behind."""
        with suppress(UserError):
            self._desk.history.purge(_UNDO_KEPT_S)
        self._sidebar.finder.index()
