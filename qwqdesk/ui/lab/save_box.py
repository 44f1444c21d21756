"""The box that keeps a comparison as an experiment: its name, and what every reply must show."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.analysis.checks import Check
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.ui.base import Dialog, TextField, button, label, wrapping_label
from qwqdesk.ui.theme import set_state, theme

_PLAIN = ("finished", "reasoning-closed", "no-loop", "python-parses", "python-clean")
_USUAL = 3


class SaveExperimentBox(Dialog):
    """`made` carries the experiment when the user has named it."""

    made = Signal(object)

    def __init__(
        self,
        prompt: str,
        lanes: Sequence[LaneSetup],
        system_prompt: str,
        parent: QWidget,
        *,
        taken: Collection[str] = (),
    ) -> None:
        """`taken` are the ids that other experiments have."""
        super().__init__(parent)
        self._taken = frozenset(taken)
        self._prompt, self._lanes, self._system = prompt, tuple(lanes), system_prompt
        self.setObjectName("saveExperimentBox")
        self.setProperty("ground", "raised")
        self.setWindowTitle("Save as experiment")
        self.setAccessibleName("Save as experiment")
        self.setMinimumWidth(theme().px(460))
        self._name = TextField("Name", name="experimentName")
        self._name.setText(" ".join(prompt.split())[:60])
        self._name.selectAll()
        self._boxes = [self._box(name, number) for number, name in enumerate(_PLAIN)]
        self._number = TextField("Number that the answer must be", name="checkNumber")
        self._number.setPlaceholderText("any")
        self._text = TextField("Words that the answer must have", name="checkText")
        self._text.setPlaceholderText("any")
        for field in (self._name, self._number, self._text):
            field.returnPressed.connect(self._save)
        self._problem = wrapping_label("", "small", "bad")
        self._problem.hide()
        self._lay_out()

    def _box(self, name: str, number: int) -> QCheckBox:
        box = QCheckBox(Check(name).title)
        box.setObjectName(f"check_{name}")
        box.setChecked(number < _USUAL)
        return box

    def _lay_out(self) -> None:
        px = theme().px
        column = QVBoxLayout(self)
        column.setContentsMargins(*[px(20)] * 4)
        column.setSpacing(px(8))
        column.addWidget(label("Save as experiment", "title"))
        column.addWidget(
            wrapping_label("Prompt and lanes are kept with every value.", "body", "text2")
        )
        column.addWidget(self._name)
        column.addSpacing(px(4))
        column.addWidget(label("What every reply must show", "group", "text2"))
        for box in self._boxes:
            column.addWidget(box)
        for words, made in (("The answer is", self._number), ("The answer says", self._text)):
            row = QHBoxLayout()
            row.addWidget(label(words))
            row.addWidget(made, 1)
            column.addLayout(row)
        column.addWidget(self._problem)
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addStretch(1)
        row.addWidget(button("Cancel", name="cancelButton", clicked=self.reject))
        row.addWidget(
            button("Save experiment", kind="primary", name="saveButton", clicked=self._save)
        )
        column.addLayout(row)

    def _save(self) -> None:
        try:
            made = self._experiment()
        except UserError as error:
            self._problem.setText(f"{error.what} {error.what_to_do}")
            self._problem.show()
            return
        self.made.emit(made)
        self.accept()

    def _experiment(self) -> Experiment:
        title = self._name.text().strip()
        set_state(self._name, "wrong", not title)
        if not title:
            raise UserError("The experiment has no name.", "Give it one.", code="experiment")
        made = Experiment.of(title, self._prompt, self._lanes, self._checks())
        if made.id in self._taken:
            set_state(self._name, "wrong", True)
            what = "There is an experiment of this name already."
            raise UserError(what, "Give this one another name.", code="experiment-name")
        return Experiment(**{**vars(made), "system_prompt": self._system})

    def _checks(self) -> list[Check]:
        checks = [Check(n) for n, box in zip(_PLAIN, self._boxes, strict=True) if box.isChecked()]
        number, text = self._number.text().strip(), self._text.text().strip()
        if number:
            checks.append(Check("number", {"number": _number(number)}))
        if text:
            checks.append(Check("contains", {"texts": text}))
        return checks


def _number(text: str) -> float:
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text.replace(",", "."))
    except ValueError:
        raise UserError(f"{text[:40]!r} is not a number.", "Write digits.", code="check") from None
