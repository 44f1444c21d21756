"""The window's commands in one table: shortcuts, menu and palette come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from qwqdesk.ui.icons import icon

Act = Callable[[], object]


@dataclass(frozen=True)
class Command:
    """One thing to do. `menu`: it stands in the menu behind the three dots."""

    id: str
    title: str
    icon: str
    keys: str = ""
    menu: bool = False
    listed: bool = True


# In the order of the palette.
COMMANDS: tuple[Command, ...] = (
    Command("new", "New chat", "square-pen", "Ctrl+N"),
    Command("search", "Search chats", "search", "Ctrl+K"),
    Command("add_lane", "Add lane", "plus", "Ctrl+T"),
    Command("remove_lane", "Remove lane: the last one you used, or choose", "x", "Ctrl+W"),
    Command("chains", "Open or close chain editors", "sliders-horizontal", "Ctrl+E", menu=True),
    Command("save_recipe", "Save as recipe", "save"),
    Command("paste_command", "Paste a command", "terminal"),
    Command("import_settings", "Import settings", "file-text"),
    Command("recipes", "Your recipes: rename, describe, delete", "pencil"),
    Command("numbers", "Open or close the numbers", "list-ordered", "Ctrl+M", menu=True),
    Command("export", "Export comparison", "file-down", menu=True),
    Command("copy_markdown", "Copy comparison as Markdown", "copy"),
    Command("regenerate", "Regenerate: the last lane you used, or all", "rotate-ccw", "Ctrl+R"),
    Command("answer_now", "Answer now", "message-square"),
    Command("answer_again", "Answer again from the same thought", "message-square-plus"),
    Command("edit_thought", "Edit the thought and answer again", "pencil"),
    Command("first_difference", "Go to the first difference", "git-fork", "Ctrl+J"),
    Command("next_difference", "Next difference or code error", "chevron-down", "F8"),
    Command("previous_difference", "Previous difference or code error", "chevron-up", "Shift+F8"),
    Command("diff", "Word diff on or off", "git-compare", "Ctrl+D"),
    Command("scroll_together", "Scroll the lanes together or apart", "link-2"),
    Command("earlier", "Earlier reply", "chevron-left", "Alt+Left"),
    Command("later", "Later reply", "chevron-right", "Alt+Right"),
    Command("stop", "Stop", "square", "Esc"),
    Command("compare", "Compare the same values in two orders", "columns-2", menu=True),
    Command("rerun", "Run again and compare", "rotate-ccw", menu=True),
    Command("check", "Check fairness: the same lane twice", "scale"),
    Command("save_manifest", "Save manifest", "save", menu=True),
    Command("open_manifest", "Open manifest", "folder-open", menu=True),
    Command("model", "Choose model", "cpu", "Ctrl+L"),
    Command("open_model", "Open model file", "folder-open", "Ctrl+O"),
    Command("template", "Choose chat template", "message-square"),
    Command("engine", "Engine settings", "gauge", menu=True),
    Command("sidebar", "Sidebar or rail", "panel-left", "Ctrl+B"),
    Command("chats_page", "Chats", "message-square"),
    Command("models_page", "Models", "package"),
    Command("lab_page", "Lab", "flask-conical"),
    Command("save_experiment", "Save as experiment", "flask-conical", menu=True),
    Command("settings_page", "Settings", "settings", "Ctrl+,", menu=True),
    Command("palette", "Command palette", "terminal", "Ctrl+Shift+P", menu=True, listed=False),
    Command("next_region", "Next region", "arrow-right", "F6"),
    Command("previous_region", "Previous region", "arrow-left", "Shift+F6"),
    Command("lane_a", "Go to lane A", "arrow-right", "Ctrl+1"),
    Command("lane_b", "Go to lane B", "arrow-right", "Ctrl+2"),
    Command("lane_c", "Go to lane C", "arrow-right", "Ctrl+3"),
    Command("lane_d", "Go to lane D", "arrow-right", "Ctrl+4"),
    Command("quit", "Quit", "x", "Ctrl+Q"),
)


class Commands(QObject):
    """The commands as actions of a window; `acts` has one function for each id."""

    def __init__(self, window: QWidget, acts: Mapping[str, Act]) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        for command in COMMANDS:
            action = QAction(icon(command.icon), command.title, window)
            action.setObjectName(f"command_{command.id}")
            if command.keys:
                action.setShortcut(QKeySequence(command.keys))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(partial(_call, acts[command.id]))
            window.addAction(action)
            self._actions[command.id] = action

    def run(self, command_id: str) -> None:
        """Do it, as its shortcut would."""
        self._actions[command_id].trigger()

    def fill_menu(self, menu: QMenu) -> None:
        """The menu behind the three dots."""
        menu.clear()
        for command in COMMANDS:
            if command.menu:
                menu.addAction(self._actions[command.id])


def _call(act: Act, *_: object) -> None:
    act()
