"""The switch between several replies to one message: "2 of 3"."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from qwqdesk.conversation import UserMessage
from qwqdesk.ui.base import IconButton, label, retire
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.theme import theme


class SiblingSwitch(QWidget):
    """Two arrows around the number of the reply that is shown."""

    chosen = Signal(object)  # a reply's id

    def __init__(self, ids: Sequence[int], shown: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("siblingSwitch")
        self._ids = list(ids)
        self._at = self._ids.index(shown)
        words = f"{self._at + 1} of {len(self._ids)}"
        self.setAccessibleName(f"Reply {words}")
        back = IconButton(
            "chevron-left", "Earlier reply", shortcut="Alt+Left", name="earlierReplyButton",
            clicked=lambda: self.step(-1),
        )  # fmt: skip
        forth = IconButton(
            "chevron-right", "Later reply", shortcut="Alt+Right", name="laterReplyButton",
            clicked=lambda: self.step(1),
        )  # fmt: skip
        back.setEnabled(self._at > 0)
        forth.setEnabled(self._at + 1 < len(self._ids))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme().px(4), 0, 0)
        row.setSpacing(theme().px(2))
        row.addWidget(back)
        row.addWidget(label(words, "small", "text2"))
        row.addWidget(forth)
        row.addStretch(1)

    def step(self, step: int) -> None:
        """Choose the neighbour at this distance, if there is one."""
        at = self._at + step
        if 0 <= at < len(self._ids):
            self.chosen.emit(self._ids[at])


class Siblings(QObject):
    """The switch below a lane's newest reply, where there is something to switch to."""

    chosen = Signal(object)  # a reply's id

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._switch: SiblingSwitch | None = None

    def offer(self, message: UserMessage, reply_id: int, view: ReplyView | None) -> None:
        """Offer the lane's other replies to this message below the one that is shown."""
        self.drop()
        shown = next((reply for reply in message.replies if reply.id == reply_id), None)
        if shown is None or view is None:
            return
        # Those on another way would change what is shown of the earlier turns.
        same = [reply for reply in message.replies if reply.parent_id == shown.parent_id]
        ids = [reply.id for reply in same if reply.lane == shown.lane]
        if len(ids) > 1:
            self._switch = SiblingSwitch(ids, shown.id)
            self._switch.chosen.connect(self.chosen)
            view.add_below(self._switch)

    def step(self, step: int) -> None:
        """Choose the earlier (-1) or later (1) reply."""
        if self._switch is not None:
            self._switch.step(step)

    def drop(self) -> None:
        """Offer nothing."""
        if self._switch is not None:
            retire(self._switch)
            self._switch = None
