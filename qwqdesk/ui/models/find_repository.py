"""The repository that the Find tab shows: its listing, then its headers, then how all fits.

No widgets. A newer question ends the one before; changing context, cache type or free memory only
computes anew, without a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from qwqdesk import hub_fit
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.hub_fit import Headers, Suggestion
from qwqdesk.models.download_set import SetOrder
from qwqdesk.models.fit import Fit, FreeMemory
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_files import Quantization, Repository
from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.models.hub_names import HubName
from qwqdesk.models.renamed import names_of, note_name
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.models.asking import ask
from qwqdesk.ui.tasks import Tasks

Stage = Literal["none", "listing", "listed", "failed"]


@dataclass(frozen=True)
class RepoState:
    """What the right side shows.

    `headers` is None while they are read; `here` are the labels that are whole on this disk;
    `names` are all that the repository has or had, in lower case.
    """

    stage: Stage = "none"
    name: HubName | None = None
    repository: Repository | None = None
    here: frozenset[str] = frozenset()
    error: UserError | None = None
    headers: Headers | None = None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Judged:
    """How each label fits with these settings, and what is suggested."""

    fits: Mapping[str, Fit] = field(default_factory=dict)
    suggestion: Suggestion | None = None


class ShownRepository(QObject):
    """One repository at a time; `changed` carries a RepoState, `judged` a Judged."""

    changed = Signal(object)
    judged = Signal(object)

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tasks = Tasks(self, desk.report)
        self._judging = Tasks(self, desk.report)
        self._settings = EngineSettings()
        self._free: FreeMemory | None = None
        self.state = RepoState()

    def open(self, name: HubName) -> None:
        """Show this repository."""
        self._tasks.cancel()
        self._judging.cancel()
        self._set(RepoState("listing", name))
        self._tasks.start(self._open(name), "repository")

    def again(self) -> None:
        """Ask once more for what failed: the listing, or the headers."""
        state = self.state
        if state.stage == "failed" and state.name is not None:
            self.open(state.name)
        elif state.repository is not None and state.headers and state.headers.problem:
            self._tasks.cancel()
            self._set(replace(state, headers=None))
            self._tasks.start(self._read(state.repository), "headers")

    def fit_for(self, settings: EngineSettings) -> None:
        """Judge with another context or cache type."""
        if settings != self._settings:
            self._settings = settings
            self._judge()

    def set_free(self, free: FreeMemory) -> None:
        """Judge with what is free now."""
        if free != self._free:
            self._free = free
            self._judge()

    def look_here(self) -> None:
        """Look again which quantizations are on this disk."""
        if self.state.repository is not None:
            self._judging.start(self._look_here(self.state.repository), "downloaded")

    async def _open(self, name: HubName) -> None:
        try:
            found, here, names = await ask(lambda stop: self._list(name, stop))
        except UserError as error:
            self._set(RepoState("failed", name, error=error))
            return
        self._set(RepoState("listed", name, found, here, names=names))
        await self._read(found)

    async def _read(self, found: Repository) -> None:
        hub = self._desk.downloads.hub
        headers = Headers()
        if found.quantizations:
            try:
                headers = await ask(lambda stop: hub_fit.read_headers(hub, found, stop))
            except Stopped:
                return
        self._set(replace(self.state, headers=headers))
        self._judge()

    def _list(
        self, name: HubName, stop: StopSwitch
    ) -> tuple[Repository, frozenset[str], frozenset[str]]:
        models = self._desk.dirs.models
        found = self._desk.downloads.hub.repository(name.repo, name.revision, stop)
        note_name(models, name.repo, found.repo)
        names = frozenset(each.lower() for each in names_of(models, found.repo))
        return found, labels_here(found, models), names

    async def _look_here(self, found: Repository) -> None:
        here = await asyncio.to_thread(labels_here, found, self._desk.dirs.models)
        if found is self.state.repository and here != self.state.here:
            self._set(replace(self.state, here=here))

    def _judge(self) -> None:
        state = self.state
        if state.repository is None or state.headers is None or self._free is None:
            return
        rows, headers = state.repository.quantizations, state.headers
        self._judging.start(self._judge_all(rows, headers, self._free, self._settings), "fit")

    async def _judge_all(
        self,
        rows: tuple[Quantization, ...],
        headers: Headers,
        free: FreeMemory,
        settings: EngineSettings,
    ) -> None:
        judged = await asyncio.to_thread(_judge, rows, headers, free, settings)
        latest = free is self._free and settings is self._settings
        if latest and headers is self.state.headers:
            self.judged.emit(judged)

    def _set(self, state: RepoState) -> None:
        self.state = state
        self.changed.emit(state)


def labels_here(found: Repository, models: Path) -> frozenset[str]:
    """The quantizations of a repository that are whole on this disk; asks the disk."""
    return frozenset(
        row.label
        for row in found.quantizations
        if row.complete and SetOrder.of(found, row, models).downloaded
    )


def _judge(
    rows: tuple[Quantization, ...], headers: Headers, free: FreeMemory, settings: EngineSettings
) -> Judged:
    fits = hub_fit.fits(headers.shapes, free, settings)
    return Judged(fits, hub_fit.suggestion(rows, headers.parameters, fits))
