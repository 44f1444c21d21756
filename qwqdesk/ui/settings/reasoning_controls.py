"""The settings' controls for reasoning: its budget, and the sentence that closes it."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.lane_rules import CLOSING_SENTENCE, NO_BUDGET
from qwqdesk.rule_words import budget_of, budget_text
from qwqdesk.ui.base import TextField, wrapping_label
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.settings.rows import Row
from qwqdesk.ui.theme import theme

_WIDTH, _LONGEST = 260, 4_000


class BudgetField(QWidget):
    """A number of tokens; empty is no limit. What is no number is told below the field."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._field = TextField(row.title, name=f"setting_{row.field}")
        self._field.setPlaceholderText("no limit")
        self._field.setFixedWidth(theme().px(_WIDTH))
        self._wrong = wrapping_label("", "small", "bad", self)
        self._wrong.setFixedWidth(theme().px(_WIDTH))
        self._wrong.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme().px(4))
        column.addWidget(self._field)
        column.addWidget(self._wrong)
        budget = desk.settings.reasoning_budget
        self._field.show_text(budget_text(None if budget == NO_BUDGET else budget))
        self._field.textEdited.connect(self._read)
        self._field.edited.connect(self._take)

    def _read(self, text: str) -> int | None:
        try:
            budget, problem = budget_of(text), ""
        except UserError as error:
            budget, problem = None, error.what
        self._wrong.setText(problem)
        self._wrong.setVisible(bool(problem))
        self._field.set_problem(problem)
        return budget

    def _take(self, text: str) -> None:
        budget = self._read(text)
        if self._wrong.isHidden():
            self._desk.change(reasoning_budget=NO_BUDGET if budget is None else budget)


class SentenceField(TextField):
    """The closing sentence; empty is the usual one."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__(row.title, name=f"setting_{row.field}")
        self.setPlaceholderText(CLOSING_SENTENCE)
        self.setToolTip(CLOSING_SENTENCE)
        self.setMaxLength(_LONGEST)
        self.setFixedWidth(theme().px(_WIDTH))
        self.show_text(desk.settings.reasoning_message)
        self.edited.connect(lambda text: desk.change(reasoning_message=text))
