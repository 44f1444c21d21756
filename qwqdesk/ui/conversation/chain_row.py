"""One row of the chain editor: a step with its values, its meaning and its state.

A row is built for one density (LOOK section 5) and built anew for another. It knows nothing of the
chain around it: it shows a `RowView` and says what the user did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.sampling.param import Param, Value
from qwqdesk.sampling.samplers import Sampler
from qwqdesk.ui.base import ElideLabel, IconButton, ValueField, label, wrapping_label
from qwqdesk.ui.conversation.chain_fields import ParamField, param_field
from qwqdesk.ui.conversation.chain_marks import STATE_WORDS, Grip, State, StateMark
from qwqdesk.ui.conversation.chain_text import seed_shown
from qwqdesk.ui.icons import IconLabel
from qwqdesk.ui.theme import set_state, theme

Density = Literal["wide", "normal", "compact", "narrow"]
# "snug" is a normal lane too narrow for the words of the states.
RowDensity = Literal["wide", "normal", "snug", "compact", "narrow"]
Place = Literal["step", "draw", "absent"]

_BAR = 3
_FIELD, _GRID_FIELD, _NARROW_FIELD, _NAME, _SHORT_NAME, _LABEL = 56, 64, 58, 92, 87, 66


@dataclass(frozen=True)
class RowView:
    """What a row shows. `number` counts from 1; 0 where a row has no place of its own."""

    state: State
    why: str
    values: Mapping[str, Value]
    sources: Mapping[str, str]
    number: int = 0
    count: int = 0
    differs: bool = False
    removable: bool = True


class StepRow(QFrame):
    """A step of the chain, the one that draws, or one that is set but not in the chain."""

    edited = Signal(str, object)
    checked = Signal()
    moved = Signal(int)  # places down; negative is up
    removed = Signal()
    walked = Signal(int)  # focus to the next (1) or the previous (-1) row

    def __init__(
        self,
        sampler: Sampler,
        params: tuple[Param, ...],
        place: Place,
        density: RowDensity,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.sampler, self.params, self._place, self._density = sampler, params, place, density
        self._differs = False
        self.setObjectName(f"step_{sampler.name}")
        self.setProperty("ground", "surface")
        self.setProperty("edge", "bottom")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.fields = [self._field(param) for param in params]
        self.grip = Grip(self)
        self._number = label("", "small", "text3")
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._name = ElideLabel(sampler.name, "mono-name")
        self._state = StateMark(self)
        self._remove = IconButton(
            "x", f"Remove {sampler.name}", shortcut="Del", size=15, clicked=self.removed.emit
        )
        self._remove.setObjectName(f"remove_{sampler.name}")
        self._meaning = wrapping_label("", "small", "text2")
        self._problem_words = wrapping_label("", "small", "bad")
        self._problem_words.setObjectName(f"problem_{sampler.name}")
        self._problem = _problem_line(self._problem_words)
        self._arrange()

    def _field(self, param: Param) -> ParamField:
        field = param_field(param, self.sampler.title, self)
        field.edited.connect(self.edited)
        field.checked.connect(self._checked)
        return field

    # ------------------------------------------------------------ what it shows

    def show_view(self, view: RowView) -> None:
        """Show values and state; nothing is emitted."""
        quiet = view.state == "neutral"
        for field in self.fields:
            value = view.values[field.param.name]
            source = view.sources.get(field.param.name, "")
            field.show(seed_shown(value) if field.param.name == "seed" else value, source, quiet)
        self._state.set_state(view.state)
        self._number.setText(str(view.number) if view.number else "")
        set_state(self._name, "tone", "text2" if quiet else "text")
        self._meaning.setText(view.why)
        self._remove.setVisible(view.removable and self._place != "absent")
        self._explain(view)
        if view.differs != self._differs:
            self._differs = view.differs
            self.update()

    @property
    def problem(self) -> str:
        """The first value that is not allowed, in a sentence; empty when all are."""
        return next((field.problem for field in self.fields if field.problem), "")

    def focus_first(self) -> None:
        """Put the focus into the first field, or on the grip."""
        target = self.fields[0].widget if self.fields else self.grip
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def tab_stops(self) -> list[QWidget]:
        """The widgets of the row in the order of Tab."""
        return [self.grip, *[field.widget for field in self.fields], self._remove]

    # ------------------------------------------------------------ Qt's virtual functions

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        movable = self._place == "step"
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier and movable:
            self.moved.emit(step)
        elif step and not event.modifiers():
            self.walked.emit(step)
        elif event.key() == Qt.Key.Key_Delete and self._remove.isVisible():
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        if self._differs:
            painter = QPainter(self)
            painter.fillRect(0, 0, _BAR, self.height(), theme().color("accent"))
            painter.end()

    # ------------------------------------------------------------ inside

    def _checked(self) -> None:
        problem = self.problem
        self._problem.setVisible(bool(problem))
        self._problem_words.setText(problem)
        self.checked.emit()

    def _explain(self, view: RowView) -> None:
        where = f"step {view.number} of {view.count}, " if view.number else ""
        differs = ", differs from the first lane" if view.differs else ""
        self.setAccessibleName(f"{self.sampler.name}, {where}{STATE_WORDS[view.state]}{differs}")
        self.setAccessibleDescription(view.why)
        self.grip.setAccessibleName(f"Move {self.sampler.name}, {where}Alt and arrow keys".strip())
        self.grip.setToolTip("Drag to move, or Alt Up and Alt Down")
        narrow = self._density == "narrow"
        self._name.setToolTip(view.why if narrow else self.sampler.meaning)
        self.setToolTip(view.why if narrow else "")

    # ------------------------------------------------------------ layout by density

    def _arrange(self) -> None:
        px = theme().px
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, px(7), px(8), px(7))
        outer.setSpacing(px(4))
        head = QHBoxLayout()
        head.setSpacing(px(8))
        outer.addLayout(head)
        if self._density == "narrow":
            self._arrange_narrow(head, outer)
        else:
            self._arrange_columns(head)
        outer.addWidget(self._problem)
        if self._place != "step":
            policy = self.grip.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            self.grip.setSizePolicy(policy)
            self.grip.hide()

    def _arrange_narrow(self, head: QBoxLayout, outer: QBoxLayout) -> None:
        """One value beside the name, several one a line below it; the meaning in the tool tip."""
        px = theme().px
        self._number.hide()
        self._meaning.hide()
        self._state.set_wordless(True)
        for widget in (self.grip, self._state, self._name):
            head.addWidget(widget)
        head.addStretch(1)
        below = self._labelled() if self._place != "draw" else self.fields
        for field in self.fields[: len(self.fields) - len(below)]:
            self._size(field, _NARROW_FIELD)
            head.addWidget(field.widget)
        head.addWidget(self._keep_space(self._remove))
        for field in below:
            line = QHBoxLayout()
            line.setContentsMargins(px(48), 0, px(36), 0)
            line.addWidget(field.label, 1)
            self._size(field, _NARROW_FIELD)
            line.addWidget(field.widget)
            outer.addLayout(line)

    def _arrange_columns(self, head: QBoxLayout) -> None:
        px, top = theme().px, Qt.AlignmentFlag.AlignTop
        self._number.setFixedSize(px(16), px(28))
        self._name.setFixedSize(px(_NAME if self._density != "compact" else _SHORT_NAME), px(28))
        self._state.set_wordless(self._density in ("snug", "compact"))
        for widget in (self.grip, self._number, self._name):
            head.addWidget(widget, 0, top)
        body = QVBoxLayout()
        body.setSpacing(px(4))
        head.addLayout(body, 1)
        self._arrange_body(body)
        head.addWidget(self._state, 0, top)
        head.addWidget(self._keep_space(self._remove), 0, top)

    def _arrange_body(self, body: QBoxLayout) -> None:
        """One value and its meaning in one line; several values in lines or a grid above it."""
        px, compact = theme().px, self._density == "compact"
        line = QHBoxLayout()
        line.setSpacing(px(12))
        labelled = self._labelled()
        if len(self.fields) == 1 and not compact and isinstance(self.fields[0].widget, ValueField):
            self._add_to_line(line, self.fields[0], bool(labelled))
            line.addWidget(self._meaning, 1)
            body.addLayout(line)
            return
        if len(labelled) < len(self.fields):
            beside = 1 if compact else 3
            for field in self.fields[:beside]:
                self._add_to_line(line, field, field in labelled)
            line.addStretch(1)
            body.addLayout(line)
            self._add_grid(body, self.fields[beside:])
        else:
            self._add_grid(body, self.fields)
        body.addWidget(self._meaning)

    def _labelled(self) -> list[ParamField]:
        """The fields that need their name: not the one that has the sampler's."""
        plain = self._place != "draw" and (
            len(self.fields) == 1
            or (self.params[:1] and self.params[0].title == self.sampler.title)
        )
        if plain:
            self.fields[0].label.hide()
            return self.fields[1:]
        return self.fields

    def _add_to_line(self, line: QBoxLayout, field: ParamField, named: bool) -> None:
        pair = QHBoxLayout()
        pair.setSpacing(theme().px(6))
        if named:
            pair.addWidget(field.label)
        self._size(field, _FIELD)
        pair.addWidget(field.widget)
        line.addLayout(pair)

    def _add_grid(self, body: QBoxLayout, fields: list[ParamField]) -> None:
        if not fields:
            return
        px = theme().px
        across = 1 if self._density == "compact" else 2
        grid = QGridLayout()
        grid.setHorizontalSpacing(px(8))
        grid.setVerticalSpacing(px(4))
        column = row = 0
        for field in fields:
            long = not isinstance(field.widget, ValueField)
            if long and column:
                column, row = 0, row + 1
            field.label.setMinimumWidth(px(_LABEL))
            self._size(field, _GRID_FIELD)
            if long and across == 1:  # the text needs the whole line
                grid.addWidget(field.label, row, 0, 1, 2)
                grid.addWidget(field.widget, row + 1, 0, 1, 2)
                row += 2
                continue
            grid.addWidget(field.label, row, 2 * column)
            left = Qt.AlignmentFlag.AlignLeft if not long else Qt.AlignmentFlag(0)
            grid.addWidget(field.widget, row, 2 * column + 1, 1, 3 if long else 1, left)
            column += 1
            if column >= across or long:
                column, row = 0, row + 1
        grid.setColumnStretch(2 * across - (1 if across == 1 else 0), 1)
        body.addLayout(grid)

    @staticmethod
    def _size(field: ParamField, width: int) -> None:
        if isinstance(field.widget, ValueField):
            field.widget.set_width(width)

    @staticmethod
    def _keep_space(widget: QWidget) -> QWidget:
        policy = widget.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        widget.setSizePolicy(policy)
        return widget


def _problem_line(words: QWidget) -> QFrame:
    """The red sentence under a row."""
    px = theme().px
    line = QFrame()
    row = QHBoxLayout(line)
    row.setContentsMargins(px(16), 0, 0, 0)
    row.setSpacing(px(6))
    row.addWidget(IconLabel("circle-alert", "bad", 14), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(words, 1)
    line.hide()
    return line
