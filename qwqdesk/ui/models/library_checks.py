"""Checksums computed in the background: one model after another, each can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from qwqdesk.errors import UserError
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.library_acts import Publisher, Verified, verify
from qwqdesk.ui.tasks import Tasks

_LOOK_MS = 200


class _Job:
    """One model whose files are read; `done` is written by the worker's thread.

    The switch ends the reading as well as a question to the publisher that nobody answers.
    """

    def __init__(self, model: LibraryModel) -> None:
        self.model = model
        self.done = 0
        self.stop = StopSwitch()

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.done / max(1, self.model.size_bytes))

    def progress(self, done: int) -> None:
        """Called by the worker's thread; ends the work when it was cancelled."""
        self.stop.check()
        self.done = done


class LibraryChecks(QObject):
    """Runs `verify`; `changed` comes five times a second while something runs."""

    changed = Signal()
    finished = Signal(object, object)  # LibraryModel, results
    failed = Signal(object, object)  # LibraryModel, UserError

    def __init__(
        self,
        models: Path,
        publisher: Callable[[StopSwitch], Publisher],
        tasks: Tasks,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._models, self._publisher, self._tasks = models, publisher, tasks
        self._jobs: dict[Path, _Job] = {}
        self._turn = asyncio.Lock()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.changed)

    def progress(self) -> Mapping[Path, float]:
        """The share of each model that is being checked or waits for it."""
        return {path: job.share for path, job in self._jobs.items()}

    def start(self, model: LibraryModel) -> None:
        """Check a model, unless it is being checked."""
        if model.path not in self._jobs:
            job = self._jobs[model.path] = _Job(model)
            self._timer.start()
            self.changed.emit()
            self._tasks.start(self._run(job), "verify")

    def cancel(self, path: Path) -> None:
        """Stop checking a model; what was known of it stays."""
        job = self._jobs.get(path)
        if job is not None:
            job.stop.throw()

    async def _run(self, job: _Job) -> None:
        model = job.model
        try:
            async with self._turn:
                results = await asyncio.to_thread(self._verify, job)
        except Stopped:
            self._end(job)
        except UserError as error:
            self._end(job)
            self.failed.emit(model, error)
        except asyncio.CancelledError:
            job.stop.throw()  # the page goes away; the thread must not read on
            raise
        else:
            self._end(job)
            self.finished.emit(model, results)

    def _verify(self, job: _Job) -> tuple[Verified, ...]:
        job.progress(0)
        model = job.model
        return verify(model.path, self._models, self._publisher(job.stop), job.progress, model.repo)

    def _end(self, job: _Job) -> None:
        self._jobs.pop(job.model.path, None)
        if not self._jobs:
            self._timer.stop()
        self.changed.emit()
