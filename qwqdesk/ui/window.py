"""The main window: sidebar and pages, and what connects them."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenu, QStackedWidget, QWidget

from qwqdesk.diagnostics import LoadingMarker
from qwqdesk.engine.events import Loaded, LoadProgress
from qwqdesk.errors import UserError
from qwqdesk.ui.base import MessageBand, Toast
from qwqdesk.ui.conversation.page import ConversationPage
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import ask, open_file
from qwqdesk.ui.loading import ModelLoader, demo_model
from qwqdesk.ui.moves import Moves
from qwqdesk.ui.pages import PageSet
from qwqdesk.ui.shortcuts import Commands, window_commands
from qwqdesk.ui.sidebar import WIDTH, Sidebar
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

MINIMUM = (960, 600)
_FIRST_SIZE = (1280, 800)
_NARROWEST_LANE = 400  # px: below it the sidebar becomes the rail by itself
MODEL_FILES = "Models (*.gguf);;All files (*)"


class Window(QMainWindow):
    """Closing it only hides it and says so; the program ends in its own order."""

    def __init__(self, desk: Desk, closing: asyncio.Event) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("QwQ Desk")
        self.desk = desk
        self._closing = closing
        self._rail_chosen: bool | None = None
        self.tasks = Tasks(self, desk.report)
        self.loader = ModelLoader(desk, self.tasks, self)
        self.sidebar = Sidebar(desk.history)
        self._more = QMenu(self)
        self.page = ConversationPage(desk, self._more)
        self.pages = PageSet(self)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.page)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(self.stack, 1)
        self.setCentralWidget(middle)
        self.setAcceptDrops(True)
        self.moves = Moves(self)
        self.commands = Commands(self, window_commands(self))
        self._more.aboutToShow.connect(lambda: self.commands.fill_menu(self._more))
        self._connect()
        self._restore_geometry()
        self.sidebar.refresh()
        self.page.composer.input.setFocus(Qt.FocusReason.OtherFocusReason)

    def _connect(self) -> None:
        sidebar, page, loader, desk = self.sidebar, self.page, self.loader, self.desk
        sidebar.new_wanted.connect(self.new_conversation)
        sidebar.opened.connect(self.open_conversation)
        sidebar.renamed.connect(self._rename)
        sidebar.delete_wanted.connect(lambda number: self.tasks.start(self._delete(number)))
        sidebar.page_wanted.connect(self.show_page)
        sidebar.search_wanted.connect(self.search)
        page.toolbar.sidebar_wanted.connect(self.toggle_sidebar)
        page.shown_changed.connect(self._shown_changed)
        page.status_changed.connect(self._show_status)
        page.choose_model_wanted.connect(self.choose_model)
        desk.history_changed.connect(self._history_changed)
        desk.settings_changed.connect(lambda *_: self._settings_changed())
        desk.trouble.connect(self.show_trouble)
        picker = page.toolbar.model
        picker.model_chosen.connect(self.load)
        picker.open_wanted.connect(self.ask_model_file)
        picker.settings_wanted.connect(self.engine_settings)
        picker.manage_wanted.connect(lambda: self.show_page("models"))
        picker.cancel_wanted.connect(loader.cancel)
        loader.progressed.connect(self._load_progressed)
        loader.loaded.connect(self._loaded)
        loader.failed.connect(self._load_failed)
        loader.cancelled.connect(self._load_cancelled)
        loader.models_found.connect(picker.set_models)

    # ------------------------------------------------------------ from start to end

    def start(self, marker: LoadingMarker) -> None:
        """After the window is shown: look for models, load the one of last time."""
        self.show_page("conversation")
        crash = self.loader.begin(marker)
        if crash is not None:
            path = Path(crash.model)
            band = MessageBand(
                "warn",
                f"The program ended while it loaded {path.name}.",
                "A smaller context or fewer GPU layers may help.",
                name="crashBand",
            )
            band.add_action("Load demo model", lambda: self.load(demo_model()))
            band.add_action("Engine settings", self.engine_settings)
            band.add_action("Try again", lambda: self.load(path))
            self.page.show_band(band)
        self._show_status()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Only hides and signals: what runs is stopped and saved behind it."""
        self._save_geometry()
        self.hide()
        self._closing.set()
        event.accept()

    async def end(self) -> None:
        """Stop runs and loads, save, and take the window apart."""
        self.loader.cancel()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.page.close_runs(), 2.0)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.tasks.closed(), 1.0)
        self.hide()
        self.deleteLater()

    # ------------------------------------------------------------ pages

    def show_page(self, name: str) -> None:
        """Show a page; it is made when it is shown first."""
        widget = self.page if name == "conversation" else self.pages.page(name)
        if self.stack.indexOf(widget) < 0:
            self.stack.addWidget(widget)
        self.stack.setCurrentWidget(widget)
        self.sidebar.set_page(name)
        if name == "conversation":
            self.page.composer.input.setFocus(Qt.FocusReason.OtherFocusReason)

    def engine_settings(self) -> None:
        """Open the engine settings dialog."""
        from qwqdesk.ui.settings.engine_dialog import EngineDialog

        EngineDialog(self).open()

    def open_palette(self) -> None:
        """Open the command palette."""
        from qwqdesk.ui.palette import Palette

        Palette(self).open()

    # ------------------------------------------------------------ conversations

    def new_conversation(self) -> None:
        """An empty chat."""
        self.page.open_new()
        self.show_page("conversation")

    def open_conversation(self, conversation_id: int) -> None:
        """Show a conversation of the list."""
        try:
            self.page.open_conversation(conversation_id)
        except UserError as error:
            self.show_trouble(error)
        self.show_page("conversation")

    def search(self) -> None:
        """Put the cursor into the search field; the rail opens for it."""
        if self.sidebar.rail:
            self.toggle_sidebar()
        self.sidebar.focus_search()

    def _rename(self, conversation_id: int, title: str) -> None:
        self.desk.history.rename(conversation_id, title)
        if self.page.view.conversation_id == conversation_id:
            self.page.view.title = title
        self._history_changed()
        self._shown_changed()

    async def _delete(self, conversation_id: int) -> None:
        words = "Its messages and replies are removed from this computer."
        if await ask(self, "Delete this chat?", words, "Delete chat", danger=True):
            await self.page.forget(conversation_id)
            self.desk.history.delete(conversation_id)
            self._history_changed()
            Toast(self.page, "Chat deleted")

    def _history_changed(self) -> None:
        self.sidebar.refresh()
        self._shown_changed()

    def _shown_changed(self) -> None:
        view = self.page.view
        self.sidebar.set_current(view.conversation_id)
        self.setWindowTitle(f"{view.title} – QwQ Desk" if view.conversation_id else "QwQ Desk")
        self._fit_sidebar()

    # ------------------------------------------------------------ models

    def choose_model(self) -> None:
        """Open the model picker's menu."""
        self.show_page("conversation")
        self.page.toolbar.model.open_menu()

    def load(self, path: Path) -> None:
        """Load a model file."""
        for name in ("loadBand", "crashBand"):
            self.page.hide_band(name)
        self.loader.load(path)

    def ask_model_file(self) -> None:
        """Let the user choose a file and load it."""
        self.tasks.start(self._open_model_file())

    async def _open_model_file(self) -> None:
        path = await open_file(self, "Open model", MODEL_FILES)
        if path is not None:
            self.load(path)

    def _load_progressed(self, name: str, progress: LoadProgress) -> None:
        self.page.toolbar.model.show_progress(name, progress)
        self.sidebar.set_status("accent", f"{progress.what} {name}")

    def _loaded(self, loaded: Loaded) -> None:
        self.page.hide_band("loadBand")
        self.page.toolbar.model.show_loaded(loaded)
        if loaded.notes:
            band = MessageBand("warn", loaded.notes[0], " ".join(loaded.notes[1:]), name="loadBand")
            band.add_action("Close", lambda: self.page.hide_band("loadBand"), flat=True)
            self.page.show_band(band)
        self.loader.rescan()
        self._show_status()

    def _load_failed(self, path: Path, error: UserError) -> None:
        self._show_present_model(failed=True)
        band = MessageBand("bad", error.what, error.what_to_do, name="loadBand")
        band.add_action("Try again", lambda: self.load(path))
        band.add_action("Choose model", self.choose_model)
        band.add_action("Engine settings", self.engine_settings, flat=True)
        self.page.show_band(band)

    def _load_cancelled(self) -> None:
        self._show_present_model(failed=False)

    def _show_present_model(self, *, failed: bool) -> None:
        loaded = self.desk.session.loaded
        if loaded is None:
            self.page.toolbar.model.show_none(failed)
        else:
            self.page.toolbar.model.show_loaded(loaded)
        self._show_status()

    # ------------------------------------------------------------ messages

    def show_trouble(self, error: UserError) -> None:
        """An error without a place of its own: below the toolbar."""
        band = MessageBand("warn", error.what, error.what_to_do, name="troubleBand")
        band.add_action("Close", lambda: self.page.hide_band("troubleBand"), flat=True)
        self.page.show_band(band)

    def _show_status(self) -> None:
        running = self.page.runs.view
        loaded = self.desk.session.loaded
        if running is not None:
            self.sidebar.set_status("accent", "Answering")
        elif self.loader.busy:
            return
        elif loaded is None:
            self.sidebar.set_status("control", "No model")
        else:
            self.sidebar.set_status("good", "Ready")

    # ------------------------------------------------------------ geometry

    def toggle_sidebar(self) -> None:
        """Rail or sidebar; the user's choice wins until the window closes."""
        self._rail_chosen = not self.sidebar.rail
        self.sidebar.set_rail(self._rail_chosen)
        self.desk.change(sidebar_open=not self._rail_chosen)

    def _fit_sidebar(self) -> None:
        """The rail by itself where lanes would be too narrow beside the sidebar."""
        if self._rail_chosen is not None:
            return
        lanes = len(self.page.view.lanes)
        room = (self.width() - theme().px(WIDTH)) / lanes
        narrow = lanes > 1 and room < theme().px(_NARROWEST_LANE)
        rail = narrow or not self.desk.settings.sidebar_open
        if rail != self.sidebar.rail:
            self.sidebar.set_rail(rail)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_sidebar()

    def _settings_changed(self) -> None:
        settings = self.desk.settings
        theme().set_reduce_motion(settings.reduce_motion)
        theme().set_choice(settings.theme)
        theme().set_percent(settings.text_size)
        self._set_minimum()

    def _set_minimum(self) -> None:
        self.setMinimumSize(*MINIMUM)

    def _restore_geometry(self) -> None:
        self._set_minimum()
        self.resize(*_FIRST_SIZE)
        kept = self.desk.settings.window_geometry
        with suppress(ValueError):
            self.restoreGeometry(QByteArray(base64.b64decode(kept, validate=True)))

    def _save_geometry(self) -> None:
        kept = base64.b64encode(self.saveGeometry().data()).decode("ascii")
        self.desk.change(window_geometry=kept)

    # ------------------------------------------------------------ files dropped on the window

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        for url in event.mimeData().urls()[:1]:
            path = Path(url.toLocalFile())
            if path.suffix.lower() == ".gguf":
                self.load(path)
            elif path.is_file():
                self.page.attach(path)
