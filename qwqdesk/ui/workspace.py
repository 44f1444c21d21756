"""What the window holds: sidebar and pages, and what connects them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QWidget

from qwqdesk.diagnostics import Crash
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import is_experiment_file
from qwqdesk.ui.chat_list import ChatList
from qwqdesk.ui.closing import RUN_END_S, Closing
from qwqdesk.ui.conversation.difference_acts import DifferenceActs
from qwqdesk.ui.conversation.page import ConversationPage
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.lab.trial_runs import TrialRuns
from qwqdesk.ui.loading import ModelLoader
from qwqdesk.ui.model_desk import ModelDesk
from qwqdesk.ui.models.downloads_watch import DownloadWatch
from qwqdesk.ui.moves import Moves
from qwqdesk.ui.pages import WANTED_WIDTHS, make_page
from qwqdesk.ui.processor_notice import ProcessorNotice
from qwqdesk.ui.saving_notice import SavingNotice
from qwqdesk.ui.shortcuts import Act, Commands
from qwqdesk.ui.sidebar import WIDTH, Sidebar
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.template_notice import TemplateNotice
from qwqdesk.ui.theme import theme

_NARROWEST_LANE = 400  # px: below it the sidebar becomes the rail by itself
_NARROWEST_ALONE = 480  # px: the same for a single lane, whose toolbar needs this much
_LOW_WINDOW = 860  # px of height: below it the composer takes one row
_TASK_END_S = 0.8


class Workspace(QWidget):
    """The whole content of the window; commands and shortcuts act on it."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("workspace")
        self.desk = desk
        self._rail_chosen: bool | None = None
        self._shown_page = "conversation"
        self.tasks = Tasks(self, desk.report)
        self.loader = ModelLoader(desk, self.tasks, self)
        self.watch = DownloadWatch(desk, self.loader, self.tasks, self)
        self.trials = TrialRuns(desk, self.tasks, self)
        self.sidebar = Sidebar(desk.history)
        self._more = QMenu(self)
        self.page = ConversationPage(desk, self._more)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.page)
        self._pages: dict[str, QWidget] = {"conversation": self.page}
        self.models = ModelDesk(
            desk, self.page, self.loader, self.tasks, self.trials, self.engine_settings, self
        )
        self.templates = TemplateNotice(desk, self.page.bands, self.tasks, self.page.toolbar.model)
        self.templates.inputs_found.connect(self.page.set_template_inputs)
        self.chats = ChatList(desk, self.sidebar, self.page, self.tasks, self.show_page, self)
        self.closing = Closing(desk, self.page.runs, self.tasks, self)
        self.processor = ProcessorNotice(desk, self.page.bands, self.models.load, self)
        self.saving = SavingNotice(desk, self.page.bands, self)
        self.moves = Moves(self.sidebar, self.stack, self.page, self.show_page, self)
        self.commands = Commands(self, self._acts())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(self.stack, 1)
        self.setAcceptDrops(True)
        self._connect()
        self.watch.start()

    def _connect(self) -> None:
        page, desk = self.page, self.desk
        self._more.aboutToShow.connect(lambda: self.commands.fill_menu(self._more))
        self.sidebar.page_wanted.connect(self.show_page)
        self.sidebar.search_wanted.connect(self.search)
        page.toolbar.sidebar_wanted.connect(self.toggle_sidebar)
        page.toolbar.model.manage_wanted.connect(lambda: self.show_page("models"))
        page.shown_changed.connect(self._fit_sidebar)
        page.status_changed.connect(self._show_status)
        page.fairness.busy_changed.connect(self._show_status)
        self.trials.changed.connect(self._show_status)
        page.choose_model_wanted.connect(self.models.open_menu)
        page.fairness.load_wanted.connect(self.models.load)
        page.run_files.opened.connect(self._show_opened)
        self.models.status_changed.connect(self._show_status)
        self.templates.chosen.connect(page.focus_home.go)
        self.processor.chosen.connect(page.focus_home.go)
        self.chats.title_changed.connect(self._show_title)
        desk.settings_changed.connect(self._settings_changed)
        desk.trouble.connect(self.show_trouble)
        for troubled in (self.page.runs.failed, self.page.runs.refused):
            troubled.connect(self.templates.refused)

    def _acts(self) -> dict[str, Act]:
        """What each of the commands does."""
        page, moves = self.page, self.moves
        differences = DifferenceActs(lambda: page.view)
        acts: dict[str, Act] = {
            "new": self.chats.new,
            "search": self.search,
            "add_lane": page.acts.add,
            "remove_lane": page.acts.remove,
            "chains": page.acts.toggle_editors,
            "save_recipe": partial(_in_front, self, page.acts.save_recipe),
            "paste_command": partial(_in_front, self, page.acts.paste_command),
            "import_settings": partial(_in_front, self, page.acts.import_settings),
            "recipes": partial(_in_front, self, page.acts.manage_recipes),
            "numbers": page.numbers.toggle,
            "export": lambda: page.exports.open_menu(page.toolbar.more),
            "copy_markdown": page.exports.copy,
            "regenerate": page.acts.regenerate,
            "answer_now": page.acts.answer_now,
            "answer_again": lambda: page.acts.on_lane(
                "Answer again in which lane?", lambda lane: page.again.once(page.view, lane)
            ),
            "edit_thought": lambda: page.acts.on_lane(
                "Edit the thought of which lane?", lambda lane: page.again.edit_now(page.view, lane)
            ),
            "first_difference": differences.first,
            "next_difference": differences.following,
            "previous_difference": differences.previous,
            "diff": differences.toggle_diff,
            "scroll_together": differences.toggle_link,
            "earlier": partial(moves.step_sibling, -1),
            "later": partial(moves.step_sibling, 1),
            "stop": moves.escape,
            "compare": page.compare_first,
            "rerun": partial(_in_front, self, page.fairness.run_again),
            "check": partial(_in_front, self, page.fairness.check),
            "save_manifest": partial(_in_front, self, page.run_files.save),
            "open_manifest": partial(_in_front, self, page.run_files.open),
            "model": self.choose_model,
            "open_model": self.ask_model_file,
            "template": self.templates.open_menu,
            "engine": self.engine_settings,
            "sidebar": self.toggle_sidebar,
            "chats_page": partial(self.show_page, "conversation"),
            "models_page": partial(self.show_page, "models"),
            "lab_page": partial(self.show_page, "lab"),
            "save_experiment": self.save_experiment,
            "settings_page": partial(self.show_page, "settings"),
            "palette": self.open_palette,
            "next_region": partial(moves.step_region, 1),
            "previous_region": partial(moves.step_region, -1),
            "quit": lambda: self.window().close(),
        }
        lanes = {f"lane_{letter}": partial(moves.focus_lane, n) for n, letter in enumerate("abcd")}
        return acts | lanes

    def _show_opened(self, conversation_id: int, mode: str) -> None:
        """A run from a file: its conversation, and what has changed since."""
        self.chats.open(conversation_id)
        self.page.view.chosen_mode = "fast" if mode == "fast" else "exact"
        self.page.refresh()
        self.page.fairness.open()

    # ------------------------------------------------------------ from start to end

    def start(self, crash: Crash | None = None) -> None:
        """After the window is shown: look for models, load the one of last time.

        `crash` says which load ended an earlier run; then nothing is loaded unasked.
        """
        self.show_page("conversation")
        self.chats.begin()
        self.models.begin(crash)
        self._show_status()

    async def end(self) -> None:
        """Stop runs and loads, and save."""
        self.loader.cancel()
        self.trials.stop()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.page.close_runs(), RUN_END_S)
        self.chats.close()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.tasks.closed(), _TASK_END_S)

    # ------------------------------------------------------------ pages and dialogs

    def show_page(self, name: str) -> None:
        """Show a page; it is made when it is shown first."""
        if name not in self._pages:
            self._pages[name] = make_page(name, self)
            self.stack.addWidget(self._pages[name])
        self.stack.setCurrentWidget(self._pages[name])
        self.sidebar.set_page(name)
        self._shown_page = name
        self._fit_sidebar()
        target = self.page.composer.input if name == "conversation" else self._pages[name]
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def engine_settings(self) -> None:
        """Open the engine settings dialog."""
        from qwqdesk.ui.settings.engine_dialog import EngineDialog

        EngineDialog(self, self.desk, self.models.load).open()

    def run_experiment(self, experiment: Experiment, seed: int, model: Path | None = None) -> None:
        """Run an experiment once, where it can be read.

        Args:
            experiment: what is run.
            seed: of this run.
            model: for the lanes without a model of their own; None is whatever is loaded.
        """
        self.show_page("conversation")
        shared = str(model) if model is not None else None
        lanes = [replace(lane, model=lane.model or shared) for lane in experiment.setups(seed)]
        system = experiment.system_prompt
        self.page.compare(experiment.prompt, lanes, system, experiment.mode)

    def save_experiment(self) -> None:
        """Keep the shown comparison as an experiment."""
        from qwqdesk.ui.lab.saving import save_comparison

        save_comparison(self.desk, self.page, self)

    def open_palette(self) -> None:
        """Open the command palette."""
        from qwqdesk.ui.palette import Palette

        Palette(self, self.commands.run).open()

    def search(self) -> None:
        """Put the cursor into the search field; the rail opens for it."""
        if self.sidebar.rail:
            self.toggle_sidebar()
        self.sidebar.focus_search()

    # ------------------------------------------------------------ models

    def choose_model(self) -> None:
        """Open the model picker's menu."""
        self.show_page("conversation")
        self.models.open_menu()

    def load_and_show(self, path: Path) -> None:
        """Load a model from another page, and go where its progress is."""
        self.show_page("conversation")
        self.models.load(path)

    def ask_model_file(self) -> None:
        """Let the user choose a model file and load it."""
        self.show_page("conversation")
        self.models.ask_file()

    # ------------------------------------------------------------ messages

    def show_trouble(self, error: UserError) -> None:
        """An error without a place of its own: below the toolbar."""
        self.page.bands.tell(error.what, error.what_to_do)

    def _show_status(self) -> None:
        if self.page.runs.view is not None:
            self.sidebar.set_status("accent", "Answering")
        elif self.page.fairness.busy:
            self.sidebar.set_status("accent", self.page.fairness.busy.partition(":")[0])
        elif self.models.status:
            self.sidebar.set_status("accent", self.models.status)
        elif self.trials.running:
            self.sidebar.set_status("accent", "Running trials")
        elif self.desk.model is None:
            self.sidebar.set_status("control", "No model")
        else:
            self.sidebar.set_status("good", "Ready")

    def _show_title(self, title: str) -> None:
        self.window().setWindowTitle(f"{title} – QwQ Desk" if title else "QwQ Desk")

    # ------------------------------------------------------------ geometry

    def toggle_sidebar(self) -> None:
        """Rail or sidebar; the user's choice wins until the window closes."""
        self._rail_chosen = not self.sidebar.rail
        self.sidebar.set_rail(self._rail_chosen)
        self.desk.change(sidebar_open=not self._rail_chosen)

    def _fit_sidebar(self) -> None:
        """The rail by itself where lanes or a page would be too narrow beside the sidebar."""
        if self._rail_chosen is not None:
            return
        lanes = len(self.page.view.lanes)
        wanted = lanes * _NARROWEST_LANE if lanes > 1 else _NARROWEST_ALONE
        wanted = WANTED_WIDTHS.get(self._shown_page, wanted)
        narrow = self.width() - theme().px(WIDTH) < theme().px(wanted)
        rail = narrow or not self.desk.settings.sidebar_open
        if rail != self.sidebar.rail:
            self.sidebar.set_rail(rail)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.page.composer.set_low(self.height() < theme().px(_LOW_WINDOW))
        self._fit_sidebar()

    def _settings_changed(self, *_: object) -> None:
        settings = self.desk.settings
        theme().set_reduce_motion(settings.reduce_motion)
        theme().set_choice(settings.theme)
        if theme().percent != settings.text_size:
            theme().set_percent(settings.text_size)
            QTimer.singleShot(0, self._remake_pages)

    def _remake_pages(self) -> None:
        """Pages have the sizes with which they were made."""
        shown = self.stack.currentWidget()
        for name in [name for name in self._pages if name != "conversation"]:
            page = self._pages.pop(name)
            if page is shown:
                self.show_page(name)
            self.stack.removeWidget(page)
            page.hide()
            page.deleteLater()
        self._fit_sidebar()

    # ------------------------------------------------------------ files dropped on the window

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        for url in event.mimeData().urls()[:1]:
            path = Path(url.toLocalFile())
            if path.suffix.lower() == ".gguf":
                self.load_and_show(path)
            elif is_experiment_file(path):
                _import_experiment(self, path)
            elif path.is_file():
                self.page.composer.attach_file(path)


def _in_front(workspace: Workspace, act: Act) -> None:
    """Do something on the conversation page, with that page in front."""
    workspace.show_page("conversation")
    act()


def _import_experiment(workspace: Workspace, path: Path) -> None:
    """Keep the experiment of a file, and show it in the lab."""
    from qwqdesk.ui.lab.page import LabPage

    workspace.show_page("lab")
    page = workspace.stack.currentWidget()
    if isinstance(page, LabPage):
        page.import_file(path)
