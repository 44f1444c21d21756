"""Running an experiment's trials from the window: one experiment at a time, saved as they end.

They belong to the window, not to the lab's page, which is made anew with another text size.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from qwqdesk.engine.events import LoadProgress, Output
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_result import ExperimentResult, seeds
from qwqdesk.experiment_run import ExperimentEvent, ExperimentRun, TrialEnded, TrialsBegan
from qwqdesk.experiment_store import (
    file_time,
    forget_result,
    load_result,
    result_path,
    save_result,
)
from qwqdesk.model_turns import LanePlace
from qwqdesk.processor_words import load_words
from qwqdesk.run_plan import RunOptions
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.engine_use import busy_error
from qwqdesk.ui.tasks import Tasks

_FRAME_S = 1 / 30
_LEFT_FROM_S = 5.0  # less is not worth a word


class TrialRuns(QObject):
    """`changed`: a trial ended, or the run began or ended. `failed` carries a UserError."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, desk: Desk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._tasks = desk, tasks
        self._run: ExperimentRun | None = None
        self.experiment: Experiment | None = None
        self.words = ""
        self.share = 0.0  # of the trials that are over, 0 to 1
        self._began, self._first = 0.0, 0
        self._seed, self._total = 0, 0
        self.model: Path | None = None  # chosen for the lab; None is whatever is loaded
        self._running_on: tuple[Path | None, ...] = ()  # while others may get loaded in between
        self._read: tuple[tuple[Path, int], ExperimentResult] | None = None

    @property
    def running(self) -> bool:
        """Whether trials are under way."""
        return self._run is not None

    def result(self, experiment: Experiment) -> ExperimentResult:
        """What is known of this experiment on the present model; a file is read when it is new."""
        if self._run is not None and self.experiment == experiment:
            return self._run.result
        path = self.path(experiment)
        key = (path, file_time(path))
        if self._read is None or self._read[0] != key:
            self._read = (key, load_result(path, experiment))
        return self._read[1]

    def models(self, experiment: Experiment) -> tuple[Path | None, ...]:
        """On which file each lane runs; None where no model is loaded."""
        if self._run is not None and self.experiment == experiment:
            return self._running_on
        return tuple(place.model for place in self._places(experiment))

    def choose_model(self, model: Path | None) -> None:
        """Run experiments on this file from now on; None is whatever is loaded."""
        self.model = model
        self.changed.emit()

    def forget(self, experiment: Experiment) -> None:
        """Throw the result away, to begin anew; `bring_back` undoes it."""
        try:
            forget_result(self.path(experiment))
        except UserError as error:
            self.failed.emit(error)
        self.changed.emit()

    def bring_back(self, result: ExperimentResult, path: Path) -> None:
        """Add the trials of a result that was thrown away, under the conditions it had then."""
        try:
            save_result(path, result)
        except UserError as error:
            self.failed.emit(error)
        self.changed.emit()

    def start(self, experiment: Experiment, repeats: int) -> None:
        """Run the trials that are missing up to this number of seeds."""
        problem = self._problem(experiment)
        if problem is not None:
            self.failed.emit(problem)
            return
        result = load_result(self.path(experiment), experiment)
        wanted, places = seeds(experiment, repeats), self._places(experiment)
        result.note_models([place.model for place in places])
        self._running_on = self.models(experiment)
        run = ExperimentRun(self._desk.session, experiment, places, wanted, result)
        self._run, self.experiment = run, experiment
        self.words, self.share = "Starting", 0.0
        self._began, self._first = time.monotonic(), len(run.result.trials)
        self.changed.emit()
        self._desk.use_engine("trials")
        self._tasks.start(self._follow(run, experiment), "trials")

    def stop(self) -> None:
        """Stop now; what is over stays."""
        if self._run is not None:
            self._run.stop()

    # ------------------------------------------------------------ inside

    def _problem(self, experiment: Experiment) -> UserError | None:
        if self._desk.engine_use:
            return busy_error(self._desk.engine_use)
        if any(place.model is None for place in self._places(experiment)):
            return UserError("No model is loaded.", "Choose a model first.", code="no_model")
        return None

    def _places(self, experiment: Experiment) -> list[LanePlace]:
        settings, chosen = self._desk.settings, self._desk.model
        loaded = Path(chosen.model.path) if chosen is not None else None
        shared = self.model if self.model is not None else loaded
        options = RunOptions(
            mode=experiment.mode,
            template=settings.chat_template,
            templates=tuple(sorted(settings.model_templates.items())),
            system_prompt=experiment.system_prompt,
            loop_guard=settings.loop_guard,
            keep=False,
        )
        asked = self._desk.model_settings
        return [
            LanePlace(lane, Path(lane.model) if lane.model else shared, asked, options)
            for lane in experiment.lanes
        ]

    def path(self, experiment: Experiment) -> Path:
        """Where the result is kept, under the present conditions."""
        folder = self._desk.dirs.experiments / "results"
        return result_path(folder, experiment, self._places(experiment))

    async def _follow(self, run: ExperimentRun, experiment: Experiment) -> None:
        path = self.path(experiment)
        try:
            async with aclosing(run.run()) as batches:
                async for batch in batches:
                    for event in batch:
                        self._take(event)
                    if any(isinstance(event, TrialEnded) for event in batch):
                        await asyncio.to_thread(save_result, path, run.result)
                        self.changed.emit()
                    await asyncio.sleep(_FRAME_S)
        except UserError as error:
            self.failed.emit(error)
        finally:
            self._run = None
            self.words = ""
            self._desk.use_engine("")
            self._desk.model_changed.emit()
            self.changed.emit()

    def _count(self, done: int) -> None:
        """Say how far it is; `done` trials are over, also those of earlier runs."""
        self.share = done / max(1, self._total)
        self.words = f"Seed {self._seed} · {done} of {self._total} trials"
        new, passed = done - self._first, time.monotonic() - self._began
        left = passed / new * (self._total - done) if new > 0 else 0.0
        if left > _LEFT_FROM_S:
            self.words += f" · about {duration(left)} left"

    def _take(self, event: ExperimentEvent) -> None:
        before = self.words
        if isinstance(event, TrialsBegan):
            self._seed, self._total = event.seed, event.total
            self._count(event.done)
        elif isinstance(event, TrialEnded) and self._run is not None:
            self._count(len(self._run.result.trials))
        elif isinstance(event, LoadProgress):
            self.words = load_words(event)
        elif isinstance(event, Output):
            return
        if self.words != before:
            self.changed.emit()


def duration(seconds: float) -> str:
    """An estimate in words: "40 s", "3 min", "2 h"."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.0f} h"
