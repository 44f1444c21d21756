"""The messages below the toolbar: one for each cause, and notes that can be closed.

A message belongs to the program or to one chat, and it stands for something that is so. It is seen
while its chat is, and goes when what it says is so no longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QVBoxLayout

from qwqdesk.ui.base import MessageBand

_NOTE = "troubleBand"
Holds = Callable[[], bool]


def until_closed() -> bool:
    """What a message says of something that happened stays true until its reader closes it."""
    return True


@dataclass(frozen=True)
class _Message:
    band: MessageBand
    chat: QObject | None  # None: the program
    holds: Holds


class Bands(QVBoxLayout):
    """A column of bands; empty it takes no room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSpacing(0)
        self._messages: list[_Message] = []
        self._chat: QObject | None = None

    def put(
        self, band: MessageBand, *, chat: QObject | None = None, holds: Holds = until_closed
    ) -> None:
        """Show a message, in place of one with the same name.

        Args:
            chat: where it belongs; None is the program, whose messages are seen everywhere.
            holds: whether what it says is still so; asked by `review`.
        """
        self.take_away(band.objectName())
        self._add(_Message(band, chat, holds))

    def tell(
        self,
        sentence: str,
        next_step: str = "",
        *,
        name: str = _NOTE,
        chat: QObject | None = None,
        holds: Holds = until_closed,
    ) -> None:
        """Show a note beside those that are there; each once."""
        band = MessageBand("warn", sentence, next_step, name=name)
        said = band.accessibleName()
        if any((m.band.accessibleName(), m.chat) == (said, chat) for m in self._messages):
            band.deleteLater()
            return
        message = _Message(band, chat, holds)
        band.add_action("Close", lambda: self._remove(message), flat=True)
        self._add(message)

    def take_away(self, name: str, chat: QObject | None = None) -> None:
        """Take the messages of this name away; with `chat` only those of this chat."""
        for message in list(self._messages):
            if message.band.objectName() == name and chat in (None, message.chat):
                self._remove(message)

    def show_chat(self, chat: QObject) -> None:
        """Another chat is on the screen: its messages are seen, those of others are not."""
        self._chat = chat
        self.review()

    def review(self) -> None:
        """Take away what is so no longer. To be called when something may have changed."""
        for message in list(self._messages):
            closed = message.chat is not None and not shiboken6.isValid(message.chat)
            if closed or not message.holds():
                self._remove(message)
            else:
                self._show(message)

    def _add(self, message: _Message) -> None:
        self._messages.append(message)
        self.addWidget(message.band)
        self._show(message)

    def _show(self, message: _Message) -> None:
        seen = message.chat in (None, self._chat)
        # Without a parent, as before the page has this layout, it would be a window of its own.
        message.band.setVisible(seen and message.band.parentWidget() is not None)

    def _remove(self, message: _Message) -> None:
        if message in self._messages:
            self._messages.remove(message)
            self.removeWidget(message.band)
            message.band.hide()
            message.band.deleteLater()
