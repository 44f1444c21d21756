"""The lab's page: experiments at the left, the chosen one at the right."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QMenu, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import (
    ExperimentList,
    delete_experiment,
    export_experiment,
    import_experiment,
    load_experiments,
)
from qwqdesk.ui.bands import Bands, until_closed
from qwqdesk.ui.base import MessageBand, Toast, button, label, panel
from qwqdesk.ui.conversation.lane_model import MODEL_FILES, fill_model_menu
from qwqdesk.ui.dialogs import ask, open_file, save_file
from qwqdesk.ui.engine_use import busy_words
from qwqdesk.ui.icons import icon
from qwqdesk.ui.lab.experiment_list import ExperimentListView
from qwqdesk.ui.lab.experiment_view import ExperimentView
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import set_state, theme
from qwqdesk.ui.toolbar import PageBar

_LIST = (200, 300)  # px, the least and the most for the list
_ABOVE = 620  # px of the page: below it the list stands above the experiment
_LOW = 130  # px of the list's height there
_ANY = 16_777_215  # Qt's own limit of a widget's size
_FILES = "Experiments (*.json);;All files (*)"
_BAND = "labBand"


def make_page(shell: Shell) -> QWidget:
    """The page, for the window's table of pages."""
    return LabPage(shell)


class LabPage(QFrame):
    """Bar, messages, list and view."""

    def __init__(self, shell: Shell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("labPage")
        self.setAccessibleName("Lab")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self.setProperty("ring", "none")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._shell, self._desk = shell, shell.desk
        self._tasks = Tasks(self, shell.desk.report)
        self._known = ExperimentList(())
        self._shown: Experiment | None = None
        self._trials = shell.trials
        self._bands = Bands()
        self._list = ExperimentListView()
        self._view = ExperimentView()
        self._lay_out()
        self._connect()
        self.reload()

    def _lay_out(self) -> None:
        left = panel("window", "right", "labList")
        self._left = left
        self._left_column = column = QVBoxLayout(left)
        column.setContentsMargins(0, theme().px(4), 1, 0)
        column.addWidget(self._list)
        self._body = body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        body.setSpacing(0)
        body.addWidget(left)
        body.addWidget(self._view, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._bar())
        whole.addLayout(self._bands)
        whole.addLayout(body, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Beside the experiment the list takes what can be spared; else it stands above it."""
        px, width = theme().px, event.size().width()
        above = width < px(_ABOVE)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._body.setDirection(down if above else across)
        set_state(self._left, "edge", "bottom" if above else "right")
        self._left_column.setContentsMargins(0, px(4), 0 if above else 1, 1 if above else 0)
        wide = max(px(_LIST[0]), min(px(_LIST[1]), round(width * 0.3)))
        self._left.setFixedSize(*((_ANY, px(_LOW)) if above else (wide, _ANY)))
        self._left.setMinimumSize(0 if above else wide, px(_LOW) if above else 0)
        super().resizeEvent(event)

    def _bar(self) -> PageBar:
        bar = PageBar(label("Lab", "title"))
        bar.setObjectName("labBar")
        bar.sidebar_wanted.connect(self._shell.toggle_sidebar)
        bar.add(
            button(
                "Import experiment", "file-text", name="importExperimentButton",
                clicked=lambda: self._tasks.start(self._import()),
            )
        )  # fmt: skip
        return bar

    def _connect(self) -> None:
        self._list.shown.connect(self._show)
        self._view.run_wanted.connect(self._run)
        self._view.repeat_wanted.connect(self._repeat)
        self._view.stop_wanted.connect(self._trials.stop)
        self._view.forget_wanted.connect(self._forget)
        self._view.model_wanted.connect(self._shell.choose_model)
        self._view.menu_wanted.connect(self._open_menu)
        self._view.model_menu.aboutToShow.connect(self._fill_models)
        self._trials.changed.connect(self._refresh)
        self._trials.failed.connect(self._fail)
        self._desk.model_changed.connect(self._refresh)
        self._desk.engine_use_changed.connect(self._refresh)
        self._desk.recipes_changed.connect(self.reload)
        self._desk.history_changed.connect(self._bands.review)  # a run has ended

    # ------------------------------------------------------------ content

    def reload(self, chosen: str = "") -> None:
        """Read the experiment files again, and choose one."""
        self._known = load_experiments(self._desk.dirs.experiments, self._desk.recipes)
        self._bands.take_away(_BAND)
        if self._known.problems:
            self._fail(UserError(self._known.problems[0], "Fix or delete the file."))
        present = chosen or (self._shown.id if self._shown is not None else "")
        self._list.set_experiments(self._known.experiments, present)

    def _show(self, one: Experiment) -> None:
        if self._shown is not None and self._shown.id != one.id:
            self._bands.take_away(_BAND)  # it is about the one that was shown
        self._shown = one
        self._view.show_experiment(one, self._trials.result(one))
        self._refresh()

    def _refresh(self) -> None:
        self._bands.review()
        one = self._shown
        if one is None:
            return
        here = self._trials.running and self._trials.experiment == one
        elsewhere = self._trials.running and not here
        models = self._trials.models(one)
        ready = all(model is not None for model in models)
        own = all(lane.model for lane in one.lanes)
        self._view.show_model(models, chosen=self._trials.model is not None, own=own)
        busy = not here and bool(self._desk.engine_use)
        words = self._trials.words if here else busy_words(self._desk.engine_use)
        if elsewhere:
            words = "Another experiment is running."
        elif not ready:
            words = "No model is loaded."
        self._view.show_result(self._trials.result(one))
        self._view.show_state(
            running=here,
            words=words,
            ready=ready and not busy,
            share=self._trials.share if here else None,
            no_model=not ready and not elsewhere,
        )

    def _fill_models(self) -> None:
        menu = self._view.model_menu
        menu.clear()
        present = str(self._trials.model) if self._trials.model is not None else None
        fill_model_menu(
            menu,
            self._desk.models,
            present,
            self._trials.choose_model,
            lambda _path: self._tasks.start(self._ask_model()),
        )

    async def _ask_model(self) -> None:
        path = await open_file(self, "Model of the experiments", MODEL_FILES)
        if path is not None:
            self._trials.choose_model(path)

    def _fail(self, error: UserError) -> None:
        band = MessageBand("bad", error.what, error.what_to_do, name=_BAND)
        band.add_action("Close", lambda: self._bands.take_away(_BAND), flat=True)
        busy = error.code == "busy"
        running = self._something_runs
        self._bands.put(band, holds=running if busy else until_closed)

    def _something_runs(self) -> bool:
        return bool(self._desk.engine_use)

    # ------------------------------------------------------------ acts

    def _run(self, seed: int) -> None:
        if self._shown is not None:
            self._bands.take_away(_BAND)
            self._shell.run_experiment(self._shown, seed, self._trials.model)

    def _repeat(self, repeats: int) -> None:
        if self._shown is not None:
            self._bands.take_away(_BAND)
            self._trials.start(self._shown, repeats)

    def _forget(self) -> None:
        one = self._shown
        if one is None:
            return
        result, path = self._trials.result(one), self._trials.path(one)
        self._trials.forget(one)
        words = f"Result of {one.title} removed"
        Toast(self, words, "Undo", lambda: self._trials.bring_back(result, path))

    def _open_menu(self, anchor: QWidget) -> None:
        menu = QMenu(self)
        menu.setObjectName("experimentMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        save = menu.addAction(icon("file-down"), "Save as file…")
        save.triggered.connect(lambda *_: self._tasks.start(self._export()))
        delete = menu.addAction(icon("trash-2"), "Delete…")
        delete.setEnabled(self._shown is not None and not self._shown.builtin)
        delete.triggered.connect(lambda *_: self._tasks.start(self._delete()))
        menu.popup(anchor.mapToGlobal(anchor.rect().bottomLeft()))

    async def _import(self) -> None:
        path = await open_file(self, "Import experiment", _FILES)
        if path is not None:
            await self._import_file(path)

    def import_file(self, path: Path) -> None:
        """Keep the experiment of a file, and show it."""
        self._tasks.start(self._import_file(path))

    async def _import_file(self, path: Path) -> None:
        try:
            folder, recipes = self._desk.dirs.experiments, self._desk.recipes_by_id()
            one = await asyncio.to_thread(import_experiment, folder, path, recipes)
        except UserError as error:
            self._fail(error)
            return
        self.reload(one.id)

    async def _export(self) -> None:
        one = self._shown
        if one is None:
            return
        path = await save_file(self, "Save experiment", f"{one.id}.json", _FILES)
        if path is None:
            return
        try:
            await asyncio.to_thread(export_experiment, path, one)
        except UserError as error:
            self._fail(error)
            return
        Toast(self, f"Saved as {path.name}")

    async def _delete(self) -> None:
        one = self._shown
        words = "Its file is removed. Chats that came of it stay."
        if one is None or not await ask(
            self, f"Delete {one.title}?", words, "Delete experiment", danger=True
        ):
            return
        try:
            delete_experiment(self._desk.dirs.experiments, one.id)
        except UserError as error:
            self._fail(error)
            return
        self._shown = None
        self.reload()
