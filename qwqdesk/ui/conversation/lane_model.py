"""On which model a lane runs: its badge in the head, and the menu that chooses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from qwqdesk.models.library import LibraryModel
from qwqdesk.models.quants import label_of_name
from qwqdesk.ui.base import Badge, badge_size, plain_tip
from qwqdesk.ui.icons import icon
from qwqdesk.ui.model_picker import file_title

MODEL_FILES = "Models (*.gguf);;All files (*)"
_MOST_LISTED = 30
_LEAST, _LEAST_START = 12, 6  # letters of a name that is cut, and of its beginning

Choose = Callable[[Path | None], object]


class LaneModelBadge(Badge):
    """Names the lane's own model; hidden while the lane runs on the loaded one."""

    def __init__(self) -> None:
        super().__init__("neutral", "cpu", "", name="laneModelBadge")
        self._title, self._room = "", 0
        self.hide()

    def show_model(self, path: str | None) -> None:
        """Show the file that the lane runs on; None is the chosen model."""
        self.setVisible(path is not None)
        self._title = file_title(Path(path)) if path is not None else ""
        self._say()

    def fit(self, room: int) -> None:
        """Take at most so many pixels."""
        if room != self._room:
            self._room = room
            self._say()

    def _say(self) -> None:
        title = self._title
        lengths = range(len(title), _LEAST, -1)
        names = (short_title(title, length) for length in lengths)
        fitting = (name for name in names if badge_size("cpu", name).width() <= self._room)
        shown = next(fitting, short_title(title, _LEAST))
        self.set_badge("neutral", "cpu", shown, plain_tip(f"Runs on {title}"))
        self.setAccessibleName(f"Model of this lane: {title}")


def short_title(title: str, longest: int) -> str:
    """A model's name in so many letters: its beginning, and its quantization."""
    if len(title) <= longest:
        return title
    label = label_of_name(title) or ""
    start = title[: max(_LEAST_START, longest - len(label) - 2)].rstrip("-._ ")
    return f"{start}\N{HORIZONTAL ELLIPSIS} {label}".rstrip()


def add_model_menu(
    menu: QMenu, models: Sequence[LibraryModel], present: str | None, choose: Choose, ask: Choose
) -> QMenu:
    """A submenu that offers the library's models.

    Args:
        menu: the lane's menu.
        models: what is on this computer.
        present: the lane's own model; None is the chosen one.
        choose: gets the path, None for the chosen one.
        ask: lets the user choose a file.
    """
    own = menu.addMenu(icon("cpu"), "Model of this lane")
    own.setObjectName("laneModelMenu")
    fill_model_menu(own, models, present, choose, ask)
    return own


def fill_model_menu(
    own: QMenu, models: Sequence[LibraryModel], present: str | None, choose: Choose, ask: Choose
) -> None:
    """The models to choose from, in a menu that is empty; the rest as `add_model_menu`."""
    group = QActionGroup(own)
    loaded = own.addAction("The chosen model")
    loaded.setCheckable(True)
    loaded.setChecked(present is None)
    loaded.triggered.connect(lambda *_: choose(None))
    group.addAction(loaded)
    own.addSeparator()
    for model in [model for model in models if model.complete][:_MOST_LISTED]:
        text = f"{file_title(model.path)}\t{model.label}"
        action = own.addAction(text.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(present == str(model.path))
        action.triggered.connect(_choosing(choose, model.path))
        group.addAction(action)
    own.addSeparator()
    own.addAction(icon("folder-open"), "Open file…", lambda: ask(None))


def _choosing(choose: Choose, path: Path) -> Callable[..., None]:
    def act(*_: object) -> None:
        choose(path)

    return act
