"""One experiment: what is asked, of which lanes, and how often each check held."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.analysis.rates import Rate
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_result import ExperimentResult, Trial
from qwqdesk.experiment_run import MAX_REPEATS
from qwqdesk.ui.base import (
    Badge,
    ElideLabel,
    Hairline,
    IconButton,
    PickerButton,
    ValueField,
    button,
    label,
    wrapping_label,
)
from qwqdesk.ui.lab.folded_text import FoldedText
from qwqdesk.ui.lab.lane_rows import LaneRows
from qwqdesk.ui.lab.result_table import ResultTable
from qwqdesk.ui.lab.trials_line import TrialsLine
from qwqdesk.ui.model_picker import file_title
from qwqdesk.ui.theme import theme

_COLUMN = 900
_NARROW = 560  # px: with less, the words and the buttons of the counts stand in two rows
_REPEATS = 20
_MOST_SEEDS = 40  # in a menu
_NOTHING_YET = "No results yet. Every seed runs each lane once; these runs are not saved as chats."
_MEANING = (
    "The range behind a count is its 95 % interval: the true share lies in it, as far as so few "
    "runs can tell. Where the ranges of two lanes overlap, their difference may be chance."
)
_NO_CHECKS = (
    "This experiment has no checks. Run the comparison and read it; checks are added where a "
    "comparison is saved as an experiment."
)


class ExperimentView(QScrollArea):
    """The right side of the lab.

    `run_wanted` carries the seed of one comparison to read, `repeat_wanted` how many seeds to
    count; the others say what they are.
    """

    run_wanted = Signal(object)  # an int; Qt's own has 31 bits, a seed 32
    repeat_wanted = Signal(int)
    stop_wanted = Signal()
    forget_wanted = Signal()
    model_wanted = Signal()
    menu_wanted = Signal(object)  # the button to open it at

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("experimentView")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._experiment: Experiment | None = None
        self._result: ExperimentResult | None = None
        self._open_seed = 0
        self._failed: tuple[Trial, ...] = ()
        self._make_parts()
        self._lay_out()

    def _make_parts(self) -> None:
        self._title = ElideLabel("", "title")
        self._title.setObjectName("experimentTitle")
        self._badge = Badge(name="experimentBadge")
        self._run = button(
            "Run comparison", "play", "primary", name="runExperimentButton",
            clicked=lambda: self.run_wanted.emit(self._seed()),
        )  # fmt: skip
        self._run.setToolTip("Run all lanes once and read them side by side")
        self._more = IconButton("ellipsis", "More about this experiment", name="experimentMore")
        self._more.clicked.connect(lambda *_: self.menu_wanted.emit(self._more))
        self._about = wrapping_label("", "body", "text2")
        self._prompt = FoldedText("experimentPrompt")
        self._lanes = LaneRows()
        self._table = ResultTable()
        self._table.cell_chosen.connect(self._explain)
        self._detail = wrapping_label("", "small", "text2")
        self._detail.setObjectName("resultDetail")
        self._open = button("Open this run", "columns-2", small=True, name="openTrialButton")
        self._open.clicked.connect(lambda *_: self.run_wanted.emit(self._open_seed))
        self._others = IconButton("chevron-down", "Open another seed", name="otherTrialsButton")
        self._others.clicked.connect(self._open_others)
        self._model = PickerButton("", framed=True, icon_name="cpu", name="labModel")
        self.model_menu = QMenu(self._model)
        self.model_menu.setObjectName("labModelMenu")
        self._model.setMenu(self.model_menu)
        self._count = ValueField("Seeds", 1, MAX_REPEATS, 1, whole=True, name="repeatsField")
        self._count.show_value(_REPEATS)
        self._repeat = button(
            "Run at many seeds", "repeat-2", small=True, name="repeatExperimentButton",
            clicked=lambda: self.repeat_wanted.emit(int(self._count.in_force)),
        )  # fmt: skip
        self._stop = button(
            "Stop", "square", "stop", small=True, name="stopTrialsButton",
            clicked=self.stop_wanted.emit,
        )  # fmt: skip
        self._forget = button(
            "Start anew", "rotate-ccw", "flat", small=True, name="forgetResultButton",
            clicked=self.forget_wanted.emit,
        )  # fmt: skip
        self._progress = TrialsLine()
        self._choose = button(
            "Choose model", "cpu", small=True, name="labChooseModel",
            clicked=self.model_wanted.emit,
        )  # fmt: skip
        self._meaning = wrapping_label("", "small", "text2")
        self._meaning.setObjectName("countsMeaning")

    def _lay_out(self) -> None:
        px = theme().px
        content = QWidget()
        content.setMaximumWidth(px(_COLUMN))
        column = QVBoxLayout(content)
        column.setContentsMargins(px(16), px(16), px(16), px(24))
        column.setSpacing(px(8))
        column.addLayout(_row(self._title, self._badge, None, self._run, self._more))
        column.addWidget(self._about)
        for caption, part in (("Prompt", self._prompt), ("Lanes", self._lanes)):
            column.addSpacing(px(8))
            column.addWidget(label(caption, "group", "text2"))
            column.addWidget(part)
        column.addSpacing(px(8))
        column.addWidget(label("Model", "group", "text2"))
        column.addLayout(_row(self._model, None))
        column.addSpacing(px(8))
        column.addWidget(Hairline())
        column.addSpacing(px(4))
        self._counting = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._counting.setSpacing(px(8))
        self._counting.addWidget(label("How often each check holds", "strong"))
        self._counting.addStretch(1)
        self._seeds = label("Seeds", "small", "text2")
        acts = _row(self._forget, self._seeds, self._count, self._repeat, self._stop)
        self._counting.addLayout(acts)
        self._counting.setAlignment(acts, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self._counting)
        column.addLayout(_row(self._progress, self._choose))
        column.addWidget(self._table)
        column.addWidget(self._meaning)
        column.addLayout(_row(self._detail, self._open, self._others))
        column.addStretch(1)
        outer = QWidget()
        row = QHBoxLayout(outer)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(content, 1000)
        row.addStretch(1)
        self.setWidget(outer)
        self.viewport().setAutoFillBackground(False)
        outer.setAutoFillBackground(False)

    # ------------------------------------------------------------ content

    def show_experiment(self, one: Experiment, result: ExperimentResult) -> None:
        """Show an experiment with what is known of it."""
        changed = one != self._experiment
        self._experiment = one
        self._title.setText(one.title)
        self._badge.set_badge("neutral", "", "Built in" if one.builtin else "Yours")
        self._about.setText(one.about)
        self._about.setVisible(bool(one.about))
        if changed:
            self._prompt.set_text(one.prompt)
            self._lanes.show_lanes(one.setups())
            self._table.clearSelection()
            self._say("", ())
        self.show_result(result)

    def show_result(self, result: ExperimentResult) -> None:
        """The trials that are over."""
        self._result = result
        checks = bool(result.experiment.checks)
        self._table.show_result(result)
        self._table.setVisible(checks)
        self._meaning.setText(_meaning(result))
        self._forget.setVisible(bool(result.trials) and not self._stop.isVisibleTo(self))

    def show_model(self, models: Sequence[Path | None], *, chosen: bool, own: bool) -> None:
        """On which files the lanes run, and so which model the counts are of.

        `chosen`: the model was chosen here; else it is whatever is loaded. `own`: every lane has a
        model of its own, so that there is nothing to choose.
        """
        titles = list(dict.fromkeys(file_title(path) for path in models if path is not None))
        words = " and ".join(titles) or "No model is loaded"
        self._model.set_text(words, "" if chosen or own or not titles else "loaded")
        self._model.setAccessibleName(f"Model: {words}")
        self._model.setEnabled(not own)

    def show_state(
        self, *, running: bool, words: str, ready: bool, share: float | None, no_model: bool
    ) -> None:
        """Whether trials run (of this experiment), and whether there is a model to run on.

        `share` is that of the trials that are over, 0 to 1; None while none run.
        """
        counts = self._experiment is not None and bool(self._experiment.checks)
        self._stop.setVisible(running)
        self._repeat.setVisible(not running and counts)
        self._repeat.setEnabled(ready)
        self._run.setEnabled(ready and not running)
        for part in (self._count, self._seeds):
            part.setVisible(counts)
        self._count.setEnabled(not running)
        self.model_menu.setEnabled(not running)
        self._forget.setVisible(not running and bool(self._result and self._result.trials))
        self._progress.show_words(words, share)
        self._choose.setVisible(no_model)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        narrow = event.size().width() < theme().px(_NARROW)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._counting.setDirection(down if narrow else across)
        super().resizeEvent(event)

    # ------------------------------------------------------------ inside

    def _seed(self) -> int:
        return self._experiment.seed if self._experiment is not None else 1

    def _explain(self, lane: str, check: int | None) -> None:
        """At which seeds a check did not hold in a lane, and why."""
        if self._result is None:
            return
        failed = [
            trial
            for trial in self._result.trials
            if trial.lane == lane
            and (trial.passed if check is None else trial.verdicts[check].passed) is False
        ]
        if not failed:
            self._say(_held(lane, self._result.rate(lane, check)), ())
            return
        rows = []
        for trial in failed[:12]:
            words = [v.words for n, v in enumerate(trial.verdicts) if check in (None, n)]
            rows.append(f"seed {trial.seed}: {', '.join(words)}")
        more = f"; {len(failed) - 12} more" if len(failed) > 12 else ""
        self._say(f"Lane {lane} did not pass at {'; '.join(rows)}{more}.", failed)

    def _say(self, text: str, failed: Sequence[Trial]) -> None:
        """What is known of a cell, and the trials that can be opened."""
        self._detail.setText(text)
        self._failed = tuple(failed)
        self._open.setVisible(bool(failed))
        self._others.setVisible(len(failed) > 1)
        if failed:
            seed = self._open_seed = failed[0].seed
            self._open.setText(f"Open seed {seed}")
            self._open.setAccessibleName(f"Run seed {seed} as a comparison")

    def _open_others(self) -> None:
        """The seeds that did not pass, with why."""
        menu = QMenu(self)
        menu.setObjectName("otherTrialsMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for trial in self._failed[:_MOST_SEEDS]:
            words = [v.words for v in trial.verdicts if v.passed is False]
            action = menu.addAction(f"Seed {trial.seed}: {', '.join(words)}".replace("&", "&&"))
            action.triggered.connect(partial(self._open_trial, trial.seed))
        menu.popup(self._others.mapToGlobal(self._others.rect().bottomLeft()))

    def _open_trial(self, seed: int, *_: object) -> None:
        self.run_wanted.emit(seed)


def _held(lane: str, rate: Rate) -> str:
    """Nothing failed: it held, or there was nothing to look at."""
    if not rate.without:
        return f"Lane {lane}: it held at every seed." if rate.total else ""
    if not rate.total:
        return f"Lane {lane}: it does not apply to these replies."
    return f"Lane {lane}: it held at all {rate.total} seeds where it applies."


def _meaning(result: ExperimentResult) -> str:
    """One sentence on what the counts are."""
    if not result.experiment.checks:
        return _NO_CHECKS
    if not result.trials:
        return _NOTHING_YET
    most = max(result.rate(lane.label).total for lane in result.experiment.lanes)
    return _MEANING if most > 1 else ""


def _row(*parts: QWidget | None) -> QHBoxLayout:
    """Widgets in a row; None is the space that takes what is left."""
    row = QHBoxLayout()
    row.setSpacing(theme().px(8))
    for part in parts:
        if part is None:
            row.addStretch(1)
        else:
            row.addWidget(part)
    return row
