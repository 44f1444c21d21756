"""What a lane's answer may say: grammar or JSON schema, banned strings, biases by text."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.sampling.constraints import Constraints, TextBias
from qwqdesk.ui.base import Dialog, Segment, TextArea, button, label, wrapping_label
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.theme import set_state, theme

_AT_ONCE = 20_000
"""Characters that are checked while one types; more is checked when it is used."""
_HINTS = {
    "grammar": 'root ::= "yes" | "no"',
    "json_schema": '{"type": "object", "properties": {"age": {"type": "integer"}}}',
}


class ConstraintsBox(Dialog):
    """Edits the constraints of a lane and says at once, with the line, what is wrong."""

    def __init__(self, model: ChainModel, parent: QWidget) -> None:
        super().__init__(parent)
        px = theme().px
        self._model = model
        self._limits = model.setup.limits
        self.setObjectName("constraintsBox")
        self.setProperty("ground", "raised")
        self.setWindowTitle("Constraints")
        self.setMinimumWidth(px(560))
        words = [("grammar", "Grammar (GBNF)"), ("json_schema", "JSON schema")]
        self._kind = Segment(words, small=True, name="formKind", accessible="Form of the answer")
        self._form = _field("formText", "Grammar or schema", 7, 16)
        self._banned = _field("bannedStrings", "Banned strings, one per line", 3, 8)
        self._biases = _field("textBiases", "Biases by text, one per line", 3, 8)
        self._biases.setPlaceholderText("word=-5")
        self._says = wrapping_label("", "small", "text2")
        self._says.setObjectName("constraintsSay")
        self._use_button = button("Use these constraints", kind="primary", name="useConstraints")
        self._use_button.clicked.connect(self._use)
        self._lay_out()
        self._fill()
        self._kind.chosen.connect(self._read)
        for field in (self._form, self._banned, self._biases):
            field.textChanged.connect(self._read)
        self._form.setFocus()
        self._read()

    def _lay_out(self) -> None:
        px = theme().px
        column = QVBoxLayout(self)
        column.setContentsMargins(*[px(20)] * 4)
        column.setSpacing(px(8))
        column.addWidget(label("Constraints", "title"))
        column.addWidget(wrapping_label("They apply to the answer, after the reasoning.", "small"))
        column.addWidget(self._kind)
        column.addWidget(self._form)
        column.addWidget(self._says)
        column.addWidget(label("Banned strings, one per line", tone="text2"))
        column.addWidget(self._banned)
        column.addWidget(label("Bias by text, one per line; word=false bans it", tone="text2"))
        column.addWidget(self._biases)
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addStretch(1)
        row.addWidget(button("Cancel", clicked=self.reject))
        row.addWidget(self._use_button)
        column.addLayout(row)

    def _fill(self) -> None:
        limits = self._limits
        self._kind.set_value("json_schema" if limits.json_schema else "grammar")
        self._form.setPlainText(limits.json_schema or limits.grammar)
        self._banned.setPlainText("\n".join(limits.banned_strings))
        self._biases.setPlainText("\n".join(bias.written() for bias in limits.text_biases))

    def _made(self) -> Constraints:
        """The constraints that the fields say."""
        form = self._form.toPlainText()
        limits = replace(
            self._limits,
            grammar="",
            json_schema="",
            banned_strings=_lines(self._banned),
            text_biases=tuple(TextBias.read(line) for line in _lines(self._biases)),
        )
        if not form.strip():
            return limits
        is_schema = self._kind.value() == "json_schema"
        return limits.with_json_schema(form) if is_schema else limits.with_grammar(form)

    def _read(self) -> None:
        self._form.setPlaceholderText(_HINTS[self._kind.value()])
        if len(self._form.toPlainText()) > _AT_ONCE:
            self._tell("It is checked when it is used.", wrong=False)
            return
        self._try()

    def _try(self) -> Constraints | None:
        try:
            limits = self._made()
        except UserError as error:
            self._tell(str(error), wrong=True)
            return None
        warnings = " ".join(warning.text for warning in limits.warnings)
        fine = "No error found." if limits else "Nothing is limited."
        self._tell(warnings or fine, wrong=False)
        return limits

    def _tell(self, words: str, *, wrong: bool) -> None:
        self._says.setText(words)
        set_state(self._says, "tone", "bad" if wrong else "text2")
        self._use_button.setEnabled(not wrong)

    def _use(self) -> None:
        limits = self._try()
        if limits is not None:
            self._model.change(constraints=limits)
            self.accept()


def _field(name: str, accessible: str, least: int, most: int) -> TextArea:
    field = TextArea(least, most, name=name)
    field.setAccessibleName(accessible)
    field.setProperty("role", "mono-small")
    field.setProperty("field", "box")
    return field


def _lines(field: TextArea) -> tuple[str, ...]:
    return tuple(line for line in field.toPlainText().split("\n") if line)
