"""One field of the engine settings dialog for each kind of setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from qwqdesk.engine_settings import EngineSetting
from qwqdesk.errors import UserError
from qwqdesk.sampling.formats.llama_args import parse_args
from qwqdesk.ui.base import TextArea
from qwqdesk.ui.theme import theme

_WIDTH = 160


class EngineField(Protocol):
    """Shows and reads one value; `value` raises UserError for what is not allowed."""

    widget: QWidget

    def show(self, value: Any) -> None: ...  # noqa: ANN401 - any setting

    def value(self) -> Any: ...  # noqa: ANN401


def make_field(setting: EngineSetting) -> EngineField:
    """The field of one setting."""
    kinds: dict[str, Callable[[EngineSetting], EngineField]] = {
        "bool": _Switch,
        "choice": _Choice,
        "override": _Overrides,
        "text": _Text,
    }
    made = kinds.get(setting.kind, _Number)(setting)
    made.widget.setObjectName(f"engine_{setting.field}")
    made.widget.setAccessibleName(setting.title)
    made.widget.setAccessibleDescription(setting.meaning)
    return made


class _Number:
    def __init__(self, setting: EngineSetting) -> None:
        self._setting = setting
        self._edit = QLineEdit()
        self._edit.setProperty("field", "value")
        self._edit.setFixedWidth(theme().px(_WIDTH))
        self.widget: QWidget = self._edit

    def show(self, value: object) -> None:
        self._edit.setText(f"{value:g}" if isinstance(value, float) else str(value))

    def value(self) -> object:
        text = self._edit.text().strip()
        try:
            return int(text) if self._setting.kind == "int" else float(text)
        except ValueError:
            return text  # which the setting refuses


class _Text:
    """In llama.cpp's own form; what is not allowed is said with an example."""

    def __init__(self, setting: EngineSetting) -> None:
        self._setting = setting
        self._edit = QLineEdit()
        self._edit.setPlaceholderText(setting.example)
        self._edit.setProperty("field", "value")
        self._edit.setFixedWidth(theme().px(_WIDTH + 80))
        self.widget: QWidget = self._edit

    def show(self, value: str) -> None:
        self._edit.setText(value)

    def value(self) -> object:
        return self._setting.check(self._edit.text().strip())


class _Switch:
    def __init__(self, setting: EngineSetting) -> None:
        self._box = QCheckBox()
        self.widget: QWidget = self._box

    def show(self, value: bool) -> None:
        self._box.setChecked(value)

    def value(self) -> bool:
        return self._box.isChecked()


class _Choice:
    def __init__(self, setting: EngineSetting) -> None:
        self._combo = QComboBox()
        self._combo.setFixedWidth(theme().px(_WIDTH))
        for choice in setting.choices:
            self._combo.addItem(choice or "the model's own", choice)
        self.widget: QWidget = self._combo

    def show(self, value: str) -> None:
        self._combo.setCurrentIndex(max(0, self._combo.findData(value)))

    def value(self) -> object:
        return self._combo.currentData()


class _Overrides:
    """One override in a line, as llama.cpp writes it: key=type:value."""

    def __init__(self, setting: EngineSetting) -> None:
        self._flag = setting.flags[0]
        self._text = TextArea(3, 8)
        self._text.setPlaceholderText("qwen2.context_length=int:131072")
        self._text.setFixedWidth(theme().px(_WIDTH + 80))
        self._text.setProperty("field", "area")
        self.widget: QWidget = self._text

    def show(self, value: Sequence[tuple[str, object]]) -> None:
        self._text.setPlainText("\n".join(_override_text(key, item) for key, item in value))

    def value(self) -> object:
        words: list[str] = []
        for line in self._text.toPlainText().splitlines():
            if line.strip():
                words += [self._flag, line.strip()]
        try:
            return parse_args(words).engine_settings.override_kv if words else ()
        except UserError as error:
            raise UserError(error.what, error.what_to_do, code=error.code) from None


def _override_text(key: str, value: object) -> str:
    kinds = {bool: "bool", int: "int", float: "float", str: "str"}
    shown = str(value).lower() if isinstance(value, bool) else value
    return f"{key}={kinds[type(value)]}:{shown}"
