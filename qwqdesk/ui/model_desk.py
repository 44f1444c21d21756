"""The model in the window: the picker, its messages below the toolbar, and choosing a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from qwqdesk.diagnostics import Crash
from qwqdesk.engine.events import Loaded, LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.processor_words import phase_words
from qwqdesk.ui.base import MessageBand, plain_tip
from qwqdesk.ui.conversation.page import ConversationPage
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import open_file
from qwqdesk.ui.lab.trial_runs import TrialRuns
from qwqdesk.ui.loading import ModelLoader, demo_model
from qwqdesk.ui.model_picker import file_title
from qwqdesk.ui.tasks import Tasks

MODEL_FILES = "Models (*.gguf);;All files (*)"
_BY_SETTINGS = ("context", "load", "value")  # failures that other engine settings may mend
_DEFAULTS_USED = "Loaded with default engine settings, this once."
_OWN_KEPT = "Yours are kept. They apply to the next load."


class ModelDesk(QObject):
    """`status_changed` says that a load began, went on or ended; `status` has its words."""

    status_changed = Signal()

    def __init__(
        self,
        desk: Desk,
        page: ConversationPage,
        loader: ModelLoader,
        tasks: Tasks,
        trials: TrialRuns,
        engine_settings: Callable[[], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._desk, self._page, self._loader, self._tasks = desk, page, loader, tasks
        self._trials = trials
        self._waiting: tuple[Path, EngineSettings | None] | None = None  # for the end of a run
        self._widget = parent
        self._engine_settings = engine_settings
        self._defaults = EngineSettings()
        self.status = ""
        picker = page.toolbar.model
        picker.model_chosen.connect(self._choose)
        picker.open_wanted.connect(self.ask_file)
        picker.settings_wanted.connect(engine_settings)
        picker.cancel_wanted.connect(loader.cancel)
        loader.progressed.connect(self._progressed)
        loader.loaded.connect(self._loaded)
        loader.failed.connect(self._failed)
        loader.cancelled.connect(self._show_present)
        loader.models_found.connect(picker.set_models)
        loader.recent_found.connect(picker.set_recent)
        desk.model_changed.connect(self._model_changed)
        for something_ended in (page.status_changed, trials.changed):
            something_ended.connect(self._load_waiting)
            something_ended.connect(self._tell_changed)

    def begin(self, crash: Crash | None) -> None:
        """Load what was used last, or say what an earlier load did."""
        if crash is not None:
            self._loader.rescan()
            self._tell_crash(crash)
        else:
            self._loader.begin()

    def load(self, path: Path, settings: EngineSettings | None = None) -> None:
        """Load a model file, by the user's engine settings unless others are given.

        While something runs on the present model, the file is loaded when that has ended.
        """
        for name in ("loadBand", "crashBand"):
            self._page.bands.take_away(name)
        self._waiting = (path, settings)
        self._load_waiting()
        if self._waiting is not None:
            self._tell_waiting(path)

    def _busy_with(self) -> str:
        """What runs on the present model, in words; nothing when it can be replaced."""
        if self._trials.running:
            return "the trials have ended"
        if self._page.fairness.busy:
            return "the check has ended"
        running = self._page.runs.view is not None or self._desk.session.running
        return "the answer is finished" if running else ""

    def _load_waiting(self) -> None:
        """Something began or ended: load what waits, if it can be loaded now."""
        if self._waiting is not None and not self._busy_with():
            (path, settings), self._waiting = self._waiting, None
            self._page.bands.review()
            self._loader.load(path, settings)

    def _tell_waiting(self, path: Path) -> None:
        band = MessageBand(
            "window",
            f"{file_title(path)} is loaded when {self._busy_with()}.",
            "What runs now uses the present model.",
            icon_name="cpu",
            name="loadBand",
        )
        band.add_action("Stop and load", self._stop_running).setObjectName("stopAndLoad")
        band.add_action("Do not load", self._drop_waiting, flat=True)
        self._page.bands.put(band, holds=lambda: self._waiting is not None)

    def _stop_running(self) -> None:
        self._trials.stop()
        self._page.runs.stop()
        self._desk.session.stop()  # a check has no run of the window's

    def _drop_waiting(self) -> None:
        self._waiting = None
        self._page.bands.review()

    def ask_file(self) -> None:
        """Let the user choose a file and load it."""
        self._tasks.start(self._open_file())

    def open_menu(self) -> None:
        """Open the picker's menu."""
        self._page.toolbar.model.open_menu()

    async def _open_file(self) -> None:
        path = await open_file(self._widget, "Open model", MODEL_FILES)
        if path is not None:
            self._choose(path)

    def _choose(self, path: Path) -> None:
        self.load(path)
        self._page.focus_home.go()

    def _progressed(self, name: str, progress: LoadProgress) -> None:
        self._page.toolbar.model.show_progress(name, progress)
        self._page.set_loading(name)
        words = phase_words(progress.phase)
        self._set_status(f"{words} {name}" if progress.phase == "weights" else f"{words} ({name})")

    def _loaded(self, loaded: Loaded) -> None:
        self._show_present()
        notes = list(loaded.notes)
        if self._loader.asked is self._defaults:
            notes = [_DEFAULTS_USED, _OWN_KEPT, *notes]
        if notes:
            band = MessageBand("warn", notes[0], " ".join(notes[1:]), name="loadBand")
            if self._loader.asked is self._defaults:
                band.add_action("Engine settings", self._engine_settings)
            self._put_closable(band)

    def _failed(self, path: Path, error: UserError) -> None:
        self._show_present()
        if self._desk.model is None:
            self._page.toolbar.model.show_none(failed=True)
        band = MessageBand("bad", error.what, error.what_to_do, below=True, name="loadBand")
        if error.detail:
            band.setToolTip(plain_tip(f"llama.cpp says:\n{error.detail}"))
        if error.code in _BY_SETTINGS and self._loader.asked != self._defaults:
            self._offer_defaults(band, path)
        band.add_action("Try again", lambda: self.load(path))
        band.add_action("Choose model", self.open_menu)
        band.add_action("Engine settings", self._engine_settings, flat=True)
        self._put_closable(band)

    def _offer_defaults(self, band: MessageBand, path: Path) -> None:
        """The way back from settings with which the model does not load."""
        act = band.add_action("Load with default settings", lambda: self._load_defaults(path))
        act.setObjectName("loadDefaultsButton")
        act.setToolTip("Loads it once with default engine settings. Yours are kept.")

    def _load_defaults(self, path: Path) -> None:
        self.load(path, self._defaults)

    def _put_closable(self, band: MessageBand) -> None:
        """Show a message that the user can take away."""
        name, loaded = band.objectName(), self._desk.session.loaded
        band.add_action("Close", lambda: self._page.bands.take_away(name), flat=True)
        self._page.bands.put(band, holds=lambda: self._desk.session.loaded is loaded)

    def _tell_changed(self) -> None:
        """A run was refused because the model's file is another one now: offer to load it."""
        session = self._desk.session
        file, plan = session.changed_file, session.plan
        if file is None or plan is None:
            return
        band = MessageBand(
            "warn",
            f"The model file {file.name} has changed since it was loaded.",
            "Load it again. What is shown was written by the model as it was.",
            icon_name="cpu",
            name="changedBand",
        )
        path, asked = plan.request.path, plan.asked
        band.add_action("Load again", lambda: self.load(path, asked)).setObjectName("loadAgain")
        self._page.bands.put(band, holds=lambda: session.changed_file is not None)

    def _show_present(self) -> None:
        self._page.bands.take_away("loadBand")
        self._page.set_loading("")
        loaded = self._desk.model
        if loaded is None:
            self._page.toolbar.model.show_none()
        else:
            self._page.toolbar.model.show_loaded(loaded)
        self._set_status("")

    def _model_changed(self) -> None:
        """Also a comparison on several models loads some."""
        loaded = self._desk.model
        if loaded is not None and not self._loader.busy:
            self._page.toolbar.model.show_loaded(loaded)

    def _tell_crash(self, crash: Crash) -> None:
        path = Path(crash.model)
        band = MessageBand(
            "warn",
            f"The program ended while it loaded {path.name}.",
            "A smaller context or fewer GPU layers may help.",
            below=True,
            name="crashBand",
        )
        if self._desk.settings.engine != self._defaults:
            self._offer_defaults(band, path)
        band.add_action("Load demo model", lambda: self.load(demo_model()))
        band.add_action("Engine settings", self._engine_settings)
        band.add_action("Try again", lambda: self.load(path))
        self._put_closable(band)

    def _set_status(self, words: str) -> None:
        self.status = words
        self.status_changed.emit()
