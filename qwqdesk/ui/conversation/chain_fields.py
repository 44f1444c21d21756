"""The fields of one parameter: a number, a switch, or a list written in one line.

Built from `Param`, so that a new sampler in the table has its fields without code here.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import FLOAT32_MAX, Param, Value
from qwqdesk.ui.base import TextField, ValueField, label, plain_tip
from qwqdesk.ui.conversation.chain_text import (
    BIAS_FORMAT,
    EXAMPLES,
    list_from_text,
    list_to_text,
    short_label,
)


class ParamField(QObject):
    """One parameter's widget and label.

    `edited` carries the name and an allowed value; `checked` the name and the message about a
    value that is not allowed (empty when it is).
    """

    edited = Signal(str, object)
    checked = Signal(str, str)

    def __init__(self, param: Param, title: str, parent: QObject) -> None:
        """`title` names the value to screen readers and in messages."""
        super().__init__(parent)
        self.param = param
        self.problem = ""
        self.label: QLabel = label(short_label(param), "small", "text2")
        self.label.setToolTip(param.meaning)
        self.widget: QWidget = self._make(title)
        self.widget.setObjectName(f"field_{param.name}")
        self.label.setBuddy(self.widget)
        self.label.setAccessibleName(title)

    def show(self, value: Value, source: str, quiet: bool) -> None:
        """Show the value in force."""
        raise NotImplementedError

    def _make(self, title: str) -> QWidget:
        raise NotImplementedError

    def _edit(self, raw: object) -> None:
        try:
            value = self.param.check(raw)
        except UserError as error:
            self._check(error.what)
            return
        self._check("")
        self.edited.emit(self.param.name, value)

    def _check(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.checked.emit(self.param.name, problem)


class NumberParam(ParamField):
    """A number in a value field."""

    def _make(self, title: str) -> QWidget:
        low, high = self.param.minimum, self.param.maximum
        field = ValueField(
            title,
            -FLOAT32_MAX if low is None else low,
            FLOAT32_MAX if high is None else high,
            self.param.step or 1.0,
            whole=self.param.kind == "int",
            allowed=self.param.allowed,
        )
        field.edited.connect(self._edit)
        field.checked.connect(self._check)
        self._field = field
        return field

    def show(self, value: Value, source: str, quiet: bool) -> None:
        assert isinstance(value, (int, float))
        self._field.show_value(float(value), source, quiet)


class ListParam(ParamField):
    """Texts or biases, separated by spaces."""

    def _make(self, title: str) -> QWidget:
        self._field = TextField(title)
        self._field.setPlaceholderText(EXAMPLES.get(self.param.kind, ""))
        form = BIAS_FORMAT if self.param.kind == "bias" else ""
        self._tip = f"{title}. {self.param.meaning} {form} Separate them with spaces."
        self._tell("")
        self._field.edited.connect(self._typed)
        self._shown: Value = ()
        return self._field

    def show(self, value: Value, source: str, quiet: bool) -> None:
        if self.problem and value == self._shown:
            return  # a wrong text stays until it is mended
        self._shown = value
        self._field.show_text(list_to_text(value, self.param.kind), source)
        self._tell("")
        self._check("")

    def _typed(self, text: str) -> None:
        try:
            value = list_from_text(text, self.param)
        except UserError as error:
            self._tell(error.what)
            self._check(error.what)
            return
        self._tell("")
        self._edit(value)

    def _tell(self, problem: str) -> None:
        self._field.set_problem(problem)
        self._field.setToolTip(plain_tip(problem or self._tip))


class SwitchParam(ParamField):
    """Yes or no."""

    def _make(self, title: str) -> QWidget:
        self._box = QCheckBox(self.param.title)
        self._box.setAccessibleName(title)
        self._box.setToolTip(self.param.meaning)
        self._box.toggled.connect(self._edit)
        self.label.setText("")
        return self._box

    def show(self, value: Value, source: str, quiet: bool) -> None:
        blocked = self._box.blockSignals(True)
        self._box.setChecked(bool(value))
        self._box.blockSignals(blocked)


def param_field(param: Param, owner: str, parent: QObject) -> ParamField:
    """The field of a parameter; `owner` is the title of its sampler."""
    title = param.title if param.title.startswith(owner) or not owner else f"{owner} {param.title}"
    if len(param.title) <= 1:  # top_k's k, top_p's p
        title = owner
    kinds = {"int": NumberParam, "float": NumberParam, "bool": SwitchParam}
    return kinds.get(param.kind, ListParam)(param, title, parent)
