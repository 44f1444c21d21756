"""The open conversations: one is shown, one that streams may live on behind it."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk


class Views(QStackedWidget):
    """`made` lets the page connect a new view; `shown_changed` comes after another is shown."""

    made = Signal(object)
    shown_changed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk

    @property
    def shown(self) -> ConversationView:
        """The conversation on the screen."""
        view = self.currentWidget()
        assert isinstance(view, ConversationView)
        return view

    def every(self) -> list[ConversationView]:
        """All open conversations."""
        found = (self.widget(number) for number in range(self.count()))
        return [view for view in found if isinstance(view, ConversationView)]

    def make(self) -> ConversationView:
        """A view that is not shown yet."""
        view = ConversationView(self._desk)
        self.made.emit(view)
        return view

    def open(self, conversation_id: int) -> None:
        """Show a conversation of the history; an open one is shown as it is.

        Raises:
            UserError: when it is not there any more.
        """
        for view in self.every():
            if view.conversation_id == conversation_id:
                self.show_view(view)
                return
        conversation = self._desk.history.load(conversation_id)
        view = self.make()
        view.show_conversation(conversation)
        self.show_view(view)

    def show_view(self, view: ConversationView) -> None:
        """Show this conversation; the names that scripts look for are only in it."""
        for other in self.every():
            if other is not view:
                other.columns.set_shown(False)
        view.columns.set_shown(True)
        view.columns.apply_settings()
        if self.indexOf(view) < 0:
            self.addWidget(view)
        self.setCurrentWidget(view)
        self.shown_changed.emit()

    def drop_hidden(self, keep: Collection[ConversationView]) -> None:
        """Close what is neither shown nor to be kept."""
        for view in self.every():
            if view is not self.shown and view not in keep:
                self.removeWidget(view)
                view.hide()
                view.deleteLater()
