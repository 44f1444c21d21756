"""The library tab: every model on this computer, and what one can do with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.engine.events import Loaded
from qwqdesk.errors import UserError
from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.models.hub_publisher import publisher_of
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.library_acts import Publisher, Verified
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import EmptyState, MessageBand, Toast, announce
from qwqdesk.ui.models.library_adding import Adding
from qwqdesk.ui.models.library_checks import LibraryChecks
from qwqdesk.ui.models.library_head import LibraryHead
from qwqdesk.ui.models.library_list import LibraryTable
from qwqdesk.ui.models.library_menu import ORDER, row_menu
from qwqdesk.ui.models.library_removal import BAND, Removal
from qwqdesk.ui.models.library_table import LibraryRow, LibraryTableModel
from qwqdesk.ui.models.library_words import title
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.tasks import Tasks


class LibraryView(QWidget):
    """Table, filter and messages. Signals lead to the other tab."""

    find_wanted = Signal()
    repo_wanted = Signal(str, str)  # owner/name, label

    def __init__(self, shell: Shell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryView")
        self.setAccessibleName("Library")
        self._shell, self._desk = shell, shell.desk
        self._tasks = Tasks(self, self._desk.report)
        self._rows = LibraryTableModel(self)
        self.table = LibraryTable(self._rows, self)
        self.head = LibraryHead(self)
        self.bands = Bands()
        self.checks = LibraryChecks(self._desk.dirs.models, self._publisher, self._tasks, self)
        self.removal = Removal(self, self, self._desk.dirs.models)
        self.adding = Adding(self, self._desk, self.bands, self.rescan)
        self._empty = EmptyState(
            "No models yet. The demo model is built in.", "Find a model", self.find_wanted.emit,
            icon_name="search", name="libraryEmpty",
        )  # fmt: skip
        self._nothing = EmptyState(
            "No model matches the filter.",
            "Show all",
            self.head.clear_filter,
            name="libraryNothing",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addLayout(self.bands)
        column.addWidget(self.table, 1)
        column.addWidget(self._empty, 1)
        column.addWidget(self._nothing, 1)
        self._connect()
        self._arrange()
        self._settings_changed()
        self._show_loaded()
        self.show_models(self._shell.loader.found)  # at once; the scan tells what is new
        self.rescan()

    def _connect(self) -> None:
        loader, head = self._shell.loader, self.head
        loader.models_found.connect(self.show_models)
        loader.loaded.connect(self._loaded)
        self._desk.model_changed.connect(self._show_loaded)
        self._desk.settings_changed.connect(self._settings_changed)
        head.filtered.connect(self._filter)
        head.rescan_wanted.connect(self.rescan)
        head.import_wanted.connect(lambda: self._tasks.start(self.adding.take_in()))
        head.folder_wanted.connect(lambda: self._tasks.start(self.adding.add_folder()))
        head.folder_dropped.connect(self.adding.drop_folder)
        head.field.returnPressed.connect(self.table.setFocus)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(lambda: head.field.setFocus(Qt.FocusReason.ShortcutFocusReason))
        self.table.wanted.connect(self._act)
        self.table.menu_wanted.connect(self._open_menu)
        self.checks.changed.connect(lambda: self._rows.set_progress(self.checks.progress()))
        self.checks.finished.connect(self._checked)
        self.checks.failed.connect(self._check_failed)

    # ------------------------------------------------------------ what is shown

    def show_models(self, models: Sequence[LibraryModel]) -> None:
        """Show what a scan found."""
        if self._rows.show_models(models):
            self.head.show_models(models, self._rows.copied)
            self._arrange()

    def rescan(self) -> None:
        """Look for models again."""
        self._shell.loader.rescan()

    def is_loaded(self, model: LibraryModel) -> bool:
        """Whether it is the present model."""
        loaded = self._desk.model
        return loaded is not None and Path(loaded.model.path) in model.files

    def _filter(self, text: str, only_copies: bool) -> None:
        self._rows.set_filter(text, only_copies)
        self._arrange()

    def _arrange(self) -> None:
        """Table alone, table with the note below it, or the note that nothing matches."""
        shown, models = self._rows.rows, self._rows.models
        only_demo = bool(models) and all(model.source == "bundled" for model in models)
        nothing = bool(models) and not shown
        self._empty.setVisible(only_demo and not nothing)
        self._nothing.setVisible(nothing)
        self.table.setVisible(not nothing)
        height = self.table.needed_height() if only_demo else 16777215
        self.table.setMaximumHeight(height)
        self.table.setMinimumHeight(height if only_demo else 0)
        if not self.table.currentIndex().isValid():
            self.table.select(0)

    def _show_loaded(self) -> None:
        loaded = self._desk.model
        self._rows.set_loaded(loaded.model.path if loaded is not None else "")

    def _loaded(self, loaded: Loaded) -> None:
        """The row says so before the next scan does."""
        path = Path(loaded.model.path)
        models = [
            replace(model, last_used=time.time()) if model.path == path else model
            for model in self._rows.models
        ]
        self._rows.show_models(models)
        self._show_loaded()

    def _settings_changed(self, *_: object) -> None:
        self.head.show_folders(self._desk.settings.model_folders)

    # ------------------------------------------------------------ what one can do

    def _act(self, act: str, row: LibraryRow) -> None:
        if act.startswith(ORDER):
            self.table.order_by(int(act.removeprefix(ORDER)))
            return
        acts: dict[str, Callable[[LibraryModel], object]] = {
            "load": lambda model: self._shell.load_and_show(model.path),
            "verify": self.checks.start,
            "cancel": lambda model: self.checks.cancel(model.path),
            "download": self._download,
            "delete": self.delete,
            "details": self.show_details,
            "folder": self.open_folder,
            "copy": self._copy_path,
            "repo": lambda model: self.repo_wanted.emit(model.repo or "", model.label),
        }
        acts[act](row.model)

    def _copy_path(self, model: LibraryModel) -> None:
        QGuiApplication.clipboard().setText(str(model.path))
        Toast(self, "Path copied")

    def _open_menu(self, row: LibraryRow, place: QPoint) -> None:
        menu = row_menu(self, row, lambda act: self._act(act, row))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)

    def show_details(self, model: LibraryModel) -> None:
        """Open the inspector."""
        from qwqdesk.ui.inspector.window import open_inspector

        open_inspector(self._desk, model.path, self.window())

    def open_folder(self, model: LibraryModel) -> None:
        """Show a model's folder in the file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(model.path.parent)))

    def unload(self) -> None:
        """Free the present model."""
        if self._desk.session.running:
            self._tell("warn", "The model is answering.", "Stop the chat first.", {})
        else:
            self._shell.loader.unload()

    def delete(self, model: LibraryModel, *, trash: bool = True) -> None:
        """Ask to delete a model."""
        self.bands.take_away(BAND)
        self._tasks.start(self.removal.run(model, trash=trash), "delete")

    def _download(self, model: LibraryModel) -> None:
        """Missing parts of our own files are fetched at once, others from the repository's page."""
        if model.source == "library":
            self._tasks.start(self.adding.download_missing(model), "missing parts")
        elif model.repo:
            self.repo_wanted.emit(model.repo, model.label)

    # ------------------------------------------------------------ checks

    def _publisher(self, stop: StopSwitch) -> Publisher:
        return publisher_of(lambda: self._desk.downloads.hub, stop)

    def _checked(self, model: LibraryModel, results: Sequence[Verified]) -> None:
        self.rescan()
        if all(result.verified for result in results):
            words = f"{title(model)} is verified"
        elif model.repo is not None and self._desk.downloads.hub.address.offline:
            words = f"Offline, the publisher of {title(model)} was not asked; its checksum is noted"
        else:
            words = f"The checksum of {title(model)} is noted; there is none to compare it with"
        if self.isVisible():
            Toast(self, words)
        else:
            announce(self, words)

    def _check_failed(self, model: LibraryModel, error: UserError) -> None:
        self.rescan()
        if error.code == "corrupt":
            self._tell(
                "bad", f"{title(model)} is damaged: its checksum differs from the publisher's.",
                "Delete it and download it again.", {"Delete…": lambda: self.delete(model)},
            )  # fmt: skip
        else:
            acts = {"Try again": lambda: self._again(model)}
            self._tell("bad", error.what, error.what_to_do, acts)

    def _again(self, model: LibraryModel) -> None:
        self.bands.take_away(BAND)
        self.checks.start(model)

    def _tell(
        self, kind: str, sentence: str, next_step: str, acts: Mapping[str, Callable[[], object]]
    ) -> None:
        band = MessageBand("bad" if kind == "bad" else "warn", sentence, next_step, name=BAND)
        for words, act in acts.items():
            band.add_action(words, act)
        band.add_action("Close", lambda: self.bands.take_away(BAND), flat=True)
        self.bands.put(band)
