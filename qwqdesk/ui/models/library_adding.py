"""What comes into the library: a file, a folder, the missing parts of a model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import short_size
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.library_acts import take_in
from qwqdesk.settings import MAX_FOLDERS
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand, Toast
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import open_file, open_folder
from qwqdesk.ui.models.asking import ask
from qwqdesk.ui.models.library_removal import BAND
from qwqdesk.ui.models.library_words import title

if TYPE_CHECKING:
    from qwqdesk.models.hub_files import Quantization, Repository
    from qwqdesk.models.hub_http import StopSwitch

_PATTERN = "Models (*.gguf)"
_COPYING = "libraryImport"
_LOOK_S = 0.25


class _StoppedError(Exception):
    """The user cancelled."""


class Adding:
    """Its coroutines end when what they do is done and told."""

    def __init__(
        self, view: QWidget, desk: Desk, bands: Bands, rescan: Callable[[], object]
    ) -> None:
        self._view, self._desk, self._bands, self._rescan = view, desk, bands, rescan

    # ------------------------------------------------------------ folders

    async def add_folder(self) -> None:
        """Let the user choose a folder whose models are listed from now on."""
        folder = await open_folder(self._view, "Add a folder of models")
        if folder is not None:
            self.keep_folder(str(folder))

    def keep_folder(self, folder: str) -> None:
        """List the models of a folder from now on."""
        folders = dict.fromkeys([*self._desk.settings.model_folders, folder])
        if len(folders) > MAX_FOLDERS:
            self._tell(f"The library has {MAX_FOLDERS} folders, which is the most.", "Remove one.")
            return
        self._desk.change(model_folders=tuple(folders))
        self._rescan()

    def drop_folder(self, folder: str) -> None:
        """List a folder's models no more; its files stay where they are."""
        left = tuple(each for each in self._desk.settings.model_folders if each != folder)
        self._desk.change(model_folders=left)
        self._rescan()
        Toast(
            self._view, "Folder removed, its files are untouched", "Undo",
            lambda: self.keep_folder(folder),
        )  # fmt: skip

    # ------------------------------------------------------------ files

    async def take_in(self) -> None:
        """Let the user choose a file that is linked or copied into the library."""
        path = await open_file(self._view, "Import model", _PATTERN)
        if path is not None:
            await self.take(path)

    async def take(self, path: Path) -> None:
        """Take a file in, with its shards; copying shows how far it is and can be cancelled."""
        done, stopped = [0], threading.Event()

        def progress(count: int) -> None:
            if stopped.is_set():
                raise _StoppedError
            done[0] = count

        work = asyncio.create_task(
            asyncio.to_thread(take_in, path, self._desk.dirs.models, progress)
        )
        try:
            await self._watch(work, path, done, stopped)
        except asyncio.CancelledError:
            # The page is gone; no widget may be touched, and the worker's end is nobody's news.
            stopped.set()
            work.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise
        except _StoppedError:
            self._ended()
        except UserError as error:
            self._ended()
            self._tell(error.what, error.what_to_do)
        else:
            self._ended()
            Toast(self._view, f"{path.name.removesuffix('.gguf')} is in the library")

    def _ended(self) -> None:
        self._bands.take_away(_COPYING)
        self._rescan()

    async def _watch(
        self,
        work: asyncio.Task[tuple[Path, ...]],
        path: Path,
        done: list[int],
        stopped: threading.Event,
    ) -> None:
        band: MessageBand | None = None
        while not work.done():
            await asyncio.wait({work}, timeout=_LOOK_S)
            if work.done():
                break
            words = f"Copying {path.name}: {short_size(done[0])}"
            if band is None:
                band = MessageBand("window", words, icon_name="hard-drive", name=_COPYING)
                band.add_action("Cancel", stopped.set)
                self._bands.put(band)
            else:
                band.set_message("window", words)
        work.result()

    # ------------------------------------------------------------ missing parts

    async def download_missing(self, model: LibraryModel) -> None:
        """Queue the quantization; the parts that are here are kept."""
        try:
            await ask(lambda stop: self._queue(model, stop))
        except UserError as error:
            self._tell(error.what, error.what_to_do)
        else:
            Toast(self._view, f"The missing parts of {title(model)} are being downloaded")

    def _queue(self, model: LibraryModel, stop: StopSwitch) -> None:
        downloads = self._desk.downloads
        repository = downloads.hub.repository(model.repo or "", stop=stop)
        found = quantization_of(repository, model.path.name)
        if found is None:
            raise UserError(
                f"{model.repo} no longer has {model.path.name}.",
                "Delete the parts, or find the model elsewhere.",
                code="no_file",
            )
        downloads.add(repository, found)

    def _tell(self, sentence: str, next_step: str) -> None:
        band = MessageBand("bad", sentence, next_step, name=BAND)
        band.add_action("Close", lambda: self._bands.take_away(BAND), flat=True)
        self._bands.put(band)


def quantization_of(repository: Repository, name: str) -> Quantization | None:
    """The quantization that has a file of this name."""
    rows = repository.quantizations
    names = ((row, {file.path.rpartition("/")[2] for file in row.files}) for row in rows)
    return next((row for row, files in names if name in files), None)
