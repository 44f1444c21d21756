"""Loading a model for the window: progress, cancel, and what failed."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from qwqdesk.engine.events import LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.models.library import Library, LibraryModel, places
from qwqdesk.resources import resource
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.model_picker import file_title
from qwqdesk.ui.tasks import Tasks

DEMO_MODEL = "qwqdesk-demo-F16.gguf"


class ModelLoader(QObject):
    """One load at a time; a new one aborts the one before."""

    progressed = Signal(str, object)  # name, LoadProgress
    loaded = Signal(object)  # Loaded
    failed = Signal(object, object)  # Path, UserError
    cancelled = Signal()
    models_found = Signal(object)  # list of LibraryModel

    def __init__(self, desk: Desk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tasks = tasks
        self._task: asyncio.Task[object] | None = None

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
        """Load this file in place of the present model."""
        if self._desk.session.running:
            self.failed.emit(
                path,
                UserError("A chat is being answered.", "Stop it, then load the model again."),
            )
            return
        before = self._task if self.busy else None
        if before is not None:
            before.cancel()
        asked = settings or self._desk.settings.engine
        self._task = self._tasks.start(self._load(path, asked, before), "load")

    def cancel(self) -> None:
        """Abort the load."""
        if self._task is not None:
            self._task.cancel()

    def rescan(self) -> None:
        """Look for models again; `models_found` brings them."""
        self._tasks.start(self._scan(), "scan")

    async def _load(
        self, path: Path, settings: EngineSettings, before: asyncio.Task[object] | None
    ) -> None:
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        name = file_title(path)
        self.progressed.emit(name, LoadProgress(0.0, "Reading the header"))
        try:
            async with aclosing(self._desk.session.load(path, settings)) as events:
                async for event in events:
                    if isinstance(event, LoadProgress):
                        self.progressed.emit(name, event)
                    else:
                        self._desk.change(last_model=str(path))
                        self._desk.model_changed.emit()
                        self.loaded.emit(event)
        except UserError as error:
            self._ended(path, error)
        except asyncio.CancelledError:
            self._desk.model_changed.emit()
            self.cancelled.emit()

    def _ended(self, path: Path, error: UserError) -> None:
        self._desk.model_changed.emit()
        if error.code == "cancelled":
            self.cancelled.emit()
        else:
            self.failed.emit(path, error)

    async def _scan(self) -> None:
        folders = tuple(Path(folder) for folder in self._desk.settings.model_folders)
        self.models_found.emit(await asyncio.to_thread(scan, self._desk.dirs.models, folders))


def scan(models: Path, folders: tuple[Path, ...]) -> list[LibraryModel]:
    """All models on this disk; slow where headers are not known yet."""
    return Library(places(resource("models"), models, folders, os.environ)).scan()


def demo_model() -> Path:
    """Where the bundled demo model is."""
    return resource("models", DEMO_MODEL)
