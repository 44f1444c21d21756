"""The rows of a chain editor: they come and go with the chain, are walked, dragged, removed."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from qwqdesk.sampling.samplers import sampler_named
from qwqdesk.ui.base import retire
from qwqdesk.ui.conversation.chain_drag import RowDrag
from qwqdesk.ui.conversation.chain_model import ChainEdits
from qwqdesk.ui.conversation.chain_parts import ChainContent
from qwqdesk.ui.conversation.chain_row import Place, RowDensity, StepRow
from qwqdesk.ui.conversation.chain_view import ChainView, draw_params, row_params


class ChainRows(QObject):
    """Real widgets for every step of one chain. `checked`: a value may be allowed now, or not."""

    checked = Signal()

    def __init__(
        self, model: ChainEdits, content: ChainContent, area: QScrollArea, density: RowDensity
    ) -> None:
        super().__init__(content)
        self._model, self._content, self._area = model, content, area
        self._density: RowDensity = density
        self._rows: dict[str, StepRow] = {}
        self._absent: dict[str, StepRow] = {}
        self._draw: StepRow | None = None
        self._drag: RowDrag | None = None

    # ------------------------------------------------------------ for the editor

    def show_view(self, view: ChainView) -> None:
        """Show a chain; rows stay, so the focus stays."""
        self._show_steps(view)
        self._show_draw(view)
        self._show_absent(view)

    def named(self, name: str) -> StepRow | None:
        """The row of a step, or of the one that draws, which also has the seed."""
        row = self._rows.get(name) or self._absent.get(name)
        if row is None and self._draw is not None and name in (self._draw.sampler.name, "seed"):
            row = self._draw
        return row

    @property
    def problem(self) -> str:
        """The first value that is not allowed, in a sentence."""
        rows = [*self._rows.values(), *self._absent.values()]
        rows += [self._draw] if self._draw is not None else []
        return next((row.problem for row in rows if row.problem), "")

    def tab_stops(self) -> list[QWidget]:
        """The order of Tab, with the button that adds a step."""
        stops: list[QWidget] = []
        for row in self._in_order():
            stops += row.tab_stops()
        stops += self._draw.tab_stops() if self._draw else []
        stops.append(self._content.add.button)
        for row in self._absent.values():
            stops += row.tab_stops()
        return stops

    def cancel_drag(self) -> bool:
        """End a drag where it began; False when there is none."""
        if self._drag is None:
            return False
        self._drag.cancel()
        return True

    # ------------------------------------------------------------ showing

    def _row(self, name: str, place: Place) -> StepRow:
        params = draw_params(name) if place == "draw" else row_params(name, self._model.chain)
        row = StepRow(sampler_named(name), params, place, self._density)
        row.edited.connect(self._edit)
        row.checked.connect(self.checked)
        row.moved.connect(lambda places: self._move(name, places))
        row.removed.connect(lambda: self._remove(name))
        row.walked.connect(lambda step: self._walk(row, step))
        row.grip.dragged.connect(lambda event: self._dragged(row, event))
        row.grip.released_at.connect(lambda _: self._drag.drop() if self._drag else None)
        return row

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

    # ------------------------------------------------------------ the user's acts

    def _in_order(self) -> list[StepRow]:
        return [self._rows[name] for name in self._model.chain.samplers if name in self._rows]

    def _edit(self, name: str, value: object) -> None:
        self._model.set_values({name: value})  # type: ignore[dict-item]

    def _move(self, name: str, places: int) -> None:
        self._model.move_step(name, self._model.chain.samplers.index(name) + places)
        self._area.ensureWidgetVisible(self._rows[name])

    def _remove(self, name: str) -> None:
        order = list(self._rows)
        index = list(self._model.chain.samplers).index(name) if name in order else 0
        self._model.remove_step(name)
        left = self._in_order()
        target = left[min(index, len(left) - 1)].grip if left else self._content.add.button
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def _walk(self, row: StepRow, step: int) -> None:
        rows = self._in_order()
        if row in rows:
            index = rows.index(row) + step
            if 0 <= index < len(rows):
                rows[index].grip.setFocus(Qt.FocusReason.TabFocusReason)
                self._area.ensureWidgetVisible(rows[index])

    def _dragged(self, row: StepRow, event: QMouseEvent) -> None:
        if self._drag is None:
            self._drag = RowDrag(row, self._in_order(), self._area, self._content)
            self._drag.dropped.connect(lambda index: self._model.move_step(row.sampler.name, index))
            self._drag.ended.connect(self._drag_ended)
        self._drag.move_to(QPointF(event.globalPosition()))

    def _drag_ended(self) -> None:
        self._drag = None


def _take_away(layout: QVBoxLayout, row: StepRow) -> None:
    layout.removeWidget(row)
    retire(row)
