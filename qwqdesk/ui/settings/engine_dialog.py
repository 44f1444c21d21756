"""The engine settings: one row for each of ENGINE_SETTINGS, its value and what is in use.

A change counts with the next load; the dialog loads the present model again when it is applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.engine.events import Loaded
from qwqdesk.engine_settings import ENGINE_SETTINGS, EngineSetting, EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.ui.base import Dialog, button, label, panel, wrapping_label
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.settings.engine_fields import EngineField, make_field
from qwqdesk.ui.theme import set_state, theme


class EngineDialog(Dialog):
    """Asked and has, side by side."""

    def __init__(self, parent: QWidget, desk: Desk, load: Callable[[Path], object]) -> None:
        """`load` loads a model file again."""
        super().__init__(parent)
        px = theme().px
        self._desk, self._load = desk, load
        self._fields: dict[str, EngineField] = {}
        self.setObjectName("engineDialog")
        self.setProperty("ground", "raised")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Engine settings")
        self.resize(px(760), px(640))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head())
        column.addWidget(self._rows(), 1)
        column.addWidget(self._foot())
        self._show(desk.settings.engine)

    def _head(self) -> QWidget:
        px = theme().px
        head = panel("raised", "bottom")
        column = QVBoxLayout(head)
        column.setContentsMargins(px(20), px(16), px(20), px(12))
        column.addWidget(label("Engine settings", "title"))
        words = "Applied when a model is loaded. The last column shows the values in use."
        column.addWidget(wrapping_label(words, "body", "text2"))
        return head

    def _rows(self) -> QScrollArea:
        px = theme().px
        has = _what_it_has(self._desk.model)
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(px(20), px(8), px(20), px(16))
        grid.setHorizontalSpacing(px(16))
        grid.setVerticalSpacing(px(10))
        grid.setColumnStretch(0, 1)
        for number, title in enumerate(("Setting", "Value", "In use")):
            grid.addWidget(label(title, "small-strong", "text2"), 0, number)
        for number, setting in enumerate(ENGINE_SETTINGS, start=1):
            field = make_field(setting)
            self._fields[setting.field] = field
            words = QVBoxLayout()
            words.setSpacing(0)
            words.addWidget(label(setting.title, "name"))
            words.addWidget(wrapping_label(setting.meaning, "small", "text2"))
            words.addStretch(1)  # the meaning stays at its name where the field is higher
            grid.addLayout(words, number, 0)
            grid.addWidget(field.widget, number, 1, Qt.AlignmentFlag.AlignTop)
            shown = label(has.get(setting.field, "–"), "mono-small", "text2")
            shown.setAccessibleName(f"{setting.title}, in use: {shown.text()}")
            grid.addWidget(shown, number, 2, Qt.AlignmentFlag.AlignTop)
        self._area = area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        area.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        return area

    def _foot(self) -> QWidget:
        px = theme().px
        foot = panel("raised", "top")
        column = QVBoxLayout(foot)
        column.setContentsMargins(px(20), px(12), px(20), px(16))
        self._problem = wrapping_label("", "body", "bad")
        self._problem.setObjectName("engineProblem")
        self._problem.hide()
        row = QHBoxLayout()
        row.setSpacing(px(8))
        loaded = self._desk.model
        verb = "Load model again" if loaded is not None else "Apply"
        row.addWidget(button("Defaults", "undo-2", "flat", name="engineDefaults",
                             clicked=lambda: self._show(EngineSettings())))  # fmt: skip
        row.addStretch(1)
        row.addWidget(button("Cancel", name="engineCancel", clicked=self.reject))
        row.addWidget(button(verb, kind="primary", name="engineApply", clicked=self.apply))
        column.addWidget(self._problem)
        column.addLayout(row)
        return foot

    def _show(self, settings: EngineSettings) -> None:
        for name, field in self._fields.items():
            field.show(getattr(settings, name))

    def apply(self) -> None:
        """Save, and load the present model again with the new settings."""
        desk = self._desk
        settings = self._read()
        if settings is None:
            return
        desk.change(engine=settings)
        if desk.model is not None:
            self._load(Path(desk.model.model.path))
        self.accept()

    def _read(self) -> EngineSettings | None:
        """What the fields say; None where one says what is not allowed, which is then marked."""
        values: dict[str, object] = {}
        problems: list[str] = []
        for setting in ENGINE_SETTINGS:
            field = self._fields[setting.field]
            problem = ""
            try:
                values[setting.field] = setting.check(field.value())
            except UserError as error:
                problem = allowed_words(setting) or str(error)
                if not problems:
                    field.widget.setFocus(Qt.FocusReason.OtherFocusReason)
                    self._area.ensureWidgetVisible(field.widget)
                problems.append(problem)
            set_state(field.widget, "wrong", bool(problem))
            field.widget.setAccessibleDescription(problem or setting.meaning)
        self._problem.setText("\n".join(problems))
        self._problem.setVisible(bool(problems))
        return None if problems else replace(EngineSettings(), **values)  # type: ignore[arg-type]


def allowed_words(setting: EngineSetting) -> str:
    """What a number field takes, by the name in its row; nothing for other kinds."""
    if setting.kind not in ("int", "float"):
        return ""
    number = "a whole number" if setting.kind == "int" else "a number"
    low, high = setting.minimum, setting.maximum
    if low is None:
        return f"{setting.title} must be {number}."
    start = f"{low:,.10g}"
    bounds = f" of at least {start}" if high is None else f" from {start} to {high:,.10g}"
    return f"{setting.title} must be {number}{bounds}."


def _what_it_has(loaded: Loaded | None) -> dict[str, str]:
    """What the context reports, by the names of the settings."""
    if loaded is None:
        return {}
    engine = loaded.engine
    found = {
        "n_ctx": f"{engine.n_ctx:,}",
        "n_batch": f"{engine.n_batch:,}",
        "n_ubatch": f"{engine.n_ubatch:,}",
        "n_threads": str(engine.n_threads),
        "n_gpu_layers": str(engine.n_gpu_layers),
        "flash_attn": engine.flash_attn,
        "type_k": engine.type_k,
        "type_v": engine.type_v,
    }
    words = {True: "on", False: "off"}
    extra = {
        name: words[value] if isinstance(value, bool) else str(value)
        for name, value in engine.extra.items()
    }
    return {**extra, **found}
