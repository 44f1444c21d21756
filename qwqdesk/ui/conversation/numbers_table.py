"""The table of the numbers: dense rows, lanes under their lanes, a dot at the better value."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from qwqdesk.ui.base import paint_letter
from qwqdesk.ui.conversation.numbers_model import BETTER_ROLE, NumbersModel
from qwqdesk.ui.theme import theme

ROW = 26
_LABEL_SHARE = 0.15
_LABEL_LEAST, _LABEL_MOST = 120, 300
_LEAD, _DOT, _SIDE = 14, 6, 16
_LEAST = 100  # px of the first lane's column, which has the labels in its lane too
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
Index = QModelIndex | QPersistentModelIndex


class _Cell(QStyledItemDelegate):
    """Paints one cell; the focus is a frame inside the current one."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        px, box = theme().px, option.rect
        better = bool(index.data(BETTER_ROLE))
        painter.save()
        painter.setPen(QPen(theme().color("line"), 1))
        painter.drawLine(box.topLeft(), box.topRight())
        if better:
            self._dot(painter, box)
        first = not index.column()
        painter.setFont(theme().font("strong" if better else "body"))
        painter.setPen(theme().color("text" if better else "text2"))
        words = box.adjusted(px(_SIDE) if first else px(_LEAD), 1, -px(4), 0)
        text = painter.fontMetrics().elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, words.width()
        )
        painter.drawText(words, _LEFT, text)
        self._focus(painter, option, index)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(theme().px(80), theme().px(ROW))

    @staticmethod
    def _dot(painter: QPainter, box: QRect) -> None:
        side = theme().px(_DOT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("accent"))
        top = box.center().y() + 1 - side / 2
        painter.drawEllipse(QRectF(box.left(), top, side, side))

    @staticmethod
    def _focus(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        view = option.widget
        if isinstance(view, QTableView) and view.hasFocus() and view.currentIndex() == index:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(theme().color("focus"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(option.rect.adjusted(2, 2, -2, -2))


class _Head(QHeaderView):
    """ "Measure", then the lanes' letters."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setAccessibleName("Lanes")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(super().sizeHint().width(), theme().px(ROW))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:  # noqa: N802
        px = theme().px
        painter.save()
        painter.fillRect(rect, theme().color("sunken"))
        painter.setPen(QPen(theme().color("line"), 1))
        painter.drawLine(rect.topLeft(), rect.topRight())
        words = str(self.model().headerData(section, Qt.Orientation.Horizontal) or "")
        if section:
            side = px(18)
            tile = QRect(rect.left() + px(_LEAD), 0, side, side)
            tile.moveTop(rect.center().y() + 1 - side // 2)
            paint_letter(painter, tile, words)
        else:
            painter.setFont(theme().font("body"))
            painter.setPen(theme().color("text2"))
            painter.drawText(rect.adjusted(px(_SIDE), 1, 0, 0), _LEFT, words)
        painter.restore()


class NumbersTable(QTableView):
    """Read with the arrow keys; each row's tool tip says what it measures."""

    def __init__(self, model: NumbersModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._lefts: tuple[int, ...] = ()
        self.setObjectName("numbersTable")
        self.setAccessibleName("Numbers of the lanes")
        self.setHorizontalHeader(_Head(self))
        self.setModel(model)
        self.setItemDelegate(_Cell(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(1)
        model.modelReset.connect(self.fit)
        theme().changed.connect(self.fit)
        self.fit()

    def set_lane_places(self, lefts: Sequence[int]) -> None:
        """Where the lanes begin, in pixels from the left: the columns stand under them.

        With none the columns share the room evenly.
        """
        if tuple(lefts) != self._lefts:
            self._lefts = tuple(lefts)
            self.fit()

    def wanted_height(self, rows: int) -> int:
        """Pixels for the head and this many rows."""
        return theme().px(ROW) * (rows + 1)

    def fit(self) -> None:
        """Give rows and columns their sizes."""
        self.verticalHeader().setDefaultSectionSize(theme().px(ROW))
        lanes = len(self._model.labels)
        if not lanes:
            return
        head, room = self.horizontalHeader(), self.viewport().width()
        label = max(round(room * _LABEL_SHARE), self._longest_label())
        label = max(theme().px(_LABEL_LEAST), min(label, theme().px(_LABEL_MOST)))
        edges = self._edges(label, lanes, room)
        head.resizeSection(0, edges[0])
        for number in range(lanes):
            head.resizeSection(number + 1, max(1, edges[number + 1] - edges[number]))

    def _longest_label(self) -> int:
        """Pixels that the longest title of a row takes."""
        metrics = QFontMetrics(theme().font("body"))
        titles = (metrics.horizontalAdvance(row.title) for row in self._model.rows)
        return max(titles, default=0) + theme().px(_SIDE + _LEAD)

    def _edges(self, label: int, lanes: int, room: int) -> list[int]:
        """Where the lanes' columns begin, and the right end.

        Each under its lane, as far from its left as the labels need in the first one, so that all
        are alike; shared evenly where that leaves too little.
        """
        lefts = [left - self._lefts[0] + label for left in self._lefts]
        if len(lefts) == lanes > 1 and room - lefts[-1] >= theme().px(_LEAST):
            return [*lefts, room]
        return [label + (room - label) * number // lanes for number in range(lanes + 1)]

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.fit()
