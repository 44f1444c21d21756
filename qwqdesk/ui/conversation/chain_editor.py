"""The chain editor of a lane: warnings, the steps with their values, what is left out, the rest.

It stands in its lane between head and text. Every change goes through the lane's `ChainModel`, so
that it can be undone and the head shows it too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from qwqdesk.sampling.samplers import sampler_named
from qwqdesk.ui.base import announce, retire
from qwqdesk.ui.conversation.chain_drag import RowDrag
from qwqdesk.ui.conversation.chain_foot import ChainFoot
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_parts import ChainContent
from qwqdesk.ui.conversation.chain_row import Place, RowDensity, StepRow
from qwqdesk.ui.conversation.chain_view import ChainView, chain_view, draw_params, row_params
from qwqdesk.ui.theme import theme

_HYSTERESIS = 8
_LIMITS: tuple[tuple[int, RowDensity], ...] = (
    (760, "wide"),
    (600, "normal"),
    (515, "snug"),
    (370, "compact"),
)


def density_for(width: int, present: RowDensity | None = None) -> RowDensity:
    """How the rows fit a width in pixels; the present one holds for 8 px more.

    Larger text needs more room: the limits grow with the text size.
    """
    at_full_size = width * 100 / theme().percent
    for limit, density in _LIMITS:
        if at_full_size >= limit + (0 if present is None else _margin(present, density)):
            return density
    return "narrow"


def _margin(present: RowDensity, density: RowDensity) -> int:
    """Shrinking needs 8 px less than growing needed."""
    order = ("narrow", "compact", "snug", "normal", "wide")
    return -_HYSTERESIS if order.index(present) >= order.index(density) else 0


class ChainEditor(QFrame):
    """Real widgets for every step. `chainChanged` carries the `SamplerChain` the user made."""

    chainChanged = Signal(object)  # noqa: N815 - a signal, named as Qt names them
    problemChanged = Signal(str)  # noqa: N815

    def __init__(self, model: ChainModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chainEditor")
        self.setAccessibleName("Sampler chain")
        self.setProperty("ground", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        # Own, so that the layout of a wide density does not keep the editor from shrinking.
        self.setMinimumWidth(theme().px(240))
        self._model = model
        self._density: RowDensity | None = None
        self._rows: dict[str, StepRow] = {}
        self._absent: dict[str, StepRow] = {}
        self._draw: StepRow | None = None
        self._drag: RowDrag | None = None
        self._problem = ""
        self._area = QScrollArea()
        self._area.setObjectName("chainArea")
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(self._area, 1)
        self._foot: ChainFoot | None = None
        self._content = self._new_content(narrow=False, opened=False)
        self._fill("normal")
        model.changed.connect(self.refresh)
        self._percent = theme().percent
        theme().changed.connect(self._theme_changed)
        model.edited.connect(self.chainChanged)
        model.told.connect(self._announce)
        _shortcut(self, QKeySequence.StandardKey.Undo, model.undo)
        _shortcut(self, QKeySequence.StandardKey.Redo, model.redo)

    # ------------------------------------------------------------ for the lane

    @property
    def model(self) -> ChainModel:
        return self._model

    @property
    def problem(self) -> str:
        """The first value that is not allowed, in a sentence; empty when all are."""
        return self._problem

    def show_step(self, name: str) -> None:
        """Scroll to a step and put the focus into its first field; any other name: to the top."""
        row = self._rows.get(name) or self._absent.get(name)
        if row is None and self._draw is not None and name in (self._draw.sampler.name, "seed"):
            row = self._draw
        if row is None:
            self._area.verticalScrollBar().setValue(0)
            return
        row.focus_first()
        self._area.ensureWidgetVisible(row)

    def refresh(self) -> None:
        """Show the model's values; rows stay, so the focus stays."""
        view = chain_view(self._model.resolved, self._model.reference)
        self._content.bands.show_warnings(view.warnings)
        narrow = self._density == "narrow"
        summary = view.short_summary if narrow else view.summary
        self._content.head.show_words("Chain, first to last", summary)
        self._show_steps(view)
        self._show_draw(view)
        self._show_absent(view)
        self._content.more.show_values(self._model.resolved)
        self._order_tabs()
        self._check()

    # ------------------------------------------------------------ Qt's virtual functions

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        wanted = density_for(self.width(), self._density)
        if wanted != self._density:
            self._build(wanted)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            self._drag.cancel()
        elif event.key() == Qt.Key.Key_Insert:
            self._content.add.open_menu()
        else:
            super().keyPressEvent(event)

    def _theme_changed(self) -> None:
        """Another text size needs other measures everywhere."""
        if theme().percent != self._percent:
            self._percent = theme().percent
            self.setMinimumWidth(theme().px(240))
            self._build(self._density or "normal")

    # ------------------------------------------------------------ building

    def _build(self, density: RowDensity) -> None:
        """All parts anew for a density; the values are in the model."""
        narrow = density in ("compact", "narrow")
        self._content = self._new_content(narrow, self._content.more.opened)
        self._fill(density)

    def _fill(self, density: RowDensity) -> None:
        """Show the content, which deletes the one before, and make its rows."""
        narrow = density in ("compact", "narrow")
        self._density = density
        self.setProperty("density", density)
        self._rows, self._absent, self._draw = {}, {}, None
        self._area.setWidget(self._content)
        self._replace_foot(ChainFoot(self._model, narrow))
        self.refresh()

    def _new_content(self, narrow: bool, opened: bool) -> ChainContent:
        content = ChainContent(self._model, narrow=narrow, opened=opened)
        content.more.edited.connect(self._edit)
        content.more.checked.connect(self._check)
        return content

    def _replace_foot(self, foot: ChainFoot) -> None:
        if self._foot is not None:
            self._layout.removeWidget(self._foot)
            retire(self._foot)
        self._foot = foot
        self._layout.addWidget(foot)

    def _row(self, name: str, place: Place) -> StepRow:
        params = draw_params(name) if place == "draw" else row_params(name, self._model.chain)
        row = StepRow(sampler_named(name), params, place, self._density or "normal")
        row.edited.connect(self._edit)
        row.checked.connect(self._check)
        row.moved.connect(lambda places: self._move(name, places))
        row.removed.connect(lambda: self._remove(name))
        row.walked.connect(lambda step: self._walk(row, step))
        row.grip.dragged.connect(lambda event: self._dragged(row, event))
        row.grip.released_at.connect(lambda _: self._drag.drop() if self._drag else None)
        return row

    # ------------------------------------------------------------ showing

    def _show_steps(self, view: ChainView) -> None:
        for name, old in list(self._rows.items()):
            if name not in view.steps or old.params != row_params(name, self._model.chain):
                _take_away(self._content.steps, self._rows.pop(name))
        for index, (name, shown) in enumerate(view.steps.items()):
            row = self._rows.get(name)
            if row is None:
                row = self._rows[name] = self._row(name, "step")
            if self._content.steps.indexOf(row) != index:
                self._content.steps.removeWidget(row)
                self._content.steps.insertWidget(index, row)
            row.show_view(shown)

    def _show_draw(self, view: ChainView) -> None:
        if self._draw is not None and self._draw.sampler.name != view.draw_name:
            _take_away(self._content.steps, self._draw)
            self._draw = None
        if self._draw is None:
            self._draw = self._row(view.draw_name, "draw")
        self._content.steps.removeWidget(self._draw)
        self._content.steps.addWidget(self._draw)
        self._draw.show_view(view.draw)

    def _show_absent(self, view: ChainView) -> None:
        for name in [name for name in self._absent if name not in view.absent]:
            _take_away(self._content.absent, self._absent.pop(name))
        for name, shown in view.absent.items():
            if name not in self._absent:
                self._absent[name] = self._row(name, "absent")
                self._content.absent.addWidget(self._absent[name])
            self._absent[name].show_view(shown)
        count = view.values_without_effect
        words = f"{count} value{'s' if count != 1 else ''} without effect"
        words = str(count) if self._density == "narrow" else words
        self._content.absent_head.setVisible(bool(view.absent))
        self._content.absent_head.show_words("Set, but not in the chain", words, warn=True)

    def _check(self) -> None:
        rows = [*self._rows.values(), *self._absent.values()]
        rows += [self._draw] if self._draw is not None else []
        problems = [*(row.problem for row in rows), self._content.more.problem]
        problem = next((text for text in problems if text), "")
        if problem != self._problem:
            self._problem = problem
            self.problemChanged.emit(problem)

    def _order_tabs(self) -> None:
        stops: list[QWidget] = []
        for name in self._model.chain.samplers:
            if name in self._rows:
                stops += self._rows[name].tab_stops()
        stops += self._draw.tab_stops() if self._draw else []
        stops.append(self._content.add.button)
        for row in self._absent.values():
            stops += row.tab_stops()
        stops += self._content.more.tab_stops()
        stops += self._foot.tab_stops() if self._foot is not None else []
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

    # ------------------------------------------------------------ the user's acts

    def _edit(self, name: str, value: object) -> None:
        self._model.set_values({name: value})  # type: ignore[dict-item]

    def _move(self, name: str, places: int) -> None:
        self._model.move_step(name, self._model.chain.samplers.index(name) + places)
        self._area.ensureWidgetVisible(self._rows[name])

    def _remove(self, name: str) -> None:
        order = list(self._rows)
        index = list(self._model.chain.samplers).index(name) if name in order else 0
        self._model.remove_step(name)
        left = [step for step in self._model.chain.samplers if step in self._rows]
        target = (
            self._rows[left[min(index, len(left) - 1)]].grip if left else self._content.add.button
        )
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def _walk(self, row: StepRow, step: int) -> None:
        rows = [self._rows[name] for name in self._model.chain.samplers if name in self._rows]
        if row in rows:
            index = rows.index(row) + step
            if 0 <= index < len(rows):
                rows[index].grip.setFocus(Qt.FocusReason.TabFocusReason)
                self._area.ensureWidgetVisible(rows[index])

    def _dragged(self, row: StepRow, event: QMouseEvent) -> None:
        if self._drag is None:
            rows = [self._rows[name] for name in self._model.chain.samplers if name in self._rows]
            self._drag = RowDrag(row, rows, self._area, self._content)
            self._drag.dropped.connect(lambda index: self._model.move_step(row.sampler.name, index))
            self._drag.ended.connect(self._drag_ended)
        self._drag.move_to(QPointF(event.globalPosition()))

    def _announce(self, words: str) -> None:
        announce(self, words)

    def _drag_ended(self) -> None:
        self._drag = None


def _shortcut(editor: QWidget, keys: QKeySequence.StandardKey, act: Callable[[], None]) -> None:
    shortcut = QShortcut(QKeySequence(keys), editor)
    shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    shortcut.activated.connect(act)


def _take_away(layout: QVBoxLayout, row: StepRow) -> None:
    layout.removeWidget(row)
    retire(row)
