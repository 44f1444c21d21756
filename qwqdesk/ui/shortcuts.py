"""The window's commands in one table: shortcuts, menu and palette come from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from qwqdesk.ui.icons import icon

if TYPE_CHECKING:
    from qwqdesk.ui.window import Window


@dataclass(frozen=True)
class Command:
    """One thing to do. `menu`: it stands in the menu behind the three dots."""

    id: str
    title: str
    icon: str
    keys: str
    act: Callable[[], object]
    menu: bool = False
    listed: bool = True


def window_commands(window: Window) -> tuple[Command, ...]:
    """All commands of the window, in the order of the palette."""
    page = window.page
    moves = window.moves
    plain = (
        Command("new", "New chat", "square-pen", "Ctrl+N", window.new_conversation),
        Command("search", "Search chats", "search", "Ctrl+K", window.search),
        Command("add_lane", "Add lane", "plus", "Ctrl+T", page.add_lane),
        Command("remove_lane", "Remove lane", "x", "Ctrl+W", page.remove_lane),
        Command("chains", "Open or close chain editors", "sliders-horizontal", "Ctrl+E",
                page.toggle_editors, menu=True),
        Command("regenerate", "Regenerate lane", "rotate-ccw", "Ctrl+R", page.regenerate),
        Command("earlier", "Earlier reply", "chevron-left", "Alt+Left",
                partial(moves.step_sibling, -1)),
        Command("later", "Later reply", "chevron-right", "Alt+Right",
                partial(moves.step_sibling, 1)),
        Command("stop", "Stop", "square", "Esc", moves.escape),
        Command("compare", "Compare two recipes on the Flappy Bird prompt", "columns-2", "",
                page.compare_first, menu=True),
        Command("model", "Choose model", "cpu", "Ctrl+L", window.choose_model),
        Command("open_model", "Open model file", "folder-open", "Ctrl+O", window.ask_model_file),
        Command("engine", "Engine settings", "gauge", "", window.engine_settings, menu=True),
        Command("sidebar", "Sidebar or rail", "panel-left", "Ctrl+B", window.toggle_sidebar),
        Command("models", "Models", "package", "", partial(window.show_page, "models")),
        Command("settings", "Settings", "settings", "Ctrl+,", partial(window.show_page, "settings"),
                menu=True),
        Command("palette", "Command palette", "terminal", "Ctrl+Shift+P", window.open_palette,
                menu=True, listed=False),
        Command("next_region", "Next region", "arrow-right", "F6", partial(moves.step_region, 1)),
        Command("previous_region", "Previous region", "arrow-left", "Shift+F6",
                partial(moves.step_region, -1)),
        Command("quit", "Quit", "x", "Ctrl+Q", window.close),
    )  # fmt: skip
    lanes = tuple(
        Command(f"lane_{letter}", f"Go to lane {letter}", "arrow-right", f"Ctrl+{number + 1}",
                partial(moves.focus_lane, number))
        for number, letter in enumerate("ABCD")
    )  # fmt: skip
    return plain + lanes


class Commands(QObject):
    """The commands as actions of the window."""

    def __init__(self, window: Window, commands: Sequence[Command]) -> None:
        super().__init__(window)
        self.all = tuple(commands)
        self._actions: dict[str, QAction] = {}
        for command in self.all:
            action = QAction(icon(command.icon), command.title, window)
            action.setObjectName(f"command_{command.id}")
            if command.keys:
                action.setShortcut(QKeySequence(command.keys))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(partial(_call, command.act))
            window.addAction(action)
            self._actions[command.id] = action

    def run(self, command_id: str) -> None:
        """Do it, as its shortcut would."""
        self._actions[command_id].trigger()

    def fill_menu(self, menu: QMenu) -> None:
        """The menu behind the three dots."""
        menu.clear()
        for command in self.all:
            if command.menu:
                menu.addAction(self._actions[command.id])


def _call(act: Callable[[], object], *_: object) -> None:
    act()
