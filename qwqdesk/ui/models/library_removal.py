"""Deleting a model: says what it frees and where it goes, asks, and tells what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import short_size
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.library_acts import Discard, Removed, removal, remove
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand, Toast
from qwqdesk.ui.dialogs import ask
from qwqdesk.ui.models.library_words import read_only_words, title
from qwqdesk.ui.models.trash import move_to_trash

BAND = "libraryBand"


class Place(Protocol):
    """What deleting needs of the library's view."""

    bands: Bands

    def is_loaded(self, model: LibraryModel) -> bool:
        """Whether it is the present model."""

    def unload(self) -> None:
        """Free the present model."""

    def open_folder(self, model: LibraryModel) -> None:
        """Show a model's folder."""

    def delete(self, model: LibraryModel, *, trash: bool = True) -> None:
        """Ask to delete a model."""

    def rescan(self) -> None:
        """Look for models again."""


class Removal:
    """`run` is one deletion from the question to the toast."""

    def __init__(
        self, view: QWidget, place: Place, models: Path, discard: Discard = move_to_trash
    ) -> None:
        """`discard` moves a file to the trash, and raises OSError where there is none."""
        self._view, self._place, self._models = view, place, models
        self._discard = discard

    async def run(self, model: LibraryModel, *, trash: bool = True) -> None:
        """Ask and delete; what is in the way is said in place."""
        if not self._may(model):
            return
        try:
            plan = await asyncio.to_thread(removal, model.path, self._models)
        except UserError as error:
            self._tell("bad", error.what, error.what_to_do, {})
            return
        text = question(model, plan, trash=trash)
        verb = "Move to trash" if trash else "Delete for good"
        if not await ask(self._view, f"Delete {title(model)}?", text, verb, danger=True):
            return
        discard = self._discard if trash else Path.unlink
        try:
            await asyncio.to_thread(remove, model.path, self._models, discard)
        except UserError as error:
            self._refused(model, error, trash)
            return
        finally:
            self._place.rescan()
        where = "is in the trash" if trash else f"is deleted, {short_size(plan.freed_bytes)} free"
        Toast(self._view, f"{title(model)} {where}")

    def _may(self, model: LibraryModel) -> bool:
        words = read_only_words(model)
        if words is not None:
            self._tell("warn", *words, {"Open folder": lambda: self._place.open_folder(model)})
            return False
        if self._place.is_loaded(model):
            self._tell(
                "warn", f"{title(model)} is loaded.", "Unload it first, then delete it.",
                {"Unload": self._closing(self._place.unload)},
            )  # fmt: skip
            return False
        return True

    def _refused(self, model: LibraryModel, error: UserError, trash: bool) -> None:
        if not trash:
            self._tell("bad", error.what, error.what_to_do, {})
            return
        again = self._closing(lambda: self._place.delete(model, trash=False))
        self._tell(
            "warn",
            f"{title(model)} could not be moved to the trash.",
            "Nothing is lost. Deleting it for good cannot be undone.",
            {"Delete for good…": again, "Open folder": lambda: self._place.open_folder(model)},
        )

    def _tell(
        self, kind: str, sentence: str, next_step: str, acts: Mapping[str, Callable[[], object]]
    ) -> None:
        made = MessageBand("bad" if kind == "bad" else "warn", sentence, next_step, name=BAND)
        for words, act in acts.items():
            made.add_action(words, act)
        made.add_action("Close", self._closing(lambda: None), flat=True)
        self._place.bands.put(made)

    def _closing(self, act: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            self._place.bands.take_away(BAND)
            act()

        return run


def question(model: LibraryModel, plan: Removed, *, trash: bool) -> str:
    """What deleting does, in sentences."""
    count = len(plan.paths)
    what = "The file goes" if count == 1 else f"All {count} parts go"
    freed = short_size(plan.freed_bytes)
    if not plan.freed_bytes:
        tail = "It frees nothing: the same file has another name on this disk."
    elif trash:
        tail = f"It frees {freed} when the trash is emptied."
    else:
        tail = f"It frees {freed} and cannot be undone."
    where = "to the trash" if trash else "for good"
    source = f" It can be downloaded again from {model.repo}." if model.repo else ""
    return f"{what} {where}. {tail}{source}"
