"""The downloads as Qt's table shows and screen readers read them; rows can be dragged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from qwqdesk.models.queue_item import QueueRow
from qwqdesk.ui.base import plain_tip
from qwqdesk.ui.models.downloads_look import Look, look, title

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole
NAME, BAR, WORDS, ACTS = range(4)
_HEADS = ("Download", "Progress", "State", "Actions")
_WAITS = ("queued", "downloading", "stalled", "retrying", "waiting", "checking", "verifying")


@dataclass(frozen=True)
class ShownRow:
    """A download with its name and its look."""

    row: QueueRow
    title: str
    look: Look


def shown_rows(rows: Sequence[QueueRow], *, offline: bool = False) -> list[ShownRow]:
    """Rows with how many go before those that wait."""
    result, ahead = [], 0
    for row in rows:
        result.append(ShownRow(row, title(row), look(row, ahead, offline=offline)))
        ahead += row.status.state in _WAITS
    return result


class DownloadsModel(QAbstractTableModel):
    """Columns: the name, the bar, the state in words, and a place for buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ShownRow] = []

    def show_rows(self, rows: list[ShownRow]) -> bool:
        """Show these; True when other downloads are there or their order has changed."""
        old = [shown.row.id for shown in self.rows]
        if old != [shown.row.id for shown in rows]:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
            return True
        before, self.rows = self.rows, rows
        for number, (was, now) in enumerate(zip(before, rows, strict=True)):
            if was.look != now.look:
                self.dataChanged.emit(self.index(number, NAME), self.index(number, ACTS))
        return False

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(_HEADS)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return _HEADS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        shown = self.rows[index.row()]
        if role == ROW_ROLE:
            return shown
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return _text(shown, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            whole = f"{shown.title}\n{shown.row.repo}"
            return plain_tip(whole if index.column() == NAME else shown.look.whole)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        enabled = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return enabled | Qt.ItemFlag.ItemIsDragEnabled | Qt.ItemFlag.ItemNeverHasChildren

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802 - Qt's name
        return Qt.DropAction.MoveAction


def _text(shown: ShownRow, column: int) -> str:
    if column == NAME:
        return f"{shown.title}, {shown.row.repo}"
    if column == BAR:
        return f"{shown.look.share:.0%}"
    return shown.look.whole if column == WORDS else ""
