"""The list of repositories at the left of Find: its rows and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from qwqdesk.analysis.numbers import counted
from qwqdesk.models.hub import FoundRepo
from qwqdesk.models.starters import STARTERS
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.models.find_words import age_words, count_words
from qwqdesk.ui.models.key_ring import KeyRing
from qwqdesk.ui.theme import theme

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole
_ROW, _GROUP, _FIRST_GROUP, _NOTE = 58, 32, 24, 40
_SIDE, _PADDING, _TOP, _ICON = 8, 12, 10, 13
_NEAR_END = 400  # px from the end, where the next page is asked for
_KEYS_REST_MS = 250
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


@dataclass(frozen=True)
class ListRow:
    """A repository; or a caption, or a note at the end, without `repo`.

    `facts` are pairs of an icon and words for the second line; `spoken` is what a screen reader
    says of them.
    """

    repo: str = ""
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    spoken: str = ""
    gated: bool = False
    first: bool = False
    note: bool = False


def found_row(found: FoundRepo) -> ListRow:
    """The row of one repository of a search."""
    age = age_words(found.updated)
    facts = [("download", count_words(found.downloads)), ("heart", count_words(found.likes))]
    facts += [("", age)] if age else []
    spoken = f"{counted(found.downloads, 'download')}, {counted(found.likes, 'like')}"
    if age:
        spoken += f", updated {age}{'' if age == 'today' else ' ago'}"
    if found.gated:
        spoken += ", gated: it needs an account"
    return ListRow(found.repo, found.repo, tuple(facts), spoken, bool(found.gated))


def starter_rows() -> list[ListRow]:
    """What to begin with, in groups."""
    rows: list[ListRow] = []
    group = ""
    for starter in STARTERS:
        if starter.group != group:
            group = starter.group
            rows.append(ListRow(text=group, first=not rows))
        memory = f"{starter.memory_gb:.3g} GB"
        facts = (("cpu", memory), ("", starter.why))
        spoken = f"takes about {memory} of memory. {starter.why}"
        rows.append(ListRow(starter.repo, starter.repo, facts, spoken))
    return rows


def note_row(text: str) -> ListRow:
    """A line of words at the end of the list."""
    return ListRow(text=text, note=True)


class RepoListModel(QAbstractListModel):
    """The rows as Qt's list shows them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ListRow] = []

    def set_rows(self, rows: Sequence[ListRow]) -> None:
        """Show other rows; where they go on from the present ones, those stay as they are."""
        same = len(self._rows)
        while same and (same > len(rows) or rows[same - 1] != self._rows[same - 1]):
            same -= 1
        if same < len(self._rows):
            self.beginRemoveRows(QModelIndex(), same, len(self._rows) - 1)
            del self._rows[same:]
            self.endRemoveRows()
        if same < len(rows):
            self.beginInsertRows(QModelIndex(), same, len(rows) - 1)
            self._rows += rows[same:]
            self.endInsertRows()

    def row_of(self, repo: str) -> int:
        """The row of a repository, -1 when it is not listed."""
        found = (i for i, row in enumerate(self._rows) if repo and row.repo == repo)
        return next(found, -1)

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.text}, {row.spoken}" if row.spoken else row.text
        if role == Qt.ItemDataRole.ToolTipRole and row.repo:
            return f"{row.text}\n{row.spoken}"
        return row if role == ROW_ROLE else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid() or not self._rows[index.row()].repo:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class RepoDelegate(QStyledItemDelegate):
    """Paints a repository in two lines: its name, and its numbers with small icons."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        row: ListRow = index.data(ROW_ROLE)
        height = _ROW if row.repo else _NOTE if row.note else _FIRST_GROUP if row.first else _GROUP
        return QSize(10, theme().px(height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: ListRow = index.data(ROW_ROLE)
        px, rect, state = theme().px, option.rect, option.state
        box = QRect(rect).adjusted(px(_SIDE), 0, -px(_SIDE), 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row.repo:
            view = option.widget
            ring = isinstance(view, RepoList) and view.ring.shown
            _paint_ground(painter, box, state, ring=ring)
            _paint_repo(painter, box, row)
        else:
            painter.setFont(theme().font("small" if row.note else "group"))
            painter.setPen(theme().color("text3"))
            words = box.adjusted(px(_PADDING), 0, -px(_PADDING), 0)
            words = words if row.note else words.adjusted(0, words.height() - px(22), 0, -px(6))
            painter.drawText(words, _LEFT, row.text)
        painter.restore()


def _paint_ground(painter: QPainter, box: QRect, state: QStyle.StateFlag, *, ring: bool) -> None:
    px = theme().px
    selected = bool(state & QStyle.StateFlag.State_Selected)
    if selected or state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("accent_tint" if selected else "hover"))
        painter.drawRoundedRect(box, px(6), px(6))
    if ring and state & QStyle.StateFlag.State_HasFocus:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("focus"), 2))
        painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -1), px(6), px(6))


def _paint_repo(painter: QPainter, box: QRect, row: ListRow) -> None:
    px = theme().px
    name = QRect(box.left() + px(_PADDING), box.top() + px(_TOP), 0, px(20))
    name.setRight(box.right() - px(_PADDING) - (px(_ICON + 6) if row.gated else 0))
    font = theme().font("name")
    painter.setFont(font)
    painter.setPen(theme().color("text"))
    shown = QFontMetrics(font).elidedText(row.text, Qt.TextElideMode.ElideMiddle, name.width())
    painter.drawText(name, _LEFT, shown)
    if row.gated:
        side = px(_ICON)
        place = QRectF(box.right() - px(_PADDING) - side, name.center().y() - side / 2, side, side)
        draw_icon(painter, place, "lock", "text2")
    line = QRect(box.left() + px(_PADDING), name.bottom() + 1 + px(2), 0, px(16))
    line.setRight(box.right() - px(_PADDING))
    _paint_facts(painter, line, row.facts)


def _paint_facts(painter: QPainter, line: QRect, facts: Sequence[tuple[str, str]]) -> None:
    px, side = theme().px, theme().px(_ICON)
    font = theme().font("small")
    painter.setFont(font)
    painter.setPen(theme().color("text2"))
    metrics, left = QFontMetrics(font), line.left()
    for icon, words in facts:
        if icon:
            draw_icon(
                painter, QRectF(left, line.center().y() - side / 2 + 0.5, side, side), icon, "text2"
            )
            left += side + px(4)
        room = line.right() + 1 - left
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(left, line.top(), room, line.height()), _LEFT, shown)
        left += metrics.horizontalAdvance(shown) + px(12)
        if left >= line.right():
            break


class RepoList(QListView):
    """The list; `chosen` carries a repository's name, `end_near` asks for the next page."""

    chosen = Signal(str)
    end_near = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RepoListModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(RepoDelegate(self))
        self.ring = KeyRing(self)
        self.setObjectName("repoList")
        self.setAccessibleName("Repositories")
        self.setProperty("ground", "clear")
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._scrolled)
        self._shown = ""
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_KEYS_REST_MS)
        self._later.timeout.connect(self._choose)
        # Not the current row: Qt moves that by itself when the list gets the focus.
        self.selectionModel().selectionChanged.connect(self._selected)
        self.clicked.connect(lambda _: self._choose())

    def set_rows(self, rows: Sequence[ListRow]) -> None:
        """Show these; what is marked stays marked where it is still there."""
        self.rows.set_rows(rows)
        self.mark(self._shown)

    def mark(self, repo: str) -> None:
        """Mark a repository without choosing it."""
        self._shown = repo
        number = self.rows.row_of(repo)
        if number < 0:
            self.clearSelection()
        elif not self.selectionModel().isRowSelected(number, QModelIndex()):
            self.setCurrentIndex(self.rows.index(number, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.setCurrentIndex(self.currentIndex())
            self._choose()
        else:
            super().keyPressEvent(event)

    def _selected(self, *_: object) -> None:
        """Arrow keys run over repositories; only where they stop is asked for."""
        if self._repo_selected() not in ("", self._shown):
            self._later.start()

    def _choose(self) -> None:
        self._later.stop()
        repo = self._repo_selected()
        if repo and repo != self._shown:
            self._shown = repo
            self.chosen.emit(repo)

    def _repo_selected(self) -> str:
        found = self.selectionModel().selectedIndexes()
        row = found[0].data(ROW_ROLE) if found else None
        return row.repo if row is not None else ""

    def select_first(self) -> None:
        """Go to the first repository."""
        for number in range(self.rows.rowCount()):
            index = self.rows.index(number, 0)
            if self.rows.flags(index) & Qt.ItemFlag.ItemIsEnabled:
                self.setCurrentIndex(index)
                return

    def _scrolled(self, *_: int) -> None:
        bar = self.verticalScrollBar()
        if bar.maximum() - bar.value() < theme().px(_NEAR_END):
            self.end_near.emit()
