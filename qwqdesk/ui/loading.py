"""Loading a model for the window: progress, cancel, and what failed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from qwqdesk.engine.events import LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.models.library import Library, LibraryModel, places
from qwqdesk.models.library_facts import FactsMemory
from qwqdesk.models.library_uses import note_use, read_uses
from qwqdesk.resources import resource
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.model_picker import file_title
from qwqdesk.ui.tasks import Tasks

_MOST_RECENT = 20
DEMO_MODEL = "qwqdesk-demo-F16.gguf"


class ModelLoader(QObject):
    """One load at a time; a new one aborts the one before.

    `found` is what the last scan brought, with models that miss a part.
    """

    progressed = Signal(str, object)  # name, LoadProgress
    loaded = Signal(object)  # Loaded
    failed = Signal(object, object)  # Path, UserError
    cancelled = Signal()
    models_found = Signal(object)  # list of LibraryModel
    recent_found = Signal(object)  # paths of files that were loaded before, newest first

    def __init__(self, desk: Desk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tasks = tasks
        self._task: asyncio.Task[object] | None = None
        self._scan_task: asyncio.Task[object] | None = None
        self._scan_again = False
        self._memory: FactsMemory | None = None
        self.found: Sequence[LibraryModel] = ()
        self.asked = desk.settings.engine  # by the newest load

    @property
    def busy(self) -> bool:
        """Whether a model is being loaded."""
        return self._task is not None and not self._task.done()

    def begin(self) -> None:
        """Load what was used last, or the demo model."""
        self.rescan()
        last = self._desk.settings.last_model
        path = Path(last) if last else demo_model()
        if not path.is_file():
            path = demo_model()
        if path.is_file():
            self.load(path)

    def load(self, path: Path, settings: EngineSettings | None = None) -> None:
        """Load this file in place of the present model; to be called while nothing runs."""
        before = self._task if self.busy else None
        if before is not None:
            before.cancel()
        self.asked = settings or self._desk.settings.engine
        self._task = self._tasks.start(self._load(path, self.asked, before), "load")
        self._desk.use_engine("load")
        self._task.add_done_callback(lambda _: self._load_over())

    def cancel(self) -> None:
        """Abort the load."""
        if self._task is not None:
            self._task.cancel()

    def rescan(self) -> None:
        """Look for models again; `models_found` brings them, twice where headers must be read."""
        self._scan_again = True
        if self._scan_task is None or self._scan_task.done():
            self._scan_task = self._tasks.start(self._scan(), "scan")

    def unload(self) -> None:
        """Free the present model, unless it answers."""
        if not self._desk.session.running:
            self._tasks.start(self._unload(), "unload")

    def _load_over(self) -> None:
        if not self.busy:  # else another load took its place
            self._desk.use_engine("")

    async def _load(
        self, path: Path, settings: EngineSettings, before: asyncio.Task[object] | None
    ) -> None:
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        name = file_title(path)
        had_model = self._desk.session.loaded is not None
        self.progressed.emit(name, LoadProgress(0.0, "header"))
        try:
            async with aclosing(self._desk.session.load(path, settings)) as events:
                async for event in events:
                    if isinstance(event, LoadProgress):
                        self.progressed.emit(name, event)
                    else:
                        self._desk.choose_present_model()
                        self._desk.change(last_model=str(path))
                        self._tasks.start(self._note_use(path), "note use")
                        self._desk.model_changed.emit()
                        self.loaded.emit(event)
        except UserError as error:
            self._ended(path, error, had_model)
        except asyncio.CancelledError:
            self._without_model(had_model)
            self.cancelled.emit()

    async def _note_use(self, path: Path) -> None:
        await asyncio.to_thread(note_use, self._desk.dirs.models, path)

    def _without_model(self, had_model: bool) -> None:
        """The load did not come to its end; what was there is freed unless the header was wrong."""
        if had_model and self._desk.session.loaded is None:
            self._desk.choose_present_model()
        self._desk.model_changed.emit()

    def _ended(self, path: Path, error: UserError, had_model: bool) -> None:
        self._without_model(had_model)
        if error.code == "cancelled":
            self.cancelled.emit()
        else:
            self.failed.emit(path, error)

    async def _unload(self) -> None:
        await self._desk.session.unload()
        self._desk.choose_present_model()
        self._desk.model_changed.emit()
        self.cancelled.emit()

    async def _scan(self) -> None:
        """One scan at a time, because the memory of headers is shared; the last request counts."""
        self.recent_found.emit(await asyncio.to_thread(self._recent))
        while self._scan_again:
            self._scan_again = False
            models, more = await asyncio.to_thread(lambda: self._library().glance())
            self._found(models)
            if more:
                self._found(await asyncio.to_thread(lambda: self._library().scan()))

    def _recent(self) -> list[Path]:
        """Model files that were loaded before, newest first. Reads a file."""
        uses = read_uses(self._desk.dirs.models)
        newest = sorted(uses, key=lambda path: -uses[path])
        return [Path(path) for path in newest[:_MOST_RECENT] if Path(path).is_file()]

    def _found(self, models: Sequence[LibraryModel]) -> None:
        self.found = models
        self._desk.models = [model for model in models if model.complete]
        self.models_found.emit(models)

    def _library(self) -> Library:
        """The places by the present settings. Reads a file; off the window's thread."""
        if self._memory is None:
            self._memory = FactsMemory(self._desk.dirs.cache / "headers.json")
        folders = tuple(Path(folder) for folder in self._desk.settings.model_folders)
        found = places(resource("models"), self._desk.dirs.models, folders, os.environ)
        return Library(found, self._memory)


def demo_model() -> Path:
    """Where the bundled demo model is."""
    return resource("models", DEMO_MODEL)
