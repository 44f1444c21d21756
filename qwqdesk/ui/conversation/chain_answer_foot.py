"""The foot of the editor while it shows the answer's chain: its order, and back to a copy."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from qwqdesk.ui.base import ElideLabel, IconButton, button
from qwqdesk.ui.conversation.chain_answer import AnswerModel
from qwqdesk.ui.theme import theme

_RESET = "Same as the reasoning"


class AnswerFoot(QFrame):
    """As high as the foot of a lane's own chain."""

    def __init__(self, answer: AnswerModel, *, narrow: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self._answer = answer
        self.setObjectName("answerFoot")
        self.setProperty("ground", "surface")
        self.setProperty("edge", "top")
        self.setFixedHeight(px(48))
        self._order = ElideLabel("", "mono-small", "text2")
        self._order.setObjectName("answerOrder")
        self._reset: QWidget
        if narrow:
            self._reset = IconButton("undo-2", _RESET, name="resetAnswer", clicked=answer.reset)
        else:
            self._reset = button(
                _RESET, "undo-2", "flat", small=True, name="resetAnswer", clicked=answer.reset
            )
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), 0, px(12), 0)
        row.setSpacing(px(8))
        row.addWidget(self._order, 1)
        row.addWidget(self._reset)
        answer.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the answer's order."""
        text = self._answer.chain.order_text
        self._order.setText(text)
        self._order.setAccessibleName(f"Order of the answer's chain: {text}")
        self._reset.setEnabled(not self._answer.same)

    def tab_stops(self) -> list[QWidget]:
        return [self._reset]
