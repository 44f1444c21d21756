"""The numbers under the lanes: a bar with a sentence, and the table that it opens."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from qwqdesk.ui.base import ElideLabel, IconButton, button, fold, label
from qwqdesk.ui.conversation.numbers_model import Counted, NumbersModel
from qwqdesk.ui.conversation.numbers_table import ROW, NumbersTable
from qwqdesk.ui.focus_home import OWN_FOCUS
from qwqdesk.ui.icons import IconLabel
from qwqdesk.ui.theme import set_state, theme

HEIGHT = 36
_FIRST_ROWS, _LEAST_ROWS = 6, 2
_MOST_OF_PAGE, _MOST_BY_ITSELF = 0.5, 0.28  # of the page's height
_GRIP, _KEY_STEP = 7, 16
_LIVE = "Updated while the lanes write. The dot marks the better value."
_LIVE_ALONE = "Updated while the lane writes."
_NOTHING = "Nothing has been written yet."


class _Grip(QWidget):
    """The upper edge of the open numbers, which can be dragged or moved with the arrow keys."""

    moved = Signal(int)  # px upwards
    released = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("numbersGrip")
        self.setAccessibleName("Height of the numbers, arrow keys change it")
        self.setProperty("ring", "none")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.SplitVCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._from: float | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._from = event.globalPosition().y()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self._from is not None:
            now = event.globalPosition().y()
            self.moved.emit(round(self._from - now))
            self._from = now

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._from = None
        self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        step = {Qt.Key.Key_Up: _KEY_STEP, Qt.Key.Key_Down: -_KEY_STEP}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self.moved.emit(step)
        self.released.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        if not (self.hasFocus() or self.underMouse()):
            return
        painter = QPainter(self)
        token = "focus" if self.hasFocus() else "line_strong"
        painter.fillRect(QRect(0, 0, self.width(), 2), theme().color(token))
        painter.end()


class _Body(QWidget):
    """Holds the table at the height that the user chose."""

    def __init__(self, table: NumbersTable) -> None:
        super().__init__()
        self.rows_height = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(table)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(400, self.rows_height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(100, 0)


class NumbersPanel(QFrame):
    """36 px and, when it is open, the table below.

    Signals: `opened` when the user opens or closes it; `resized` with the height of the table at
    100 % text size when the user has changed it; `export_wanted`.
    """

    opened = Signal(bool)
    resized = Signal(int)
    export_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("numbersPanel")
        self.setProperty(OWN_FOCUS, True)
        self.setAccessibleName("Numbers")
        self.is_open = False
        self._counted = Counted()
        self._height = 0  # px at 100 % text size; 0 is that of the first rows
        self._room: int | None = None  # px that the lanes leave
        self.model = NumbersModel(self)
        self.table = NumbersTable(self.model)
        self._body = _Body(self.table)
        self._body.hide()
        self._make_head()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addWidget(self._body)
        self._grip = _Grip(self)
        self._grip.moved.connect(self._drag)
        self._grip.released.connect(lambda: self.resized.emit(self._height))
        self._grip.hide()
        theme().changed.connect(self._restyle)
        self._restyle()
        self._say()

    def _make_head(self) -> None:
        self._head = QFrame()
        self._head.setObjectName("numbersBar")
        self._head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._head.setProperty("ground", "window")
        self._head.setProperty("edge", "top")
        self._row = QHBoxLayout(self._head)
        self._sentence = ElideLabel("", "small", "text2")
        self._sentence.setObjectName("numbersSentence")
        self._sentence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._every = button("All numbers", kind="flat", small=True, name="allNumbers")
        self._every.setCheckable(True)
        self._every.toggled.connect(self._show_every)
        self._export = button(
            "Export", "file-down", "flat", small=True, name="exportButton",
            clicked=self.export_wanted.emit,
        )  # fmt: skip
        self._chevron = IconButton("chevron-up", "Numbers", name="numbersButton")
        self._chevron.clicked.connect(lambda *_: self.toggle())
        for part in (IconLabel("list-ordered", "text2"), label("Numbers", "name")):
            self._row.addWidget(part)
        self._row.addWidget(self._sentence, 1)
        for action in (self._every, self._export, self._chevron):
            self._row.addWidget(action)

    # ------------------------------------------------------------ content

    @property
    def export_button(self) -> QWidget:
        """Where the export menu opens."""
        return self._export

    def show_counted(self, counted: Counted) -> None:
        """Show other numbers."""
        self._counted = counted
        rows = len(self.model.rows)
        self.model.show_counted(counted)
        self._say()
        if len(self.model.rows) != rows:
            self.fit()
            self._body.setVisible(self.is_open and bool(counted.labels))

    def _say(self) -> None:
        counted, many = self._counted, len(self._counted.labels) > 1
        words = counted.sentence
        if not counted.labels:
            words = _NOTHING
        elif self.is_open and counted.running:
            words = _LIVE if many else _LIVE_ALONE
        elif self.is_open and many:
            words = counted.dots
        self._sentence.setText(words)
        self._head.setAccessibleName(f"Numbers. {words}")
        for part in (self._export, self._every, self._grip):
            part.setVisible(self.is_open and bool(counted.labels))

    def _show_every(self, every: bool) -> None:
        self.model.set_every(every)
        self.fit()

    # ------------------------------------------------------------ open and closed

    def toggle(self) -> None:
        """Open or close, as the user asks for it."""
        self.set_open(not self.is_open)
        self.opened.emit(self.is_open)

    def set_open(self, opened: bool) -> None:
        """Show the table, or the bar alone."""
        if opened == self.is_open:
            return
        held = self._body.isAncestorOf(self.focusWidget() or self)
        self.is_open = opened
        self.fit()
        fold(self._body, opened and bool(self._counted.labels))
        self._say()
        self._name_chevron()
        if held and not opened:
            self._chevron.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_height(self, height: int) -> None:
        """The table's height in pixels at 100 % text size; 0 is that of the first rows."""
        self._height = height
        self.fit()

    def set_room(self, room: int) -> None:
        """How many pixels the table may take, so that the lanes above keep some text."""
        self._room = room
        self.fit()

    @property
    def head_height(self) -> int:
        """Pixels of the bar, which is always there."""
        return self._head.height()

    def _drag(self, up: int) -> None:
        scale = theme().px(100) / 100
        self._height = max(ROW, round((self._body.rows_height + up) / scale))
        self.fit()
        self._height = round(self._body.rows_height / scale)

    def fit(self) -> None:
        """Take the height that was asked for, within what there is to show and room for."""
        table, page = self.table, self.parentWidget()
        wanted = theme().px(self._height) or table.wanted_height(_FIRST_ROWS)
        most = table.wanted_height(max(_LEAST_ROWS, len(self.model.rows)))
        if page is not None and page.height() > 0:
            share = _MOST_OF_PAGE if self._height else _MOST_BY_ITSELF
            most = min(most, round(page.height() * share))
        height = max(min(wanted, most), table.wanted_height(_LEAST_ROWS))
        if self._room is not None and height > self._room:
            # The table scrolls. Under one row it is of no use, and one is worth a line of text.
            least = table.wanted_height(1)
            height = max(self._room, least) if self._room >= least // 2 else 0
        if height != self._body.rows_height:
            self._body.rows_height = height
            self._body.updateGeometry()

    # ------------------------------------------------------------ looks

    def _restyle(self) -> None:
        px = theme().px
        self._head.setFixedHeight(px(HEIGHT))
        self._row.setContentsMargins(px(16), 0, px(12), 0)
        self._row.setSpacing(px(8))
        self._name_chevron()
        self.fit()

    def _name_chevron(self) -> None:
        words = "Close the numbers" if self.is_open else "Open the numbers"
        self._chevron.set_icon("chevron-down" if self.is_open else "chevron-up")
        self._chevron.set_words(words, "Ctrl+M")
        set_state(self._head, "edge", "top")

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        self._grip.setGeometry(0, 0, self.width(), _GRIP)
        self._grip.raise_()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click anywhere on the bar opens or closes it."""
        if self._head.geometry().contains(event.position().toPoint()):
            self.toggle()
