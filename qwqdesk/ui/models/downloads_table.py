"""The table of downloads: rows with real buttons, keys, a menu, and reordering."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QTableView,
    QWidget,
)

from qwqdesk.ui.base import IconButton, button
from qwqdesk.ui.icons import icon
from qwqdesk.ui.models.downloads_look import STEP_WORDS
from qwqdesk.ui.models.downloads_model import ACTS, BAR, NAME, WORDS, DownloadsModel, ShownRow
from qwqdesk.ui.models.downloads_paint import GAP, ICON, LEFT, ROW, DownloadDelegate
from qwqdesk.ui.theme import theme

Act = Literal["pause", "resume", "cancel", "step", "again", "restart", "no_token", "up", "down",
              "first", "page", "folder"]  # fmt: skip
_APART = 20
_NAME, _WORDS, _ACTS = LEFT + 20 + GAP + 290 + GAP, 300 + GAP, 136 + _APART + 12
_NARROW_NAME, _NARROW_WORDS, _LEAST_BAR = 220, 220, 80


class RowActs(QWidget):
    """The buttons of one row: the next step, pause or resume, cancel."""

    wanted = Signal(str, str)  # id, Act

    def __init__(self, shown: ShownRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self._id, name = shown.row.id, shown.title
        self._act: str = "pause"
        self._step = button("Try again", small=True, name="downloadStep")
        self._toggle = IconButton("pause", "Pause", name="downloadToggle")
        self._cancel = IconButton("x", f"Cancel {name}", name="downloadCancel")
        self._step.clicked.connect(lambda: self.wanted.emit(self._id, "step"))
        self._toggle.clicked.connect(lambda: self.wanted.emit(self._id, self._act))
        self._cancel.clicked.connect(lambda: self.wanted.emit(self._id, "cancel"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, px(4), 0)  # beside the padding of a cell
        row.setSpacing(0)
        row.addStretch(1)
        row.addWidget(self._step)
        row.addSpacing(px(4))
        row.addWidget(self._toggle)
        row.addSpacing(px(_APART))  # so that nobody cancels who wanted to pause
        row.addWidget(self._cancel)
        self.show_row(shown)

    def show_row(self, shown: ShownRow) -> None:
        """Show what can be done now; the focus stays on this row."""
        look, name = shown.look, shown.title
        had = next((w for w in (self._step, self._toggle) if w.hasFocus()), None)
        self._act = look.toggle
        self._step.setVisible(bool(look.step))
        if look.step:
            self._step.setText(STEP_WORDS[look.step])
            self._step.setAccessibleName(f"{STEP_WORDS[look.step]}: {name}")
        self._toggle.setVisible(bool(look.toggle))
        if look.toggle:
            self._toggle.set_icon("pause" if look.toggle == "pause" else "play")
            self._toggle.set_words(f"{look.toggle.capitalize()} {name}")
        done = shown.row.status.state == "done"
        self._cancel.setVisible(not done)
        if had is not None and not had.isVisibleTo(self):
            target = self._toggle if look.toggle else self._step if look.step else self._cancel
            target.setFocus(Qt.FocusReason.OtherFocusReason)

    def focused(self) -> str:
        """The name of the button that has the focus."""
        buttons = (self._step, self._toggle, self._cancel)
        return next((each.objectName() for each in buttons if each.hasFocus()), "")


class DownloadsTable(QTableView):
    """`wanted` carries a download's id and what to do; `dropped` an id and its new place."""

    wanted = Signal(str, str)
    dropped = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("downloadsTable")
        self.setAccessibleName("Downloads")
        self.setAccessibleDescription(
            "Space pauses and resumes, Enter does the next step, Alt with up or down reorders."
        )
        self._shown = DownloadsModel(self)
        self._acts: dict[str, RowActs] = {}
        self._ring = False
        self.setModel(self._shown)
        self.setItemDelegate(DownloadDelegate(self))
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)
        self.setDragDropOverwriteMode(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme().px(ROW))
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def show_rows(self, rows: list[ShownRow]) -> None:
        """Show these downloads."""
        current, focused = self.current_id(), self._focused_button()
        if self._shown.show_rows(rows):
            self._place_acts(rows)
            self._restore(current, focused)
        else:
            for shown in rows:
                self._acts[shown.row.id].show_row(shown)
        self.viewport().update()

    def current_id(self) -> str:
        """The download on which the focus is, or an empty text."""
        number = self.currentIndex().row()
        return self._shown.rows[number].row.id if 0 <= number < len(self._shown.rows) else ""

    def row(self, number: int) -> ShownRow:
        """A shown row by its place."""
        return self._shown.rows[number]

    def place(self, item_id: str) -> int:
        """The place of a download; -1 when it is not shown."""
        ids = [shown.row.id for shown in self._shown.rows]
        return ids.index(item_id) if item_id in ids else -1

    # ------------------------------------------------------------ buttons

    def _place_acts(self, rows: list[ShownRow]) -> None:
        """A reset has deleted the buttons of all rows."""
        self._acts = {}
        for number, shown in enumerate(rows):
            acts = RowActs(shown)
            acts.wanted.connect(self.wanted)
            self._acts[shown.row.id] = acts
            self.setIndexWidget(self._shown.index(number, ACTS), acts)

    def _focused_button(self) -> tuple[str, str]:
        found = ((item, acts.focused()) for item, acts in self._acts.items())
        return next(((item, name) for item, name in found if name), ("", ""))

    def _restore(self, current: str, focused: tuple[str, str]) -> None:
        number = self.place(current)
        if number < 0 and self._shown.rows:
            number = 0
        if number >= 0:
            self.setCurrentIndex(self._shown.index(number, NAME))
        acts = self._acts.get(focused[0])
        target = acts.findChild(QWidget, focused[1]) if acts is not None else None
        if focused[0]:
            chosen = target if target is not None and target.isVisibleTo(self) else self
            chosen.setFocus(Qt.FocusReason.OtherFocusReason)

    # ------------------------------------------------------------ keys, menu, drag

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self._show_ring(event.reason() is not Qt.FocusReason.MouseFocusReason)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mousePressEvent(event)
        self._show_ring(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        self._show_ring(True)
        number = self.currentIndex().row()
        if not 0 <= number < len(self._shown.rows):
            super().keyPressEvent(event)
            return
        shown = self._shown.rows[number]
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        keys: dict[Qt.Key, str] = {Qt.Key.Key_Space: shown.look.toggle}
        for enter in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            keys[enter] = "step" if shown.look.step else shown.look.toggle
        if alt:
            keys |= {Qt.Key.Key_Up: "up", Qt.Key.Key_Down: "down"}
        act = keys.get(Qt.Key(event.key()), "")
        if act:
            self.wanted.emit(shown.row.id, act)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        number = self.rowAt(event.pos().y()) if by_mouse else self.currentIndex().row()
        if 0 <= number < len(self._shown.rows):
            rect = self.visualRect(self._shown.index(number, NAME))
            below = self.viewport().mapToGlobal(rect.bottomLeft() + QPoint(theme().px(LEFT), 0))
            self.menu(number).popup(event.globalPos() if by_mouse else below)

    def menu(self, number: int) -> QMenu:
        """Everything that can be done with one row."""
        shown = self._shown.rows[number]
        menu = QMenu(self)
        menu.setObjectName("downloadMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, symbol, act in _menu_entries(shown, number, len(self._shown.rows)):
            if not act:
                menu.addSeparator()
                continue
            entry = menu.addAction(icon(symbol), words)
            entry.triggered.connect(lambda _=False, act=act: self.wanted.emit(shown.row.id, act))
        return menu

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Move the dragged row; the queue decides, the table only shows."""
        if event.source() is not self or not self.current_id():
            event.ignore()
            return
        y = event.position().toPoint().y() + self.verticalScrollBar().value()
        to = max(0, min(len(self._shown.rows), round(y / theme().px(ROW))))
        here = self.currentIndex().row()
        self.dropped.emit(self.current_id(), to - 1 if to > here else to)
        # As a copy: Qt would remove the rows of a move by itself.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    # ------------------------------------------------------------ geometry and painting

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """As in the picture; names, then words give way where that leaves no bar."""
        px = theme().px
        room = self.viewport().width()
        name, words, acts = px(_NAME), px(_WORDS), px(_ACTS)
        missing = max(name + words + acts + px(_LEAST_BAR) - room, 0)
        name -= min(missing, name - px(_NARROW_NAME))
        missing = max(name + words + acts + px(_LEAST_BAR) - room, 0)
        words -= min(missing, words - px(_NARROW_WORDS))
        widths = {NAME: name, WORDS: words, ACTS: acts, BAR: room - name - words - acts}
        for column, width in widths.items():
            self.setColumnWidth(column, max(width, px(ICON)))

    def _show_ring(self, shown: bool) -> None:
        """The ring is for those who work by keyboard."""
        self._ring = shown
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        number = self.currentIndex().row()
        if number < 0 or not self._ring or not self.hasFocus():
            return
        top = self.rowViewportPosition(number)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("focus"), 2))
        rect = QRectF(0, top + 1, self.viewport().width(), theme().px(ROW) - 1)
        painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), theme().px(6), theme().px(6))
        painter.end()


def _menu_entries(shown: ShownRow, number: int, count: int) -> list[tuple[str, str, str]]:
    """Words, icon and act; an empty act is a separator."""
    look, failed = shown.look, shown.row.status.state == "failed"
    entries: list[tuple[str, str, str]] = []
    if look.toggle:
        symbol = "pause" if look.toggle == "pause" else "play"
        entries.append((look.toggle.capitalize(), symbol, look.toggle))
    if look.step:
        entries.append((STEP_WORDS[look.step], "arrow-right", "step"))
    if failed and look.step != "again":
        entries.append(("Try again", "rotate-ccw", "again"))
    if shown.row.status.code in ("token", "gated_ask"):
        entries.append(("Try without the token", "rotate-ccw", "no_token"))
    if failed and look.step != "restart":
        entries.append(("Start again from the first byte", "rotate-ccw", "restart"))
    entries.append(("", "", ""))
    if number > 0:
        entries += [("Move up", "arrow-up", "up"), ("Move to the top", "arrow-up", "first")]
    if number < count - 1:
        entries.append(("Move down", "arrow-down", "down"))
    entries += [("", "", ""), ("Model page", "external-link", "page")]
    entries.append(("Open the folder", "folder-open", "folder"))
    if shown.row.status.state != "done":
        entries += [("", "", ""), ("Cancel the download", "x", "cancel")]
    return entries
