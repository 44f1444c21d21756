"""The lanes side by side, 1 to 4 of them; below 300 px of width each they scroll sideways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from qwqdesk.conversation import LANE_LABELS
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.resolve import draw_seed, parse_model_sampling
from qwqdesk.ui.base import Hairline
from qwqdesk.ui.conversation.lane import MIN_WIDTH, Lane
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.theme import theme

MAX_LANES = len(LANE_LABELS)


class LanesView(QScrollArea):
    """Lanes of equal width with hairlines between them. The first is what others compare with."""

    made = Signal(object)  # a new Lane, to be connected
    compared = Signal()  # lanes or their settings are others

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lanesView")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._desk = desk
        self._prefix = ""
        self.own_seeds = False
        self.lanes: list[Lane] = []
        self._content = QWidget()
        self._row = QHBoxLayout(self._content)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._lines: list[Hairline] = []
        self.setWidget(self._content)
        desk.recipes_changed.connect(self._offer_recipes)

    # ------------------------------------------------------------ lanes

    def set_setups(self, setups: Sequence[LaneSetup]) -> None:
        """Replace all lanes."""
        for lane in self.lanes:
            self._discard(lane)
        self.lanes = [self._make(setup) for setup in _with_labels(setups)]
        self.own_seeds = len(set(self.seeds())) > 1
        self._place()

    def setups(self) -> list[LaneSetup]:
        """What will run."""
        return [lane.setup for lane in self.lanes]

    def add(self, like: Lane | None = None) -> Lane | None:
        """A lane with the settings of another one (the last); None when there are four."""
        if len(self.lanes) >= MAX_LANES:
            return None
        used = {lane.label for lane in self.lanes}
        label = next(name for name in LANE_LABELS if name not in used)
        lane = self._make(replace((like or self.lanes[-1]).setup, label=label))
        self.lanes.append(lane)
        if self.own_seeds:
            lane.model.set_run_seed(draw_seed())
        self._place()
        if self.editors_open:
            self._row.activate()  # the editor is built for the width that the lane gets
            lane.fit()
            lane.show_editor(True)
            lane.body.match_editor(self.lanes[-2].body)
        return lane

    def remove(self, lane: Lane) -> None:
        """Take a lane away."""
        self.lanes.remove(lane)
        self._discard(lane)
        self._place()

    def set_shown(self, shown: bool) -> None:
        """Only lanes on the screen carry the names that scripts look for."""
        self._prefix = "" if shown else "background_"
        self._name()

    def problem(self) -> str:
        """Which lane cannot run, and why; empty when all can."""
        found = ((lane.label, lane.body.problem) for lane in self.lanes)
        return next((f"Lane {label}: {problem}" for label, problem in found if problem), "")

    # ------------------------------------------------------------ what they share

    @property
    def seed(self) -> int:
        """The first lane's seed."""
        return self.lanes[0].model.chain.integer("seed") if self.lanes else -1

    def seeds(self) -> list[int]:
        """Every lane's seed."""
        return [lane.model.chain.integer("seed") for lane in self.lanes]

    def set_seed(self, seed: int) -> None:
        """One seed for all lanes; -1 draws one with each run."""
        self.own_seeds = False
        for lane in self.lanes:
            lane.model.set_run_seed(seed)

    def draw_own_seeds(self) -> None:
        """A seed of its own for every lane, also for those that are added."""
        self.own_seeds = True
        for lane in self.lanes:
            lane.model.set_run_seed(draw_seed())

    @property
    def editors_open(self) -> bool:
        """Whether any chain editor is open."""
        return any(lane.body.editor_open for lane in self.lanes)

    def show_editors(self, shown: bool) -> None:
        """Open or close the chain editors of all lanes."""
        for lane in self.lanes:
            lane.show_editor(shown)

    def apply_settings(self) -> None:
        """Reasoning open or folded, and the model's own sampling values."""
        settings, loaded = self._desk.settings, self._desk.model
        values = None
        if settings.use_model_sampling and loaded is not None:
            values = parse_model_sampling(loaded.model.metadata).values or None
        for lane in self.lanes:
            lane.output.reasoning_shown = settings.show_reasoning_open
            lane.model.set_usual(self._desk.usual_rules())
            if lane.setup.model_values != values:
                lane.model.set_setup(replace(lane.setup, model_values=values))
        self.compare_with_first()

    def compare_with_first(self) -> None:
        """Every lane but the first says what it does differently."""
        for index, lane in enumerate(self.lanes):
            first = self.lanes[0].model if index else None
            lane.model.set_reference(first.chain if first else None, first.setup if first else None)
        self.compared.emit()

    # ------------------------------------------------------------ inside

    def _offer_recipes(self) -> None:
        known = self._desk.recipes_by_id()
        for lane in self.lanes:
            lane.head.set_recipes(self._desk.recipes)
            recipe = lane.setup.recipe
            now = known.get(recipe.id) if recipe is not None else None
            if now is not None:
                lane.model.rename_recipe(now)

    def _make(self, setup: LaneSetup) -> Lane:
        lane = Lane(setup, self._desk)
        lane.output.reasoning_shown = self._desk.settings.show_reasoning_open
        lane.model.set_usual(self._desk.usual_rules())
        lane.setup_changed.connect(lambda *_: self.compare_with_first())
        lane.seed_wanted.connect(self.set_seed)
        self.made.emit(lane)
        return lane

    def _discard(self, lane: Lane) -> None:
        self._row.removeWidget(lane)
        lane.hide()
        lane.deleteLater()

    def _place(self) -> None:
        for line in self._lines:
            self._row.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines.clear()
        for lane in self.lanes:
            self._row.removeWidget(lane)
        for number, lane in enumerate(self.lanes):
            if number:
                self._lines.append(Hairline(Qt.Orientation.Vertical))
                self._row.addWidget(self._lines[-1])
            self._row.addWidget(lane, 1)
            lane.setMinimumWidth(theme().px(MIN_WIDTH))
            lane.show()
        self._name()
        self.compare_with_first()

    def _name(self) -> None:
        for index, lane in enumerate(self.lanes):
            lane.set_place(index, len(self.lanes), self._prefix)


def _with_labels(setups: Sequence[LaneSetup]) -> list[LaneSetup]:
    """The setups with letters of lanes, each once; more than four are left out."""
    free = list(LANE_LABELS)
    result: list[LaneSetup] = []
    for setup in setups[:MAX_LANES]:
        label = setup.label if setup.label in free else free[0]
        free.remove(label)
        result.append(replace(setup, label=label))
    return result
