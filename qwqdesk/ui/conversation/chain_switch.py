"""The bar above a lane's chains when there are two: which one is edited, and how they differ."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from qwqdesk.setup_differences import answer_words
from qwqdesk.ui.base import ElideLabel, IconButton, Segment, wrapping_label
from qwqdesk.ui.conversation.chain_answer import AnswerModel
from qwqdesk.ui.theme import theme

_PARTS = (("reasoning", "Reasoning"), ("answer", "Answer"))
_EXPLAINED = (
    "The answer has a chain of its own now. It begins as a copy of the reasoning's: what you "
    "change here applies from the first token of the answer on."
)


class ChainSwitch(QFrame):
    """Hidden while a lane has one chain. `part_chosen` carries "reasoning" or "answer"."""

    part_chosen = Signal(str)

    def __init__(self, answer: AnswerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self._answer, self._narrow = answer, False
        self.setObjectName("chainSwitch")
        self.setProperty("ground", "surface")
        self.setProperty("edge", "bottom")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._parts = Segment(_PARTS, small=True, name="chainPart", accessible="Chain of")
        self._parts.chosen.connect(self._chosen)
        self._words = ElideLabel("", "small", "text2")
        self._words.setObjectName("answerDiffers")
        self._drop = IconButton("x", "One chain for both", name="oneChain", clicked=answer.drop)
        self._note = wrapping_label(_EXPLAINED, "small", "text2")
        self._note.setObjectName("twoChainsNote")
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addWidget(self._parts)
        row.addWidget(self._words, 1)
        row.addWidget(self._drop)
        column = QVBoxLayout(self)
        column.setContentsMargins(px(12), px(6), px(12), px(6))
        column.setSpacing(px(4))
        column.addLayout(row)
        column.addWidget(self._note)
        self.refresh()

    def set_narrow(self, narrow: bool) -> None:
        """With little room the lane's chips alone say how the chains differ."""
        self._narrow = narrow
        self.refresh()

    @property
    def part(self) -> str:
        """Whose chain is edited."""
        return self._parts.value()

    def show_part(self, part: str) -> None:
        """Edit this chain, without telling anybody."""
        self._parts.set_value(part)
        self.refresh()

    def take_focus(self) -> None:
        """Put the focus on the chain that is edited."""
        chosen = self._parts.findChild(QToolButton, f"chainPart_{self.part}")
        if isinstance(chosen, QToolButton):
            chosen.setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Show how the two chains stand to each other."""
        answer = self._answer
        self.setVisible(answer.exists)
        words = answer_words(answer.reference, answer.chain)
        self._words.setText("" if self._narrow else f"Answer: {words}")
        self._words.setAccessibleName(f"The answer's chain: {words}")
        self._note.setVisible(self.part == "answer" and answer.same)

    def tab_stops(self) -> list[QWidget]:
        return [self._parts, self._drop] if self._answer.exists else []

    def _chosen(self, part: str) -> None:
        self.refresh()
        self.part_chosen.emit(part)
