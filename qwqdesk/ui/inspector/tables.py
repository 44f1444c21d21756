"""Dense tables of texts for the inspector: filtered, sorted, copied; rows are spelled on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    Qt,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from qwqdesk.ui.base import plain_tip
from qwqdesk.ui.theme import theme

Index = QModelIndex | QPersistentModelIndex
T = TypeVar("T")
ROW, HEAD, _EDGE = 26, 32, 8
_NO_PARENT = QModelIndex()
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True)
class TextColumn(Generic[T]):
    """A column: its title, how a row is spelled, how it sorts (None: by the text), its look.

    `width` is in px at 100 % text size; 0 takes what is left.
    """

    title: str
    spell: Callable[[T], str]
    width: int = 0
    key: Callable[[T], Any] | None = None
    mono: bool = False
    right: bool = False
    quiet: bool = False


class TextTable(QAbstractTableModel, Generic[T]):
    """Rows of one kind; `search` gives the text in which the filter looks."""

    def __init__(
        self,
        columns: Sequence[TextColumn[T]],
        search: Callable[[T], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._columns, self._search = columns, search
        self._all: Sequence[T] = ()
        self._shown: Sequence[T] = ()
        self._words: tuple[str, ...] = ()
        self._order: tuple[int, bool] | None = None

    @property
    def columns(self) -> Sequence[TextColumn[T]]:
        """What the table shows of each row."""
        return self._columns

    @property
    def shown(self) -> Sequence[T]:
        """The rows that the filter lets through, in order."""
        return self._shown

    def set_rows(self, rows: Sequence[T]) -> None:
        """Show these rows."""
        self._all = rows
        self._arrange()

    def set_filter(self, text: str) -> None:
        """Show the rows that have every word, whatever the case."""
        words = tuple(text.lower().split())
        if words != self._words:
            self._words = words
            self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        rows: Sequence[T] = self._all
        for word in self._words:
            rows = [row for row in rows if word in self._search(row).lower()]
        if self._order is not None:
            number, down = self._order
            column = self._columns[number]
            rows = sorted(rows, key=column.key or column.spell, reverse=down)
        self._shown = rows
        self.endResetModel()

    # ------------------------------------------------------------ Qt's virtual functions

    def rowCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._columns)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        known = 0 <= column < len(self._columns)
        self._order = (column, order == Qt.SortOrder.DescendingOrder) if known else None
        self._arrange()

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if self._columns[section].right else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        column, row = self._columns[index.column()], self._shown[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return column.spell(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title}: {column.spell(row)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(column.spell(row))
        if role == Qt.ItemDataRole.FontRole:
            return theme().font("mono-small" if column.mono else "small")
        if role == Qt.ItemDataRole.ForegroundRole:
            return theme().color("text2" if column.quiet else "text")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.right else _LEFT
        return None


class _FirstColumn(QStyledItemDelegate):
    """Keeps the page's margin before the first column."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        edge = theme().px(_EDGE)
        if option.state & QStyle.StateFlag.State_Selected:
            strip = QRect(option.rect.left(), option.rect.top(), edge, option.rect.height())
            painter.fillRect(strip, theme().color("accent_tint"))
        option.rect = option.rect.adjusted(edge, 0, 0, 0)
        super().paint(painter, option, index)


class TextTableView(QTableView):
    """The view of a `TextTable`: rows of 26 px, Ctrl+C copies the row."""

    def __init__(
        self, table: TextTable[Any], name: str, words: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._table = table
        self.setModel(table)
        self.setObjectName(name)
        self.setAccessibleName(words)
        self.setItemDelegateForColumn(0, _FirstColumn(self))
        self.setProperty("dense", True)
        self.setProperty("words", True)
        self.setProperty("ring", "none")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self._set_up_headers()

    def _set_up_headers(self) -> None:
        px = theme().px
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(px(ROW))
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(px(ROW))
        head = self.horizontalHeader()
        head.setFixedHeight(px(HEAD))
        head.setHighlightSections(False)
        head.setMinimumSectionSize(px(24))
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for number, column in enumerate(self._table.columns):
            stretched = not column.width
            mode = QHeaderView.ResizeMode.Stretch if stretched else QHeaderView.ResizeMode.Fixed
            head.setSectionResizeMode(number, mode)
            if column.width:
                head.resizeSection(number, px(column.width))

    def make_sortable(self) -> None:
        """A click on a head sorts; until then the rows stand in their own order."""
        head = self.horizontalHeader()
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        index = self.currentIndex()
        if event.matches(QKeySequence.StandardKey.Copy) and index.isValid():
            row = self._table.shown[index.row()]
            cells = [column.spell(row) for column in self._table.columns]
            QGuiApplication.clipboard().setText("\t".join(cells))
        else:
            super().keyPressEvent(event)
