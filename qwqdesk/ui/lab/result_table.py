"""How often each check held in each lane: the table of the lab."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from qwqdesk.analysis.rates import Rate
from qwqdesk.conversation import LANE_LABELS
from qwqdesk.experiment_result import ExperimentResult
from qwqdesk.ui.base import paint_letter
from qwqdesk.ui.theme import theme

Index = QModelIndex | QPersistentModelIndex
CELL_ROLE = Qt.ItemDataRole.UserRole
_ROW, _TALL, _PADDING, _LEAD, _DOT = 32, 48, 12, 14, 6
_LANE = (76, 180)  # px, the least and the most for a lane's column
_LEAST = 120  # px for the checks
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


@dataclass(frozen=True)
class RateCell:
    """One cell; `best`: this lane's rate is the highest, without a tie."""

    rate: Rate
    best: bool = False

    @property
    def value(self) -> str:
        """The count: "19 of 20"."""
        if self.rate.total:
            return f"{self.rate.passed} of {self.rate.total}"
        return "does not apply" if self.rate.without else "\N{EN DASH}"

    @property
    def interval(self) -> str:
        """How sure that is, at 95 %: "76 to 99 %"."""
        low, high = self.rate.interval
        return f"{low * 100:.0f} to {high * 100:.0f} %" if self.rate.total > 1 else ""

    @property
    def words(self) -> str:
        """For screen readers and tool tips."""
        without = self.rate.without if self.rate.total else 0
        parts = [
            self.value,
            self.interval and f"95 % interval {self.interval}",
            without and f"does not apply to {without} more",
        ]
        return ", ".join([part for part in parts if part] + (["the best"] if self.best else []))


class RateModel(QAbstractTableModel):
    """A row for each check, the last one for all of them together; a column for each lane."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: ExperimentResult | None = None
        self._cells: list[list[RateCell]] = []

    def show_result(self, result: ExperimentResult) -> None:
        """Show a result; while its shape stays, the selection does."""
        cells = _cells(result)
        same = self._result is not None and self._result.experiment == result.experiment
        if same and len(cells) == len(self._cells):
            self._result, self._cells = result, cells
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self._result, self._cells = result, cells
        self.endResetModel()

    def lane(self, column: int) -> str:
        """The label of a column's lane; "" for the checks' column."""
        if self._result is None or column < 1:
            return ""
        return self._result.experiment.lanes[column - 1].label

    def check(self, row: int) -> int | None:
        """The number of a row's check; None for all of them."""
        return row if row < len(self._cells) - 1 else None

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._cells)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        if self._result is None or (parent is not None and parent.isValid()):
            return 0
        return 1 + len(self._result.experiment.lanes)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._result is None or not index.isValid():
            return None
        if index.column() == 0:
            return self._check_data(index.row(), role)
        cell = self._cells[index.row()][index.column() - 1]
        if role == CELL_ROLE:
            return cell
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{cell.value} {cell.interval}".strip()
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return f"Lane {self.lane(index.column())}: {cell.words}"
        return None

    def _check_data(self, row: int, role: int) -> object:
        texts = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        if role not in texts or self._result is None:
            return None
        number = self.check(row)
        return "All checks" if number is None else self._result.experiment.checks[number].title

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return f"Lane {self.lane(section)}" if section else "Check"


def _cells(result: ExperimentResult) -> list[list[RateCell]]:
    count = len(result.experiment.checks)
    return [_row(result, number) for number in [*range(count), None]]


def _row(result: ExperimentResult, check: int | None) -> list[RateCell]:
    rates = [result.rate(lane.label, check) for lane in result.experiment.lanes]
    shares = [rate.share for rate in rates if rate.share is not None]
    top = max(shares, default=None)
    alone = len(shares) > 1 and top is not None and shares.count(top) == 1
    return [RateCell(rate, alone and rate.share == top) for rate in rates]


class RateDelegate(QStyledItemDelegate):
    """Paints the count, its interval in `text2`, and a dot before the best."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        px = theme().px
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, theme().color("accent_tint"))
        if selected and state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme().color("focus"), 2))
            painter.drawRect(rect.adjusted(2, 2, -2, -2))
        painter.setPen(theme().color("line"))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        cell = index.data(CELL_ROLE)
        if cell is None:
            self._text(painter, rect.adjusted(px(_PADDING + 4), 0, -px(8), 0), str(index.data()))
        else:
            self._rate(painter, rect, cell)
        painter.restore()

    def _text(self, painter: QPainter, rect: QRect, text: str) -> None:
        painter.setFont(theme().font("body"))
        painter.setPen(theme().color("text"))
        if rect.height() > theme().px(_ROW):
            painter.drawText(rect, _LEFT | int(Qt.TextFlag.TextWordWrap), text)
            return
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, _LEFT, shown)

    def _rate(self, painter: QPainter, rect: QRect, cell: RateCell) -> None:
        px = theme().px
        left = rect.left() + px(_LEAD)
        if cell.best:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("accent"))
            size = px(_DOT)
            painter.drawEllipse(left - px(_LEAD) + 2, rect.center().y() - size // 2, size, size)
        font = theme().font("strong" if cell.best else "body")
        painter.setFont(font)
        painter.setPen(theme().color("text"))
        painter.drawText(QRect(left, rect.top(), rect.width(), rect.height()), _LEFT, cell.value)
        left += QFontMetrics(font).horizontalAdvance(cell.value) + px(8)
        painter.setFont(theme().font("small"))
        painter.setPen(theme().color("text2"))
        room = QRect(left, rect.top(), rect.right() - left, rect.height())
        if QFontMetrics(theme().font("small")).horizontalAdvance(cell.interval) <= room.width():
            painter.drawText(room, _LEFT, cell.interval)


class LaneHeader(QHeaderView):
    """The head of the table: the letters of the lanes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFixedHeight(theme().px(_ROW))
        self.setSectionsClickable(False)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:  # noqa: N802
        px = theme().px
        painter.save()
        painter.fillRect(rect, theme().color("sunken"))
        text = str(self.model().headerData(section, Qt.Orientation.Horizontal))
        if section:
            place = QRect(rect.left() + px(_LEAD), rect.center().y() - px(10), px(20), px(20))
            paint_letter(painter, place, LANE_LABELS[section - 1])
        else:
            painter.setFont(theme().font("small-strong"))
            painter.setPen(theme().color("text2"))
            painter.drawText(rect.adjusted(px(_PADDING + 4), 0, 0, 0), _LEFT, text)
        painter.restore()


class ResultTable(QTableView):
    """`cell_chosen` carries a lane's label and a check's number, or None for all checks."""

    cell_chosen = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rates = RateModel(self)
        self.setObjectName("resultTable")
        self.setAccessibleName("How often each check held")
        self.setModel(self._rates)
        self.setItemDelegate(RateDelegate(self))
        self.setHorizontalHeader(LaneHeader(self))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setMinimumSectionSize(theme().px(40))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme().px(_ROW))
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_result(self, result: ExperimentResult) -> None:
        """Show a result; the table is as high as its rows."""
        self._rates.show_result(result)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The checks get the room of their words, the lanes the rest; else they take two lines."""
        px, lanes = theme().px, self._rates.columnCount() - 1
        if lanes < 1:
            return
        metrics = QFontMetrics(theme().font("body"))
        titles = [str(self._rates.index(n, 0).data()) for n in range(self._rates.rowCount())]
        wanted = max(metrics.horizontalAdvance(title) for title in titles) + px(_PADDING + 16)
        room = self.viewport().width()
        lane = max(px(_LANE[0]), min(px(_LANE[1]), (room - wanted) // lanes))
        first = max(px(_LEAST), room - lanes * lane)
        for column in range(lanes + 1):
            self.setColumnWidth(column, lane if column else first)
        row = px(_ROW if first >= wanted else _TALL)
        self.verticalHeader().setDefaultSectionSize(row)
        self.setFixedHeight(px(_ROW) + row * len(titles) + 2)

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802 - Qt's name
        super().currentChanged(current, previous)
        if current.isValid() and current.column():
            lane, check = self._rates.lane(current.column()), self._rates.check(current.row())
            self.cell_chosen.emit(lane, check)
