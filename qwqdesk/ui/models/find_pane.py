"""The right side of Find: one repository, its quantizations, and messages about it in place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.hub_fit import Headers, bits_of
from qwqdesk.models.download_status import Status
from qwqdesk.models.file_words import short_size
from qwqdesk.models.fit import Fit
from qwqdesk.models.hub_files import Quantization, choose
from qwqdesk.models.hub_names import HubName
from qwqdesk.models.quants import foreign_words
from qwqdesk.ui.base import EmptyState, announce, label, retire
from qwqdesk.ui.models.find_downloads import DownloadStates
from qwqdesk.ui.models.find_errors import AGAIN, FOLDER, PAGE, TOKEN, WITHOUT, error_band
from qwqdesk.ui.models.find_head import RepositoryHead
from qwqdesk.ui.models.find_repository import Judged, RepoState, ShownRepository
from qwqdesk.ui.models.find_table import QuantizationTable
from qwqdesk.ui.models.find_table_model import Badge, TableRow, fit_badge, table_row
from qwqdesk.ui.models.machine import Machine, Room
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.tab_order import order_parts
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

_SLOW_MS = 300
_COMPUTING: Badge = ("neutral", "", "Computing")
_UNKNOWN: Badge = ("neutral", "", "Not known")
_FOREIGN: Badge = ("bad", "ban", "Cannot be loaded")


class RepositoryPane(QFrame):
    """Shows what `open` names; `opened` carries a Repository as soon as it is listed.

    `not_found` carries the name of one that the hub does not have.
    """

    opened = Signal(object)
    library_wanted = Signal()
    not_found = Signal(str)

    def __init__(self, shell: Shell, machine: Machine, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("repositoryPane")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self.setProperty("ring", "none")
        self._shell, self._desk = shell, shell.desk
        self._tasks = Tasks(self, self._desk.report)
        self.shown = ShownRepository(self._desk, self)
        self.states = DownloadStates(self._desk, self)
        self.head = RepositoryHead(self._desk.settings.engine, self)
        self._body = QStackedWidget(self)
        self.table = QuantizationTable(self._body)
        self._judged = Judged()
        self._followed = ""
        self._bands = QVBoxLayout()
        self._bands.setSpacing(0)
        self._wait = label("Reading the list of files", "body", "text3")
        self._wait.setContentsMargins(theme().px(16), theme().px(8), 0, 0)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(_SLOW_MS)
        self._nothing = EmptyState("Choose a repository to see its quantizations.")
        self._none_here = EmptyState(
            "This repository has no GGUF files. Choose one whose name ends in -GGUF."
        )
        self._offline = EmptyState(
            "The models on this computer work offline too.",
            "Show the library",
            self.library_wanted.emit,
            name="findOffline",
        )
        self._blank = QWidget()
        parts = (self._nothing, self._offline, self.table, self._none_here, self._wait, self._blank)
        for part in parts:
            part.setProperty("ring", "none")  # a stack gives the focus to the page it shows
            self._body.addWidget(part)
        self._wait.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addLayout(self._bands)
        column.addWidget(self._body, 1)
        self.head.hide()
        self._connect(machine)

    def _connect(self, machine: Machine) -> None:
        self.shown.fit_for(self.head.fit.settings)
        if machine.room is not None:
            self.shown.set_free(machine.room.free)
        machine.changed.connect(self._room_changed)
        self.shown.changed.connect(self._show)
        self.shown.judged.connect(self._show_judged)
        self.head.fit.changed.connect(self.shown.fit_for)
        self.table.download_wanted.connect(self.download)
        self.table.moved.connect(lambda _: self._name_details())
        self.head.details_wanted.connect(self.show_details)
        self.states.changed.connect(self._download_changed)
        self._shell.loader.models_found.connect(lambda _: self.shown.look_here())
        self._slow.timeout.connect(lambda: self._body.setCurrentWidget(self._wait))

    def open(self, name: HubName) -> None:
        """Show this repository, and select what was named in it."""
        self.shown.open(name)

    def download(self, wanted: str) -> None:
        """Queue the quantization with this label, or go on with it."""
        self._tasks.start(self._download(wanted), "download")

    def show_details(self) -> None:
        """Open the inspector on the chosen quantization, or on the first one."""
        from qwqdesk.ui.inspector.subject import on_hub
        from qwqdesk.ui.inspector.window import open_window

        found, row = self.shown.state.repository, self._detailed()
        if found is not None and row is not None:
            subject = on_hub(self._desk, found, row, self._page_of(found.repo))
            open_window(self._desk, subject, self.window())

    def show_offline(self) -> None:
        """Nothing can be found; the library is there."""
        if self.shown.state.stage == "none":
            self._body.setCurrentWidget(self._offline)

    def say(self, error: UserError) -> None:
        """A message above the table."""
        self._band(error, {AGAIN: self.shown.again})

    # ------------------------------------------------------------ what came

    def _show(self, state: RepoState) -> None:
        self._slow.stop()
        if state.stage == "listing" and state.name is not None:
            self._clear_bands()
            self._judged, self._followed = Judged(), ""
            self.head.show()
            self.head.show_name(state.name.repo, self._page_of(state.name.repo))
            self._body.setCurrentWidget(self._blank)
            self._slow.start()
        elif state.stage == "failed" and state.error is not None:
            self._body.setCurrentWidget(self._blank)
            self._band(state.error, {AGAIN: self.shown.again})
            if state.error.code == "not_found" and state.name is not None:
                self.not_found.emit(state.name.repo)
        elif state.repository is not None:
            self._show_listed(state)

    def _show_listed(self, state: RepoState) -> None:
        found = state.repository
        assert found is not None
        self.head.show_facts(found, state.headers)
        rows = self._rows(state)
        if [row.quantization for row in self.table.rows.rows] == list(found.quantizations):
            self.table.rows.update_rows(rows)
        else:
            self.table.rows.set_rows(rows)
        if self._body.currentWidget() in (self._blank, self._wait, self._nothing):
            self._body.setCurrentWidget(self.table if rows else self._none_here)
            self.head.fit.setVisible(bool(rows))
            self.opened.emit(found)
            announce(self.table, f"{found.repo}: {len(rows)} quantizations")
            self._select(state)
            self._name_details()
        self._show_problem(state.headers)

    def _rows(self, state: RepoState) -> list[TableRow]:
        """The table's rows from everything that is known."""
        found, headers = state.repository, state.headers
        assert found is not None
        statuses = self.states.of(state.names)
        unknown = _COMPUTING if headers is None else _UNKNOWN
        tip = headers.problem.what if headers is not None and headers.problem else ""
        suggested = self._judged.suggestion.label if self._judged.suggestion else ""
        rows = []
        for quantization in found.quantizations:
            name = quantization.label
            counted = headers.parameters.get(name, 0) if headers else 0
            parameters = counted or found.facts.parameters
            fit = self._judged.fits.get(name)
            waiting = headers is None or name in headers.shapes
            badge = fit_badge(fit) if fit else _COMPUTING if waiting else unknown
            foreign = foreign_words(quantization.kind)
            if foreign:
                badge = _FOREIGN
            rows.append(
                replace(
                    table_row(quantization),
                    bits=bits_of(quantization, parameters),
                    exact_bits=bool(parameters) and quantization.complete,
                    fit=badge if quantization.complete else None,
                    fit_tip=foreign or _fit_tip(fit, tip),
                    suggested=name == suggested,
                    here=name in state.here,
                    status=statuses.get(name),
                )
            )
        return rows

    def _show_judged(self, judged: Judged) -> None:
        self._judged = judged
        self.head.set_why(judged.suggestion.why if judged.suggestion else _why_none(judged))
        self.table.rows.update_rows(self._rows(self.shown.state))
        # The selection follows the suggestion until the user has chosen a row.
        if judged.suggestion and self.table.current_label in ("", self._followed):
            self._followed = judged.suggestion.label
            self.table.go_to(self._followed)

    def _select(self, state: RepoState) -> None:
        """Go to the quantization that was named."""
        found, name = state.repository, state.name
        if found is None or name is None or not name.wanted:
            return
        try:
            self.table.go_to(choose(found.quantizations, name.wanted, found.repo).label)
        except UserError as error:
            self._band(error, {})

    def _show_problem(self, headers: Headers | None) -> None:
        """Why headers could not be read, where a user can do something about it."""
        if headers is not None and headers.problem is not None and not headers.shapes:
            self._band(headers.problem, {AGAIN: self._read_again})

    def _read_again(self) -> None:
        self._clear_bands()
        self.shown.again()

    def _room_changed(self, room: Room) -> None:
        self.shown.set_free(room.free)

    def _detailed(self) -> Quantization | None:
        """The quantization that "Details" is about."""
        found = self.shown.state.repository
        rows = found.quantizations if found is not None else ()
        chosen = (row for row in rows if row.label == self.table.current_label)
        return next(chosen, rows[0] if rows else None)

    def _name_details(self) -> None:
        row = self._detailed()
        self.head.set_details(row.label if row is not None else None)

    # ------------------------------------------------------------ downloads

    def _download_changed(self, repo: str, name: str, status: Status | None) -> None:
        found = self.shown.state.repository
        if found is None or repo.lower() not in self.shown.state.names:
            return
        number = self.table.rows.row_of(name)
        if number < 0:
            return
        row = self.table.rows.rows[number]
        if (
            row.state != replace(row, status=status).state
            or row.act != replace(row, status=status).act
        ):
            self.table.rows.change(name, status=status)
        if status is None or status.state == "done":
            self.shown.look_here()

    async def _download(self, wanted: str) -> None:
        found = self.shown.state.repository
        row = next((r for r in found.quantizations if r.label == wanted), None) if found else None
        if found is None or row is None:
            return
        self._clear_bands()
        try:
            await asyncio.to_thread(self._desk.downloads.add, found, row)
        except UserError as error:
            self._band(error, {AGAIN: lambda: self.download(wanted)})
            return
        statuses = self.states.of(self.shown.state.names)
        if wanted in statuses:
            self._download_changed(found.repo, wanted, statuses[wanted])
        announce(self.table, f"{wanted} is in the download queue")

    # ------------------------------------------------------------ messages

    def _band(self, error: UserError, acts: Mapping[str, Callable[[], object]]) -> None:
        """One message at a time, between head and table."""
        self._clear_bands()
        every: dict[str, Callable[[], object]] = {
            PAGE: self.head.open_page,
            TOKEN: self._settings,
            WITHOUT: partial(self._without_token, acts.get(AGAIN, self.shown.again)),
            FOLDER: self._settings,
            **acts,
        }
        made = error_band(error, every, name="repositoryError")
        self._bands.addWidget(made)
        order_parts([self.head, made, self.table])
        announce(made, f"{error.what} {error.what_to_do}")

    def _clear_bands(self) -> None:
        while (item := self._bands.takeAt(0)) is not None:
            band = item.widget()
            if band is None:
                continue
            focused = self.focusWidget()
            if focused is not None and band.isAncestorOf(focused):
                target = self.table if self.table.isVisible() else self
                target.setFocus(Qt.FocusReason.OtherFocusReason)
            retire(band)

    def _without_token(self, again: Callable[[], object]) -> None:
        self._desk.downloads.go_without_token()
        again()

    def _settings(self) -> None:
        self._shell.show_page("settings")

    def _page_of(self, repo: str) -> str:
        with suppress(UserError):
            return self._desk.downloads.hub.address.page(repo)
        return ""


def _fit_tip(fit: Fit | None, problem: str) -> str:
    return f"Needs about {short_size(fit.needed)} in all" if fit is not None else problem


def _why_none(judged: Judged) -> str:
    return "None of them fits this computer with these settings." if judged.fits else ""
