"""Fields: numbers that are typed, compared and copied; short texts; search.

A number field shows at once when a value is not allowed, says which are, and keeps the last
allowed value in force.
"""

from __future__ import annotations

import math
import re

from PySide6.QtCore import QEvent, QLocale, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit, QSizePolicy, QWidget

from qwqdesk.ui.icons import draw_icon, icon
from qwqdesk.ui.theme import set_state, theme

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
_TYPING = re.compile(r"[+-]?\d*[.,]?\d*([eE][+-]?\d*)?")
_HUGE, _ENDLESS = 1e300, 1e9
_PADDING = 9

SOURCES = {
    "user": "set by you",
    "recipe": "from the recipe",
    "model": "from the model's metadata",
    "default": "llama.cpp's default",
}


def format_value(value: float, whole: bool) -> str:
    """A number as it is typed: shortest form, `1.0` for a one that may have a fraction."""
    if whole:
        return str(round(value))
    text = f"{value:.10g}"
    return f"{text}.0" if text.lstrip("-").isdigit() and value != 0 else text


class ValueField(QDoubleSpinBox):
    """One number. Up and Down step, with Shift ten steps; the wheel only with focus.

    `edited` carries an allowed value that the user (or a script, through `setValue`) set.
    `checked` carries the message about a value that is not allowed, or an empty text.
    """

    edited = Signal(float)
    checked = Signal(str)

    def __init__(
        self,
        title: str,
        minimum: float,
        maximum: float,
        step: float,
        *,
        whole: bool = False,
        allowed: str = "",
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """`title` names the value in messages and to screen readers; bounds are inclusive.

        `allowed` says the range in words where "0 to 1" from the bounds does not.
        """
        super().__init__(parent)
        self._title, self._low, self._high, self._step = title, minimum, maximum, step
        self._whole, self._in_force, self._source = whole, 0.0, ""
        self._problem, self._width = "", 56
        self._allowed = allowed or self._range_in_words()
        self.setLocale(QLocale.c())
        self.setDecimals(0 if whole else 10)
        # Wider than what is allowed: a wrong value stays visible, in red, until it is mended.
        self.setRange(-_HUGE, _HUGE)
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(theme().px(3), 0, theme().px(3), 0)
        self.setProperty("field", "value")
        self.setProperty("ringRadius", 4)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.lineEdit().setAccessibleName(title)  # readers look at it too
        self.valueChanged.connect(self._changed)
        self.lineEdit().textEdited.connect(self._typed)
        self._fit()
        self._describe()

    def set_width(self, pixels: int) -> None:
        """Width at 100 % text size; a longer number makes the field wider."""
        self._width = pixels
        self._fit()

    def _fit(self) -> None:
        needed = self.fontMetrics().horizontalAdvance(self.text()) + 2 * theme().px(_PADDING)
        self.setFixedWidth(max(theme().px(self._width), needed))

    @property
    def in_force(self) -> float:
        """The last allowed value."""
        return self._in_force

    @property
    def problem(self) -> str:
        """Why what is typed is not allowed, in a sentence; empty when it is."""
        return self._problem

    def show_value(self, value: float, source: str = "", quiet: bool = False) -> None:
        """Show the value in force without emitting anything.

        Args:
            source: user, recipe, model or default: it draws the border and fills the tool tip.
            quiet: the value has no effect where it stands.
        """
        # A wrong or unfinished text stays, whatever else changes meanwhile.
        same = value == self._in_force
        typing = self.hasFocus() and self.lineEdit().isModified() and self.value() == value
        self._in_force, self._source = value, source
        if not (same and self._problem):
            self._set_problem("")
            if not typing:
                blocked = self.blockSignals(True)
                self.setValue(value)
                self.blockSignals(blocked)
        set_state(self, "source", source)
        set_state(self, "quiet", quiet)
        self._fit()
        self._describe()

    # ------------------------------------------------------------ Qt's virtual functions

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        return format_value(value, self._whole)

    def valueFromText(self, text: str) -> float:  # noqa: N802 - Qt's name
        cleaned = text.strip().replace(",", ".")
        if not _NUMBER.fullmatch(cleaned):
            return self._in_force
        value = float(cleaned)
        return value if math.isfinite(value) and abs(value) < _HUGE else math.copysign(_HUGE, value)

    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        cleaned = text.strip()
        if _NUMBER.fullmatch(cleaned):
            return QValidator.State.Acceptable, text, pos
        typing = _TYPING.fullmatch(cleaned) is not None
        state = QValidator.State.Intermediate if typing else QValidator.State.Invalid
        return state, text, pos

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's name
        value = round(self.value() + steps * self._step, 10)
        self.setValue(min(self._high, max(self._low, value)))
        self.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        direction = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()), 0)
        plain = not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        if direction and plain:
            tens = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.interpretText()
            self.stepBy(direction * (10 if tens else 1))
        elif event.key() == Qt.Key.Key_Escape and self._problem:
            self._set_problem("")
            self.show_value(self._in_force, self._source, bool(self.property("quiet")))
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            event.ignore()  # Alt+Up and Alt+Down move the step
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def event(self, event: QEvent) -> bool:
        """Ctrl+Z goes on to the chain where the field itself has nothing to undo."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            undo = event.matches(QKeySequence.StandardKey.Undo)
            redo = event.matches(QKeySequence.StandardKey.Redo)
            line = self.lineEdit()
            if (undo and not line.isUndoAvailable()) or (redo and not line.isRedoAvailable()):
                event.ignore()
                return False
        return super().event(event)

    # ------------------------------------------------------------ inside

    def _typed(self, text: str) -> None:
        self._set_problem(self._problem_of(self.valueFromText(text)))

    def _changed(self, value: float) -> None:
        self._fit()
        problem = self._problem_of(value)
        self._set_problem(problem)
        if not problem and value != self._in_force:
            self._in_force = value
            self.edited.emit(value)

    def _problem_of(self, value: float) -> str:
        if self._low <= value <= self._high:
            return ""
        return (
            f"{self._title} {format_value(value, self._whole)}: allowed are {self._allowed}. "
            f"{format_value(self._in_force, self._whole)} stays in force."
        )

    def _range_in_words(self) -> str:
        low = format_value(self._low, float(self._low).is_integer())
        if self._high >= _ENDLESS:
            return f"{low} and more"
        return f"{low} to {format_value(self._high, float(self._high).is_integer())}"

    def _set_problem(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            set_state(self, "wrong", bool(problem))
            self._describe()
            self.checked.emit(problem)

    def _describe(self) -> None:
        parts = [self._problem, SOURCES.get(self._source, ""), f"allowed are {self._allowed}"]
        text = "; ".join(part for part in parts if part)
        self.setAccessibleDescription(text)
        self.setToolTip(f"{self._title}: {text}")


class TextField(QLineEdit):
    """One short text in mono; `edited` carries it when the user has finished."""

    edited = Signal(str)

    def __init__(self, title: str, *, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._in_force = self._source_words = ""
        self.setProperty("field", "value")
        self.setProperty("ringRadius", 4)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.editingFinished.connect(self._finished)

    def show_text(self, text: str, source: str = "") -> None:
        """Show the text in force without emitting anything."""
        self._in_force = text
        if self.text() != text:
            self.setText(text)
            self.setCursorPosition(0)
        set_state(self, "source", source)
        self._source_words = SOURCES.get(source, "")
        self.setAccessibleDescription(self._source_words)

    def set_problem(self, problem: str) -> None:
        """Mark the text as not allowed; the sentence goes to screen readers."""
        set_state(self, "wrong", bool(problem))
        self.setAccessibleDescription(problem or self._source_words)

    def _finished(self) -> None:
        if self.text() != self._in_force:
            self._in_force = self.text()
            self.edited.emit(self.text())


_SEARCH_ICON = 16  # px


class SearchField(QLineEdit):
    """A search field with its icon, and a cross that empties it."""

    def __init__(self, placeholder: str, *, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("field", "search")
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setObjectName(name)
        self._clear = QAction(icon("x", "text3"), "Empty the search", self)
        self._clear.triggered.connect(self.clear)
        self.textChanged.connect(self._show_clear)
        theme().changed.connect(self._leave_room)
        self._leave_room()

    def _leave_room(self) -> None:
        """For the icon: an action's icon would keep its size when the text grows."""
        self.setTextMargins(theme().px(_SEARCH_ICON + 8), 0, 0, 0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        side = theme().px(_SEARCH_ICON)
        box = QRectF(theme().px(8), (self.height() - side) // 2, side, side)
        painter = QPainter(self)
        draw_icon(painter, box, "search", "text3")
        painter.end()

    def _show_clear(self, text: str) -> None:
        if text and self._clear not in self.actions():
            self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        elif not text:
            self.removeAction(self._clear)
