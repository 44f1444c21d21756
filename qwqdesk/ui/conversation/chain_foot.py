"""The foot of the chain editor: the order as text, paste a command, copy as, reset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.formats.command_text import parse_command
from qwqdesk.sampling.formats.constraint_args import CONSTRAINT_DESTS, constraints_from
from qwqdesk.sampling.formats.flags import Flag
from qwqdesk.sampling.formats.importing import SeveralPartsError, import_text, states_settings
from qwqdesk.sampling.formats.llama_args import ParsedArgs
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.resolve import resolve
from qwqdesk.ui.base import Dialog, ElideLabel, IconButton, TextArea, button, label, wrapping_label
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.constraints_box import ConstraintsBox
from qwqdesk.ui.conversation.copy_menu import copy_as, fill_copy_menu
from qwqdesk.ui.conversation.import_words import said_of
from qwqdesk.ui.theme import set_state, theme

_LONGEST_COMMAND = 50_000
_MOST_NAMED = 12
_RULES = ("loop_guard", "reasoning_budget", "reasoning_budget_message", "variables")


class OrderText(ElideLabel):
    """The order in mono; a click copies it."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "mono-small", "text2", parent=parent)
        self.setObjectName("chainOrder")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self.clicked.emit()


class ChainFoot(QFrame):
    """What is done with the chain as a whole. `narrow` leaves the words of the buttons out."""

    def __init__(self, model: ChainModel, narrow: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        px = theme().px
        self.setObjectName("chainFoot")
        self.setProperty("ground", "surface")
        self.setProperty("edge", "top")
        self.setFixedHeight(px(48))
        self._order = OrderText()
        self._order.clicked.connect(lambda: copy_as(model, "order"))
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), 0, px(12), 0)
        row.setSpacing(px(8))
        row.addWidget(self._order, 1)
        self._buttons = self._icon_buttons() if narrow else self._word_buttons()
        for widget in self._buttons:
            row.addWidget(widget)
        model.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        self._order.setText(self._model.chain.order_text)
        self._order.setAccessibleName(f"Order: {self._model.chain.order_text}")
        setup = self._model.setup
        self._buttons[-1].setEnabled(setup.edited)

    def tab_stops(self) -> list[QWidget]:
        return [*self._buttons]

    def _word_buttons(self) -> list[QWidget]:
        paste = button("Paste command", "terminal", small=True, name="pasteCommand")
        paste.clicked.connect(self.paste)
        copy = button("Copy as", "copy", small=True, name="copyAs")
        copy.clicked.connect(lambda: self._copy_menu(copy))
        reset = button("Reset", "undo-2", "flat", small=True, name="resetChain")
        reset.clicked.connect(self._model.reset)
        reset.setToolTip("Take back all changes to the recipe")
        return [self._limits_button(), paste, copy, reset]

    def _icon_buttons(self) -> list[QWidget]:
        paste = IconButton("terminal", "Paste command", name="pasteCommand", clicked=self.paste)
        copy = IconButton("copy", "Copy as", name="copyAs")
        copy.clicked.connect(lambda: self._copy_menu(copy))
        reset = IconButton(
            "undo-2", "Take back all changes", name="resetChain", clicked=self._model.reset
        )
        return [self._limits_button(), paste, copy, reset]

    def _limits_button(self) -> QWidget:
        made = button("Constraints", "lock", "flat", small=True, name="editConstraints")
        made.clicked.connect(self.constrain)
        made.setToolTip("Grammar or JSON schema, banned strings, biases by text")
        return made

    def constrain(self) -> None:
        """Open the box for grammar, banned strings and biases by text."""
        box = ConstraintsBox(self._model, self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def paste(self) -> None:
        """Open the box for a command line."""
        PasteBox(self._model, self).open()

    def _copy_menu(self, source: QWidget) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        fill_copy_menu(menu, self._model)
        menu.popup(source.mapToGlobal(source.rect().bottomLeft()))


def _set_elsewhere(parsed: ParsedArgs) -> list[str]:
    """The flags that are no sampling settings: a lane has no place for them."""
    names = dict.fromkeys(
        each.word
        for each in parsed.occurrences
        if each.flag.group in ("engine", "option")
        and each.flag.dest not in _RULES
        and (each.flag.dest not in CONSTRAINT_DESTS or _is_file(each.flag))
    )
    return list(names)


def _of_fate(parsed: ParsedArgs, *fates: str) -> list[str]:
    """The flags of llama.cpp with one of these fates."""
    found = (each for each in parsed.occurrences if each.flag.reads in fates)
    refused = {word for word, _ in parsed.refused}
    return list(dict.fromkeys(each.word for each in found if each.word not in refused))


def _rules(parsed: ParsedArgs) -> dict[str, Any]:
    """What the line says about the lane's reasoning, as fields of its setup."""
    given = {name: parsed.options.get(name) for name in _RULES}
    return {name: value for name, value in given.items() if value is not None}


def _told(parsed: ParsedArgs, limits: Constraints | None, order: str) -> str:
    """What is read in the line, and what is not: a paragraph for each class of flags."""
    unneeded = _of_fate(parsed, "unneeded", "refused")
    removed = _of_fate(parsed, "removed")
    elsewhere = _set_elsewhere(parsed)
    cannot = [f"{word} ({why})" for word, why in parsed.refused]
    lines = [
        _taken(parsed, limits, order),
        f"Not taken over: {_listed(elsewhere)}. Model, engine and prompt are set elsewhere."
        if elsewhere
        else "",
        f"Cannot be taken: {'; '.join(cannot)}." if cannot else "",
        f"Not needed here: {_listed(unneeded)}." if unneeded else "",
        f"No longer in llama.cpp: {_listed(removed)}." if removed else "",
        f"Not understood: {_listed([shown(word) for word in parsed.positional])}."
        if parsed.positional
        else "",
        *_more_notes(parsed),
        *(warning.text for warning in parsed.warnings),
    ]
    return "\n".join(line for line in lines if line)


def _says_something(parsed: ParsedArgs, limits: Constraints | None) -> bool:
    """Whether the line has anything for a lane."""
    return bool(parsed.sampling or _rules(parsed) or limits)


def _taken(parsed: ParsedArgs, limits: Constraints | None, order: str) -> str:
    if not _says_something(parsed, limits):
        return "No sampling setting was found."
    count = len(parsed.sampling.keys() - {"samplers"}) + len(_rules(parsed))
    values = f"{count} value{'s' if count != 1 else ''} set."
    words = [f"Order: {order or 'no step'}. {values}"]
    words += ["Constraints too."] if limits else []
    words += [f"Template: {parsed.variables.words()}."] if parsed.variables else []
    return " ".join(words)


def _more_notes(parsed: ParsedArgs) -> list[str]:
    """Notes other than those on flags that are left out, which are listed together."""
    return [note for note in parsed.notes if " is left out: " not in note]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    said = ", ".join(names[:_MOST_NAMED])
    return f"{said} and {more} more" if more > 0 else said


def _is_file(flag: Flag) -> bool:
    """A pasted line does not bring the files along that it names."""
    return flag.dest == "form" and str(flag.value).endswith("-file")


def _without_files(parsed: ParsedArgs) -> ParsedArgs:
    kept = (each for each in parsed.occurrences if not _is_file(each.flag))
    return ParsedArgs.of(kept, lenient=True)


class PasteBox(Dialog):
    """Takes a pasted llama-cli or llama-server command, or settings in JSON, YAML or INI, and says
    at once what it reads in it.
    """

    def __init__(self, model: ChainModel, parent: QWidget) -> None:
        super().__init__(parent)
        px = theme().px
        self._model = model
        self.setObjectName("pasteBox")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("ground", "raised")
        self.setWindowTitle("Paste a command")
        self.setMinimumWidth(px(560))
        self._text = TextArea(7, 16, name="commandText")
        self._text.setAccessibleName("Command line")
        self._text.setPlaceholderText('llama-cli --temp 0.6 --samplers "top_k;top_p;temperature"')
        self._text.setProperty("role", "mono-small")
        self._text.setProperty("field", "box")
        self._says = wrapping_label("", "small", "text2")
        self._says.setObjectName("commandSays")
        self._apply = button("Use these settings", kind="primary", name="useCommand")
        self._apply.clicked.connect(self._use)
        cancel = button("Cancel", clicked=self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[px(20)] * 4)
        column.setSpacing(px(8))
        column.addWidget(label("Paste a command", "title"))
        column.addWidget(label("What it does not name gets llama.cpp's defaults.", tone="text2"))
        column.addWidget(self._text)
        column.addWidget(self._says)
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self._apply)
        column.addLayout(row)
        self._chain: SamplerChain | None = None
        self._limits: Constraints | None = None
        self._rules: dict[str, Any] = {}
        self._text.textChanged.connect(self._read)
        clipboard = QGuiApplication.clipboard().text()
        if "--" in clipboard and len(clipboard) < _LONGEST_COMMAND:
            self._text.setPlainText(clipboard)
        self._read()

    def _read(self) -> None:
        text = self._text.toPlainText()
        self._chain = None
        tone = "text2"
        if len(text) > _LONGEST_COMMAND:
            says, tone = "This is too long for a command line.", "bad"
        elif not text.strip():
            says = (
                "A line that begins with llama-cli, llama-server or the first flag, or settings in "
                "JSON, YAML or INI."
            )
        else:
            read = self._read_settings if states_settings(text) else self._read_command
            try:
                says, tone = read(text)
            except SeveralPartsError as error:
                says, tone = f"{error.what} Paste one of them alone.", "warn"
            except UserError as error:
                says, tone = str(error), "bad"
        self._says.setText(says)
        set_state(self._says, "tone", tone)
        self._apply.setEnabled(self._chain is not None)

    def _read_command(self, text: str) -> tuple[str, str]:
        """What is to be said of a command line, and how."""
        parsed = parse_command(text)
        chain = resolve(parsed.sampling).chain
        self._limits = constraints_from(_without_files(parsed))
        self._rules = _rules(parsed)
        says = _told(parsed, self._limits, chain.order_text)
        if not _says_something(parsed, self._limits):
            return says, "warn"
        self._chain = chain
        return says, "text2"

    def _read_settings(self, text: str) -> tuple[str, str]:
        """What is to be said of a document of settings, and how."""
        found = import_text(text, "Pasted")
        self._chain, self._rules = found.recipe.chain, {}
        self._limits = found.recipe.constraints or None
        words = f"Order: {self._chain.order_text or 'no step'}."
        words += " Constraints too." if self._limits else ""
        return "\n".join(part for part in (words, said_of(found)) if part), "text2"

    def _use(self) -> None:
        if self._chain is not None:
            limits = {} if self._limits is None else {"constraints": self._limits}
            self._model.take_settings(self._chain, **limits, **self._rules)
        self.accept()
