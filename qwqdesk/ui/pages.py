"""The pages beside the conversation, in one table; each is made when it is shown first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from PySide6.QtWidgets import QWidget

from qwqdesk.experiment import Experiment
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.loading import ModelLoader

if TYPE_CHECKING:
    from qwqdesk.ui.lab.trial_runs import TrialRuns
    from qwqdesk.ui.models.downloads_watch import DownloadWatch

# The module's `make_page(shell)` makes the page.
PAGES = {
    "models": "qwqdesk.ui.models.page",
    "lab": "qwqdesk.ui.lab.page",
    "settings": "qwqdesk.ui.settings.page",
}
# px that a page wants; with less beside the sidebar, that becomes the rail.
WANTED_WIDTHS = {"models": 800, "lab": 760}


@runtime_checkable
class HasRegions(Protocol):
    """A page of several parts, between which F6 goes."""

    def regions(self) -> Sequence[QWidget]:
        """Its parts in order."""


class Shell(Protocol):
    """What a page may ask of the window around it."""

    desk: Desk
    loader: ModelLoader
    watch: DownloadWatch
    trials: TrialRuns

    def show_page(self, name: str) -> None:
        """Show a page by its name."""

    def toggle_sidebar(self) -> None:
        """Sidebar or rail."""

    def engine_settings(self) -> None:
        """Open the engine settings."""

    def choose_model(self) -> None:
        """Go to the chats and open the menu of models."""

    def load_and_show(self, path: Path) -> None:
        """Load a model and go where its progress is."""

    def run_experiment(self, experiment: Experiment, seed: int, model: Path | None = None) -> None:
        """Run an experiment once, as a comparison to be read; on a model other than the loaded."""

    def ask_model_file(self) -> None:
        """Let the user choose a model file."""


def make_page(name: str, shell: Shell) -> QWidget:
    """The page of this name; KeyError for others."""
    make = cast("Callable[[Shell], QWidget]", import_module(PAGES[name]).make_page)
    return make(shell)
