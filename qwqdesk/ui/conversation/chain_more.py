"""The rest of the sampling settings, folded away: what is no step of the chain."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QToolButton, QVBoxLayout, QWidget

from qwqdesk.answer_setup import OF_THE_LANE
from qwqdesk.sampling.resolve import Resolved
from qwqdesk.sampling.samplers import PARAMS, sampler_of_param
from qwqdesk.ui.base import ValueField, fold, wrapping_label
from qwqdesk.ui.conversation.chain_fields import ParamField, param_field
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import theme

_NAMES = ("n_predict", "min_keep", "mirostat", "stop", "logit_bias", "ignore_eos")


class MoreSettings(QFrame):
    """Length, stop strings, biases, Mirostat: open on demand, and it stays open."""

    edited = Signal(str, object)
    checked = Signal()

    def __init__(self, narrow: bool, *, whole: bool = True, parent: QWidget | None = None) -> None:
        """`whole`: also what counts for a whole reply, not for the answer alone."""
        super().__init__(parent)
        px = theme().px
        self.setObjectName("moreSettings")
        self._head = QToolButton()
        self._head.setObjectName("moreSettingsButton")
        self._head.setText("More settings")
        self._head.setAccessibleName("More settings")
        self._head.setProperty("role", "small-strong")
        self._head.setCheckable(True)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setFixedHeight(px(28))
        self._head.setProperty("plain", True)
        self._head.toggled.connect(self._toggled)
        self._body = QWidget()
        names = [name for name in _NAMES if whole or name not in OF_THE_LANE]
        self.fields = [self._field(name) for name in names]
        self._arrange(narrow)
        column = QVBoxLayout(self)
        column.setContentsMargins(px(12), px(8), px(16), px(8))
        column.setSpacing(px(4))
        column.addWidget(self._head, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._body)
        self._body.hide()
        self._toggled(False)

    @property
    def opened(self) -> bool:
        return self._head.isChecked()

    def set_opened(self, opened: bool) -> None:
        self._head.setChecked(opened)

    @property
    def problem(self) -> str:
        return next((field.problem for field in self.fields if field.problem), "")

    def show_values(self, resolved: Resolved) -> None:
        """Show the values in force."""
        for field in self.fields:
            name = field.param.name
            value, source = resolved.chain.value(name), resolved.sources.get(name, "")
            field.show(value, source, value == field.param.default)

    def tab_stops(self) -> list[QWidget]:
        return [self._head, *[field.widget for field in self.fields]]

    def _field(self, name: str) -> ParamField:
        param = PARAMS[name]
        sampler = sampler_of_param(name)
        field = param_field(param, sampler.title if sampler else "", self)
        field.edited.connect(self.edited)
        field.checked.connect(self.checked)
        # Here a field stands alone: it needs the whole name. A switch has its own.
        words = sampler.title if sampler and name in ("mirostat", "logit_bias") else param.title
        field.label.setText("" if param.kind == "bool" else words)
        return field

    def _arrange(self, narrow: bool) -> None:
        px = theme().px
        grid = QGridLayout(self._body)
        grid.setContentsMargins(px(12), 0, 0, px(4))
        grid.setHorizontalSpacing(px(12))
        grid.setVerticalSpacing(px(6))
        for row, field in enumerate(self.fields):
            meaning = wrapping_label(field.param.meaning, "small", "text2")
            if isinstance(field.widget, ValueField):
                field.widget.set_width(64)
            grid.addWidget(field.label, row, 0)
            grid.addWidget(field.widget, row, 1)
            if narrow:
                field.widget.setToolTip(field.param.meaning)
            else:
                grid.addWidget(meaning, row, 2)
        grid.setColumnStretch(1 if narrow else 2, 1)
        if not narrow:
            grid.setColumnMinimumWidth(1, px(140))

    def _toggled(self, opened: bool) -> None:
        self._head.setIcon(icon("chevron-down" if opened else "chevron-right", on="text2"))
        fold(self._body, opened)
