"""The table of quantizations: a view whose current and hovered row carry a real button."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from qwqdesk.ui.models.find_delegate import (
    QuantizationDelegate,
    TableHead,
    badge_width,
    label_width,
)
from qwqdesk.ui.models.find_table_model import (
    ACT,
    BITS,
    FIT,
    HEADINGS,
    LABEL,
    SIZE,
    WORDS,
    QuantizationModel,
)
from qwqdesk.ui.models.key_ring import KeyRing
from qwqdesk.ui.theme import theme

_WIDTHS = {BITS: 64, SIZE: 84, FIT: 170, ACT: 140}
_LABEL_SHORT, _LABEL_LEAST, _LABEL_MOST = 120, 178, 270
_WORDS_LEAST = 190  # px: with less, the bits leave their room to the words
_FIT_HEAD = 132  # px: what its heading takes
_ACT_LARGE = 148  # px: "Downloading, 62 %" in large letters
_WORDS_CUT, _FIT_LEAST = 110, 44  # px: with less, the words go; the badge's icon always stays


class QuantizationTable(QTableView):
    """`download_wanted` carries a label: Enter, or the row's button; `moved` the current row's."""

    download_wanted = Signal(str)
    moved = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = QuantizationModel(self)
        self._opened: dict[int, str] = {}
        self._widths = QTimer(self)
        self._widths.setSingleShot(True)
        self._widths.setInterval(0)
        self._widths.timeout.connect(self._fit_columns)
        self._painter = QuantizationDelegate(self)
        self._ring = KeyRing(self)
        self.setObjectName("quantizationTable")
        self.setAccessibleName("Quantizations")
        self.setHorizontalHeader(TableHead(self))
        self.setModel(self.rows)
        self.setItemDelegate(self._painter)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(theme().px(40))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._painter.act_wanted.connect(self._act)
        self.rows.modelReset.connect(self._reset)
        self.rows.dataChanged.connect(self._changed)

    def go_to(self, label: str) -> bool:
        """Select a row and show it; False when there is none."""
        number = self.rows.row_of(label)
        if number >= 0:
            self.setCurrentIndex(self.rows.index(number, LABEL))
            self.scrollTo(self.currentIndex())
        return number >= 0

    @property
    def current_label(self) -> str:
        """The label of the current row, or nothing."""
        number = self.currentIndex().row()
        return self.rows.rows[number].label if number >= 0 else ""

    # ------------------------------------------------------------ Qt's virtual functions

    def currentChanged(  # noqa: N802 - Qt's name
        self,
        current: QModelIndex | QPersistentModelIndex,
        previous: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().currentChanged(current, previous)
        if current.row() != previous.row():
            self._close(previous.row())
            self._close(current.row())
            self._open_buttons()
            self.viewport().update()
            self.moved.emit(self.current_label)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._act(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(event.position().toPoint().y()))

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() in (QEvent.Type.Leave, QEvent.Type.Wheel):
            inside = (
                self.viewport().rect().contains(self.viewport().mapFromGlobal(self.cursor().pos()))
            )
            if event.type() == QEvent.Type.Wheel or not inside:
                self._hover(-1)
        return bool(super().viewportEvent(event))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_columns()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        current = self.currentIndex()
        if not self._ring.shown or not current.isValid():
            return
        top, height = self.rowViewportPosition(current.row()), self.rowHeight(current.row())
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("focus"), 2))
        ring = QRect(0, top, self.viewport().width(), height).adjusted(2, 2, -2, -3)
        painter.drawRoundedRect(ring, theme().px(4), theme().px(4))
        painter.end()

    # ------------------------------------------------------------ inside

    def _act(self, number: int) -> None:
        if 0 <= number < len(self.rows.rows) and self.rows.rows[number].act:
            self.download_wanted.emit(self.rows.rows[number].label)

    def _hover(self, number: int) -> None:
        before = self._painter.hovered
        if number != before:
            self._painter.hovered = number
            if before != self.currentIndex().row():
                self._close(before)
            self._open_buttons()
            self.viewport().update()

    def _open_buttons(self) -> None:
        """Real buttons on the current and the hovered row, where there is something to begin."""
        for number in {self.currentIndex().row(), self._painter.hovered}:
            words = self.rows.rows[number].act if 0 <= number < len(self.rows.rows) else ""
            if words and number not in self._opened:
                self._opened[number] = words
                index = self.rows.index(number, ACT)
                self.openPersistentEditor(index)
                QWidget.setTabOrder(self, self.indexWidget(index))

    def _close(self, number: int) -> None:
        if self._opened.pop(number, None) is None:
            return
        index = self.rows.index(number, ACT)
        editor = self.indexWidget(index)
        if editor is not None and editor.hasFocus():
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.closePersistentEditor(index)

    def _changed(self) -> None:
        """Buttons follow their rows, without coming anew while one may be pressed."""
        rows = self.rows.rows
        for number, words in list(self._opened.items()):
            if rows[number].act != words:
                self._close(number)
        self._open_buttons()
        self._widths.start()

    def _reset(self) -> None:
        self._opened.clear()
        self._painter.hovered = -1
        self._fit_columns()
        self.scrollToTop()

    def _fit_columns(self) -> None:
        """Give room: the words most of it; where there is little, bits and then words go."""
        px, rows = theme().px, self.rows.rows
        badges = {row.fit for row in rows if row.fit is not None}
        widths = {column: px(width) for column, width in _WIDTHS.items()}
        widths[FIT] = max([widths[FIT], *(badge_width(badge) for badge in badges)])
        widths[LABEL] = self._label_column(short=False)
        room = self.viewport().width()
        widths[WORDS] = room - sum(widths.values())
        narrow = widths[WORDS] < px(_WORDS_LEAST)
        if narrow:
            widths[LABEL] = self._label_column(short=True)
            widths[FIT] = max([px(_FIT_HEAD), *(badge_width(badge) for badge in badges)])
            widths[WORDS] = room - sum(widths[n] for n in (LABEL, BITS, SIZE, FIT, ACT))
        if widths[WORDS] < px(_WORDS_LEAST):
            del widths[BITS]
            widths[ACT] = px(_ACT_LARGE)
            widths[WORDS] = room - sum(widths[n] for n in (LABEL, SIZE, FIT, ACT))
        if widths[WORDS] < px(_WORDS_CUT):
            widths[FIT] += min(widths.pop(WORDS), 0)
            widths[FIT] = max(widths[FIT], px(_FIT_LEAST))
            widths[ACT] = room - sum(widths[column] for column in (LABEL, SIZE, FIT))
        self._painter.short = narrow
        for column in range(len(HEADINGS)):
            self.setColumnHidden(column, column not in widths)
        for column, width in widths.items():
            if self.columnWidth(column) != width:
                self.setColumnWidth(column, width)

    def _label_column(self, *, short: bool) -> int:
        """The width of the first column; `short` shows a star for "Suggested"."""
        least = theme().px(_LABEL_SHORT if short else _LABEL_LEAST)
        # Only what may be the widest is measured: there can be hundreds of rows.
        longest = sorted(self.rows.rows, key=lambda row: len(row.label))[-3:]
        rows = [*longest, *(row for row in self.rows.rows if row.suggested)]
        needed = max([least, *(label_width(row, short) for row in rows)])
        return min(theme().px(_LABEL_MOST), needed)
