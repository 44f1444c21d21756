"""The library's table view: columns by the width, keys, the menu of a row, and the focus ring."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from qwqdesk.ui.models.key_ring import KeyRing
from qwqdesk.ui.models.library_rows import ROW, LibraryDelegate
from qwqdesk.ui.models.library_table import Column, LibraryRow, LibraryTableModel
from qwqdesk.ui.theme import theme

HEAD = 32
# Widths in px at 100 % text size; the name takes the rest.
_WIDTHS = {
    Column.LABEL: 112,
    Column.SIZE: 80,
    Column.CHECK: 186,
    Column.SOURCE: 148,
    Column.USED: 96,
    Column.ACTS: 152,
}
_NAME = 180  # px that the name keeps; before it gets less, the columns below go one by one
_LEAVING = (Column.USED, Column.SOURCE, Column.LABEL)


class LibraryTable(QTableView):
    """`wanted` carries an act and the row that it is for: load, cancel, download, delete."""

    wanted = Signal(str, object)  # act, LibraryRow
    menu_wanted = Signal(object, QPoint)  # LibraryRow, a place on the screen

    def __init__(self, model: LibraryTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryTable")  # first: the style of the heads goes by it
        self._rows = model
        self._delegate = LibraryDelegate(self)
        self._delegate.acted.connect(self._acted)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self._ring = KeyRing(self)
        self.setAccessibleName("Models on this computer")
        self.setAccessibleDescription("Enter loads, Delete deletes, the menu key has more.")
        self.setProperty("ring", "none")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self._set_up_headers()
        self.doubleClicked.connect(lambda index: self._act_on(index.row(), ("load", "download")))

    def _set_up_headers(self) -> None:
        px = theme().px
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(px(ROW))
        head = self.horizontalHeader()
        head.setFixedHeight(px(HEAD))
        head.setHighlightSections(False)
        head.setSectionsClickable(True)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        head.setMinimumSectionSize(px(24))
        for column, width in _WIDTHS.items():
            head.resizeSection(column, px(width))
        head.setSortIndicator(Column.NAME, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)

    def current_row(self) -> LibraryRow | None:
        """The row that the keys are for."""
        return self._row(self.currentIndex().row())

    def select(self, number: int) -> None:
        """Make a row the current one."""
        if 0 <= number < len(self._rows.rows):
            self.setCurrentIndex(self._rows.index(number, Column.NAME))

    def order_by(self, column: int) -> None:
        """Sort by a column; by the same one again, the other way round."""
        head = self.horizontalHeader()
        up = Qt.SortOrder.AscendingOrder
        same = head.sortIndicatorSection() == column and head.sortIndicatorOrder() == up
        self.sortByColumn(column, Qt.SortOrder.DescendingOrder if same else up)

    def needed_height(self) -> int:
        """What head and rows take, without a scroll bar."""
        return theme().px(HEAD) + theme().px(ROW) * len(self._rows.rows) + 2

    # ------------------------------------------------------------ Qt's virtual functions

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        px = theme().px
        room = self.viewport().width() - px(_NAME)
        needed = sum(px(width) for width in _WIDTHS.values())
        for column in _LEAVING:
            gone = needed > room
            self.setColumnHidden(column, gone)
            needed -= px(_WIDTHS[column]) if gone else 0

    def event(self, event: QEvent) -> bool:
        """Esc is the window's key, except while the current row can be cancelled."""
        if event.type() == QEvent.Type.ShortcutOverride and self._has_act("cancel"):
            escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
            event.setAccepted(escape)
            if escape:
                return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._act_on(self.currentIndex().row(), ("load", "download"))
        elif key == Qt.Key.Key_Delete:
            self._want("delete", self.current_row())
        elif key == Qt.Key.Key_Escape and self._has_act("cancel"):
            self._act_on(self.currentIndex().row(), ("cancel",))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        row = self._row(index.row())
        if row is None:
            return
        self.select(index.row())
        place = self.visualRect(index).bottomLeft() if by_key else event.pos()
        self.menu_wanted.emit(row, self.viewport().mapToGlobal(place))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseMoveEvent(event)
        self._hover(self.indexAt(event.position().toPoint()).row())

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().leaveEvent(event)
        self._hover(-1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        index = self.currentIndex()
        if self._ring.shown and index.isValid():
            first = self.visualRect(index)
            row = QRect(0, first.top(), self.viewport().width(), first.height())
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme().color("focus"), 2))
            painter.drawRoundedRect(QRectF(row).adjusted(3, 3, -3, -4), 4, 4)
            painter.end()

    # ------------------------------------------------------------ inside

    def _row(self, number: int) -> LibraryRow | None:
        rows = self._rows.rows
        return rows[number] if 0 <= number < len(rows) else None

    def _has_act(self, act: str) -> bool:
        row = self.current_row()
        return row is not None and row.act == act

    def _act_on(self, number: int, acts: tuple[str, ...]) -> None:
        row = self._row(number)
        if row is not None and (row.act in acts or row.loaded):
            self._want(row.act or "load", row)

    def _want(self, act: str, row: LibraryRow | None) -> None:
        if row is not None:
            self.wanted.emit(act, row)

    def _acted(self, number: int, act: str) -> None:
        row = self._row(number)
        if row is None:
            return
        self.select(number)
        if act == "menu":
            cell = self.visualRect(self._rows.index(number, Column.ACTS))
            self.menu_wanted.emit(row, self.viewport().mapToGlobal(cell.bottomRight()))
        else:
            self._want(act, row)

    def _hover(self, number: int) -> None:
        if number != self._delegate.hovered:
            self._delegate.hovered = number
            self.viewport().update()
