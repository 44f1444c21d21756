"""What the chat template reads beside the messages: the button at the composer, and its box.

A template names its variables in its own way, so the box shows those that the loaded model's
template reads. What is set here belongs to the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.template_variables import (
    THINKING,
    TemplateInput,
    TemplateVariables,
    shown_inputs,
    value_words,
)
from qwqdesk.ui.base import Dialog, Segment, TextField, button, label, wrapping_label
from qwqdesk.ui.base.labels import plain_tip
from qwqdesk.ui.theme import set_state, theme

_LONGEST: Final = 28  # characters on the button
_SWITCH: Final = (("", "Default"), ("on", "On"), ("off", "Off"))
_TITLES: Final = {
    THINKING: "Thinking",
    "thinking": "Thinking",
    "reasoning_effort": "Reasoning effort",
}


def title_of(name: str) -> str:
    """A variable in words, where they are known; else its name."""
    return _TITLES.get(name, name)


class TemplateButton(QWidget):
    """Says what the template is given and opens the box; hidden where nothing can be given."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._inputs: tuple[TemplateInput, ...] = ()
        self._variables = TemplateVariables()
        self._short = False
        self._button = button("", "message-square", "flat", small=True, name="templateButton")
        self._button.clicked.connect(self.clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._button)
        self._show()

    def set_short(self, short: bool) -> None:
        """The button is an icon alone where there is little room, unless something is given."""
        self._short = short
        self._show()

    def set_state(self, inputs: Sequence[TemplateInput], variables: TemplateVariables) -> None:
        """What the template reads, and what the conversation gives it."""
        self._inputs, self._variables = tuple(inputs), variables
        self._show()

    def words(self) -> str:
        """ "Thinking: off", "Template: default" or what else is given."""
        given = self._variables.values
        if not given:
            switch = any(each.name in (THINKING, "thinking") for each in self._inputs)
            return "Thinking: default" if switch else "Template: default"
        name, value = next(iter(given.items()))
        words = f"{title_of(name)}: {value_words(value)}"
        words = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rstrip()}…"
        return words if len(given) == 1 else f"{words} +{len(given) - 1}"

    def _show(self) -> None:
        self.setVisible(bool(shown_inputs(self._inputs) or self._variables))
        self._button.setText("" if self._short and not self._variables else self.words())
        self._button.setAccessibleName(f"Chat template. {self.words()}")
        self._button.setToolTip(plain_tip(f"Variables of the chat template. {self.words()}"))


class TemplateBox(Dialog):
    """A row for each variable that the template reads, and for those that are set all the same.

    Args:
        used: gets the variables when they are to count.
        lanes: sentences about lanes that have variables of their own, and what takes those away.
    """

    def __init__(
        self,
        inputs: Sequence[TemplateInput],
        variables: TemplateVariables,
        used: Callable[[TemplateVariables], None],
        parent: QWidget,
        *,
        lanes: Sequence[str] = (),
        drop_own: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        px = theme().px
        self._variables, self._used, self._drop_own = variables, used, drop_own
        self.setObjectName("templateBox")
        self.setProperty("ground", "raised")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Chat template")
        self.setMinimumWidth(px(480))
        self._rows: dict[str, Segment | TextField] = {}
        self._json: set[str] = set()
        self._says = wrapping_label("", "small", "text2")
        self._says.setObjectName("templateSays")
        self._apply = button("Use", kind="primary", name="useTemplateVariables")
        self._apply.clicked.connect(self._use)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[px(20)] * 4)
        column.setSpacing(px(8))
        column.addWidget(label("Variables of the chat template", "title"))
        column.addWidget(
            wrapping_label("They belong to this chat and apply from the next message on.", "small")
        )
        column.addLayout(self._grid(inputs))
        column.addWidget(self._says)
        for words in lanes:
            column.addWidget(wrapping_label(words, "small", "text2"))
        row = QHBoxLayout()
        row.setSpacing(px(8))
        if lanes:
            row.addWidget(button("Use the chat's in all lanes", clicked=self._drop, name="dropOwn"))
        row.addStretch(1)
        row.addWidget(button("Cancel", clicked=self.reject))
        row.addWidget(self._apply)
        column.addLayout(row)
        self._read()

    def _grid(self, inputs: Sequence[TemplateInput]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme().px(16))
        grid.setVerticalSpacing(theme().px(8))
        grid.setColumnStretch(1, 1)
        read = {each.name: each for each in inputs}
        rows = [*shown_inputs(inputs)]
        rows += [read.get(n, _of_value(n, v)) for n, v in self._variables.values.items()]
        for each in dict.fromkeys(rows):
            if each.name in self._rows:
                continue
            known = each.name in read
            title = label(title_of(each.name), tone="text" if known else "text2")
            title.setToolTip(plain_tip(each.name))
            field = self._field(each)
            title.setBuddy(field)
            self._rows[each.name] = field
            at = grid.rowCount()
            grid.addWidget(title, at, 0)
            grid.addWidget(field, at, 1, Qt.AlignmentFlag.AlignLeft)
            if not known:
                grid.addWidget(label("This template never reads it.", "small", "warn"), at + 1, 1)
        return grid

    def _field(self, each: TemplateInput) -> Segment | TextField:
        given = self._variables.values
        name = f"templateVariable_{each.name}"
        if each.kind == "switch" and isinstance(given.get(each.name), (bool, type(None))):
            switch = Segment(_SWITCH, small=True, name=name, accessible=title_of(each.name))
            value = given.get(each.name)
            switch.set_value("" if value is None else "on" if value else "off")
            switch.chosen.connect(lambda *_: self._read())
            return switch
        field = TextField(title_of(each.name), name=name)
        field.setMinimumWidth(theme().px(240))
        field.setPlaceholderText(", ".join(each.choices) or "default")
        value = given.get(each.name)
        if each.kind != "text" or (value is not None and not isinstance(value, str)):
            self._json.add(each.name)
        if each.name in given:
            as_json = each.name in self._json
            field.setText(json.dumps(value, ensure_ascii=False) if as_json else str(value))
        field.textChanged.connect(lambda *_: self._read())
        return field

    def _made(self) -> TemplateVariables:
        """What the rows say.

        Raises:
            UserError: for a value that cannot be used.
        """
        values: dict[str, Any] = {}
        for name, field in self._rows.items():
            text = field.value() if isinstance(field, Segment) else field.text().strip()
            if not text:
                continue
            if isinstance(field, Segment):
                values[name] = text == "on"
            elif name in self._json:
                values |= TemplateVariables.read(f"{{{json.dumps(name)}: {text}}}").values
            else:
                values[name] = text
        return TemplateVariables.of(values)

    def _read(self) -> TemplateVariables | None:
        try:
            made = self._made()
        except UserError as error:
            self._tell(str(error), wrong=True)
            return None
        self._tell("" if made else "The template's own defaults apply.", wrong=False)
        return made

    def _tell(self, words: str, *, wrong: bool) -> None:
        self._says.setText(words)
        set_state(self._says, "tone", "bad" if wrong else "text2")
        self._apply.setEnabled(not wrong)

    def _use(self) -> None:
        made = self._read()
        if made is not None:
            self._used(made)
            self.accept()

    def _drop(self) -> None:
        self._drop_own()
        self._use()


def _of_value(name: str, value: object) -> TemplateInput:
    """A row for what is set and not read."""
    if isinstance(value, bool):
        return TemplateInput(name, "switch")
    return TemplateInput(name, "text" if isinstance(value, str) else "any")
