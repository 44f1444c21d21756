"""The part of the chain editor for the reasoning: one chain or two, its budget, the loop guard.

Folded at first; its head says what is set.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.errors import UserError
from qwqdesk.rule_words import (
    GUARD_CHOICES,
    budget_of,
    budget_text,
    guard_meaning,
    rules_in_short,
)
from qwqdesk.ui.base import (
    ElideLabel,
    PickerButton,
    Segment,
    TextField,
    fold,
    label,
    wrapping_label,
)
from qwqdesk.ui.conversation.chain_answer import AnswerModel
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import theme

_CHAINS = (("one", "One chain"), ("two", "Two chains"))
_LONGEST_SENTENCE = 4_000
_CHAINS_MEAN = "Two: the answer is drawn with settings of its own."
_BUDGET_MEANS = "Tokens of reasoning after which the answer must begin. Empty: no own limit."
_SENTENCE_MEANS = "Written at the end of reasoning that is closed early."


class ReasoningRules(QFrame):
    """`checked`: the budget may be allowed now, or not."""

    checked = Signal()

    def __init__(
        self, model: ChainModel, answer: AnswerModel, *, narrow: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._answer, self._narrow = model, answer, narrow
        self.problem = ""
        self.setObjectName("reasoningRules")
        self._head = _fold_head()
        self._set = ElideLabel("", "small", "text2")
        self._set.setObjectName("reasoningRulesSet")
        self._head.toggled.connect(self._toggled)
        self._chains = Segment(
            _CHAINS, small=True, name="chainCount", accessible="Reasoning and answer"
        )
        self._chains.chosen.connect(self._chains_chosen)
        self._budget = TextField("Reasoning budget", name="reasoningBudget")
        self._budget.textEdited.connect(self._check)
        self._budget.edited.connect(self._take_budget)
        self._sentence = TextField("Closing sentence", name="closingSentence")
        self._sentence.setMaxLength(_LONGEST_SENTENCE)
        self._sentence.edited.connect(
            lambda text: model.change(reasoning_budget_message=text or None)
        )
        self._guard = PickerButton(framed=True, role="body", name="laneLoopGuard")
        self._guard_menu = QMenu(self._guard)
        self._guard_menu.aboutToShow.connect(self._fill_guards)
        self._guard.setMenu(self._guard_menu)
        self._wrong = wrapping_label("", "small", "bad")
        self._wrong.setObjectName("budgetProblem")
        self._guard_words = wrapping_label("", "small", "text2")
        self._body = QWidget()
        self._arrange()
        self._toggled(False)
        self.refresh()

    # ------------------------------------------------------------ for the editor

    @property
    def opened(self) -> bool:
        return self._head.isChecked()

    def set_opened(self, opened: bool) -> None:
        self._head.setChecked(opened)

    def refresh(self) -> None:
        """Show the lane's rules."""
        setup, usual = self._model.setup, self._model.usual
        short = rules_in_short(setup)
        self._head.setAccessibleName(f"Reasoning: {short}" if short else "Reasoning")
        self._set.setText(short)
        self._chains.set_value("two" if setup.answer is not None else "one")
        if not self.problem:  # a wrong text stays until it is mended
            self._budget.show_text(
                budget_text(setup.reasoning_budget), _source(setup.reasoning_budget)
            )
        self._budget.setPlaceholderText(budget_text(usual.reasoning_budget) or "no limit")
        message = setup.reasoning_budget_message
        self._sentence.show_text(message or "", _source(message))
        self._sentence.setPlaceholderText(usual.reasoning_budget_message)
        guard = setup.loop_guard
        self._guard.set_text(dict(GUARD_CHOICES)[guard] if guard is not None else self._as_usual())
        self._guard.setAccessibleName(f"When it repeats itself: {self._guard.text()}")
        words = guard_meaning(guard or usual.loop_guard)
        self._guard_words.setText(words)
        self._guard.setToolTip(words)
        self._guard.setAccessibleDescription(words)

    def tab_stops(self) -> list[QWidget]:
        return [self._head, self._chains, self._budget, self._sentence, self._guard]

    # ------------------------------------------------------------ inside

    def _as_usual(self) -> str:
        return f"As in Settings: {dict(GUARD_CHOICES)[self._model.usual.loop_guard].lower()}"

    def _chains_chosen(self, value: str) -> None:
        if value == "two":
            self._answer.add()
        else:
            self._answer.drop()

    def _check(self, text: str) -> None:
        try:
            budget_of(text)
            problem = ""
        except UserError as error:
            problem = error.what
        self._wrong.setText(problem)
        self._wrong.setVisible(bool(problem))
        self._budget.set_problem(problem)
        if problem != self.problem:
            self.problem = problem
            self.checked.emit()

    def _take_budget(self, text: str) -> None:
        self._check(text)
        if not self.problem:
            self._model.change(reasoning_budget=budget_of(text))

    def _fill_guards(self) -> None:
        self._guard_menu.clear()
        group = QActionGroup(self._guard_menu)
        chosen = self._model.setup.loop_guard
        for value, words in ((None, self._as_usual()), *GUARD_CHOICES):
            act = self._guard_menu.addAction(words)
            act.setObjectName(f"guard_{value or 'usual'}")
            act.setCheckable(True)
            act.setChecked(value == chosen)
            act.triggered.connect(lambda _=False, guard=value: self._model.change(loop_guard=guard))
            group.addAction(act)

    def _arrange(self) -> None:
        px = theme().px
        grid = QGridLayout(self._body)
        grid.setContentsMargins(px(12), 0, 0, px(4))
        grid.setHorizontalSpacing(px(12))
        grid.setVerticalSpacing(px(6))
        rows: tuple[tuple[str, QWidget, str], ...] = (
            ("Chains", self._chains, _CHAINS_MEAN),
            ("Budget", self._budget, _BUDGET_MEANS),
            ("Closing", self._sentence, _SENTENCE_MEANS),
            ("Loops", self._guard, ""),
        )
        line = 0
        for title, field, words in rows:
            name = label(title, "small", "text2")
            name.setBuddy(field)
            field.setToolTip(words)
            meaning = wrapping_label(words, "small", "text2") if words else self._guard_words
            grid.addWidget(name, line, 0)
            grid.addWidget(field, line, 1)
            if self._narrow:
                line += 1
                grid.addWidget(meaning, line, 0, 1, 2)
            else:
                grid.addWidget(meaning, line, 2)
            line += 1
            if field is self._budget:
                grid.addWidget(self._wrong, line, 0, 1, 2 if self._narrow else 3)
                line += 1
        grid.setColumnStretch(1 if self._narrow else 2, 1)
        if not self._narrow:
            grid.setColumnMinimumWidth(1, px(200))
        column = QVBoxLayout(self)
        column.setContentsMargins(px(12), 0, px(16), px(8))
        column.setSpacing(px(4))
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(self._head)
        head.addWidget(self._set, 1)
        column.addLayout(head)
        column.addWidget(self._body)
        self._wrong.hide()
        self._body.hide()

    def _toggled(self, opened: bool) -> None:
        self._head.setIcon(icon("chevron-down" if opened else "chevron-right", on="text2"))
        fold(self._body, opened)


def _fold_head() -> QToolButton:
    head = QToolButton()
    head.setObjectName("reasoningRulesButton")
    head.setText("Reasoning")
    head.setProperty("role", "small-strong")
    head.setCheckable(True)
    head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    head.setFixedHeight(theme().px(28))
    head.setProperty("plain", True)
    return head


def _source(value: object) -> str:
    return "user" if value is not None else "default"
