"""The library as a table model: rows, order, filter, and what a screen reader hears."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from pathlib import Path

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from qwqdesk.models.file_words import short_size
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.library_acts import copies
from qwqdesk.ui.base import plain_tip
from qwqdesk.ui.models.library_words import (
    check_words,
    copy_words,
    source_meaning,
    source_words,
    title,
    used_words,
)

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = int(Qt.ItemDataRole.UserRole)


class Column(IntEnum):
    """The table's columns."""

    NAME = 0
    LABEL = 1
    SIZE = 2
    CHECK = 3
    SOURCE = 4
    USED = 5
    ACTS = 6


TITLES = ("Model", "Quantization", "Size", "Checksum", "From", "Last used", "")
_NO_PARENT = QModelIndex()
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True)
class LibraryRow:
    """One model as the table shows it. `progress` is the share of a running check, or None."""

    model: LibraryModel
    copies: tuple[Path, ...] = ()
    loaded: bool = False
    progress: float | None = None

    @property
    def act(self) -> str:
        """What the row's own button does; empty when there is nothing to do."""
        if self.progress is not None:
            return "cancel"
        if not self.model.complete:
            return "download" if self.model.repo else ""
        return "load" if self.model.readable and not self.loaded else ""

    @property
    def act_words(self) -> str:
        """The words on it."""
        words = {"cancel": "Cancel", "download": "Download part", "load": "Load"}
        if self.act == "download" and len(self.model.missing) > 1:
            return "Download parts"
        return words.get(self.act, "Loaded" if self.loaded else "")


class LibraryTableModel(QAbstractTableModel):
    """Rows in the chosen order, of those that the filter lets through."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._models: Sequence[LibraryModel] = ()
        self._copies: Mapping[Path, tuple[Path, ...]] = {}
        self._progress: Mapping[Path, float] = {}
        self._loaded = ""
        self._words: tuple[str, ...] = ()
        self._only_copies = False
        self._order = (Column.NAME, Qt.SortOrder.AscendingOrder)
        self._rows: list[LibraryRow] = []

    # ------------------------------------------------------------ what is shown

    @property
    def models(self) -> Sequence[LibraryModel]:
        """All models, whatever the filter."""
        return self._models

    @property
    def rows(self) -> Sequence[LibraryRow]:
        """What is shown, in order."""
        return self._rows

    @property
    def copied(self) -> int:
        """How many models lie here more than once."""
        return len(self._copies)

    def show_models(self, models: Sequence[LibraryModel]) -> bool:
        """Show what was found; False when nothing is new."""
        if list(models) == list(self._models):
            return False
        self._models = list(models)
        self._copies = copies(models)
        self._arrange()
        return True

    def set_filter(self, text: str, only_copies: bool) -> None:
        """Show rows that have every word, or only what lies here twice."""
        self._words = tuple(text.lower().split())
        self._only_copies = only_copies
        self._arrange()

    def set_loaded(self, path: str) -> None:
        """Which file is loaded; an empty text is none."""
        if path != self._loaded:
            self._loaded = path
            self._refresh()

    def set_progress(self, progress: Mapping[Path, float]) -> None:
        """Which files are being checked, and the share that is done."""
        if progress != self._progress:
            self._progress = dict(progress)
            self._refresh()

    def row_of(self, path: Path) -> int:
        """The row that shows a file, or -1."""
        found = (n for n, row in enumerate(self._rows) if row.model.path == path)
        return next(found, -1)

    def _row(self, model: LibraryModel) -> LibraryRow:
        return LibraryRow(
            model,
            self._copies.get(model.path, ()),
            loaded=str(model.path) == self._loaded,
            progress=self._progress.get(model.path),
        )

    def _arrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = [row.model.path for row in self._rows]
        rows = [self._row(model) for model in self._models if self._shows(model)]
        column, order = self._order
        down = order == Qt.SortOrder.DescendingOrder
        rows.sort(key=lambda row: title(row.model).lower())
        if column != Column.NAME or down:
            rows.sort(key=lambda row: _sort_key(row, column), reverse=down)
        self._rows = rows
        self._move_indexes(before)
        self.layoutChanged.emit()

    def _move_indexes(self, before: list[Path]) -> None:
        """The current row stays with its model."""
        places = {row.model.path: number for number, row in enumerate(self._rows)}
        for index in self.persistentIndexList():
            old = before[index.row()] if index.row() < len(before) else None
            row = places.get(old, -1) if old is not None else -1
            new = self.index(row, index.column()) if row >= 0 else QModelIndex()
            self.changePersistentIndex(index, new)

    def _refresh(self) -> None:
        self._rows = [self._row(row.model) for row in self._rows]
        if self._rows:
            last = self.index(len(self._rows) - 1, len(TITLES) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _shows(self, model: LibraryModel) -> bool:
        if self._only_copies and model.path not in self._copies:
            return False
        if not self._words:
            return True
        text = " ".join(
            (str(model.path), model.repo or "", model.label, model.architecture or "",
             source_words(model), check_words(model).text)
        ).lower()  # fmt: skip
        return all(word in text for word in self._words)

    # ------------------------------------------------------------ Qt's virtual functions

    def rowCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(TITLES)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < Column.ACTS:
            self._order = (Column(column), order)
            self._arrange()

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(TITLES):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section == Column.SIZE else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], Column(index.column())
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return _spoken(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(_tip(row, column))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column == Column.SIZE else _LEFT
        return None


def _text(row: LibraryRow, column: Column) -> str:
    model = row.model
    if column == Column.CHECK and row.progress is not None:
        return f"Checking {row.progress * 100:.0f} %"
    return (
        title(model),
        model.label,
        short_size(model.size_bytes),
        check_words(model).text,
        source_words(model),
        used_words(model.last_used, date.today()),
        row.act_words,
    )[column]


def _spoken(row: LibraryRow, column: Column) -> str:
    if column == Column.NAME:
        parts = [title(row.model), copy_words(row.copies), "loaded" if row.loaded else ""]
        return ", ".join(part for part in parts if part)
    words = _text(row, column)
    if column == Column.SOURCE and (more := source_meaning(row.model)):
        words = f"{words}, {more}"
    return f"{TITLES[column] or 'Action'}: {words}"


def _tip(row: LibraryRow, column: Column) -> str:
    if column == Column.NAME:
        return "\n".join(str(path) for path in (row.model.path, *row.copies))
    if column == Column.CHECK:
        return check_words(row.model).meaning
    if column == Column.SOURCE:
        return source_meaning(row.model)
    return ""


def _sort_key(row: LibraryRow, column: Column) -> tuple[float, str]:
    model = row.model
    if column == Column.SIZE:
        return (model.size_bytes, "")
    if column == Column.USED:
        return (model.last_used if model.last_used is not None else -math.inf, "")
    return (0.0, _text(row, column).lower())
