"""The menu of a row of the library."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from qwqdesk.ui.icons import icon
from qwqdesk.ui.models.library_table import TITLES, Column, LibraryRow

ORDER = "order_"


def row_menu(parent: QWidget, row: LibraryRow, act: Callable[[str], object]) -> QMenu:
    """A menu whose entries call `act` with their names."""
    menu = QMenu(parent)
    menu.setObjectName("libraryMenu")
    for group in _groups(row):
        if menu.actions():
            menu.addSeparator()
        for name, icon_name, words, keys in group:
            action = menu.addAction(icon(icon_name), f"{words}\t{keys}" if keys else words)
            action.setObjectName(f"library_{name}")
            action.triggered.connect(partial(_call, act, name))
    menu.addSeparator()
    menu.addMenu(_order(menu, act))
    return menu


def _order(parent: QMenu, act: Callable[[str], object]) -> QMenu:
    """What a click on a head does, for the keyboard; the same column again turns it round."""
    menu = QMenu("Order by", parent)
    menu.setIcon(icon("list-ordered"))
    for column in Column:
        if TITLES[column]:
            action = menu.addAction(TITLES[column])
            action.triggered.connect(partial(_call, act, f"{ORDER}{int(column)}"))
    return menu


def _groups(row: LibraryRow) -> list[list[tuple[str, str, str, str]]]:
    """Entries as act, icon, words and key, in groups."""
    model = row.model
    first = []
    if row.act == "load":
        first.append(("load", "play", "Load", "Enter"))
    if row.act == "download":
        first.append(("download", "download", "Download the missing part", "Enter"))
    if row.act == "cancel":
        first.append(("cancel", "x", "Cancel the check", "Esc"))
    elif model.source != "bundled":
        first.append(("verify", "shield-check", "Verify now", ""))
    first.append(("details", "info", "Details", ""))
    place = [("folder", "folder-open", "Open folder", ""), ("copy", "copy", "Copy path", "")]
    if model.repo:
        place.append(("repo", "external-link", "Other quantizations", ""))
    groups = [first, place]
    if model.source != "bundled":
        groups.append([("delete", "trash-2", "Delete…", "Del")])
    return groups


def _call(act: Callable[[str], object], name: str, *_: object) -> None:
    act(name)
