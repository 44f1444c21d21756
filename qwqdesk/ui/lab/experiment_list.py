"""The list of experiments at the left of the lab: its rows and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from qwqdesk.experiment import Experiment
from qwqdesk.ui.fonts import Role
from qwqdesk.ui.theme import theme

Index = QModelIndex | QPersistentModelIndex
EXPERIMENT_ROLE = Qt.ItemDataRole.UserRole
_ROW, _GROUP, _PADDING, _SIDE = 54, 30, 12, 8
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


def facts(one: Experiment) -> str:
    """The second line of a row: "4 lanes · 5 checks"."""
    lanes, checks = len(one.lanes), len(one.checks)
    return (
        f"{lanes} {'lane' if lanes == 1 else 'lanes'} · "
        f"{checks} {'check' if checks == 1 else 'checks'}"
    )


class ExperimentModel(QAbstractListModel):
    """Captions and experiments in one column."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Experiment | str] = []

    def set_experiments(self, experiments: Sequence[Experiment]) -> None:
        """The built-in ones and the user's own, each below its caption."""
        own = [one for one in experiments if not one.builtin]
        self.beginResetModel()
        self._rows = ["Built in", *(one for one in experiments if one.builtin)]
        if own:
            self._rows += ["Yours", *own]
        self.endResetModel()

    def row_of(self, experiment_id: str) -> int:
        """The row of an experiment; the first one's when it is not there."""
        for number, row in enumerate(self._rows):
            if isinstance(row, Experiment) and row.id == experiment_id:
                return number
        return 1 if len(self._rows) > 1 else -1

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == EXPERIMENT_ROLE:
            return row if isinstance(row, Experiment) else None
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title if isinstance(row, Experiment) else row
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.title}, {facts(row)}" if isinstance(row, Experiment) else row
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if index.isValid() and isinstance(self._rows[index.row()], Experiment):
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.NoItemFlags


class ExperimentDelegate(QStyledItemDelegate):
    """Paints an experiment in two lines."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        known = index.data(EXPERIMENT_ROLE) is not None
        return QSize(10, theme().px(_ROW if known else _GROUP))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        px = theme().px
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        one = index.data(EXPERIMENT_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = rect.adjusted(px(_SIDE), 1, -px(_SIDE), -1)
        words = box.adjusted(px(_PADDING), 0, -px(_PADDING), 0)
        if one is None:
            painter.setFont(theme().font("group"))
            painter.setPen(theme().color("text2"))
            painter.drawText(words.adjusted(0, px(8), 0, 0), _LEFT, str(index.data()))
        else:
            self._ground(painter, box, state)
            self._lines(painter, words, one)
        painter.restore()

    def _ground(self, painter: QPainter, box: QRect, state: QStyle.StateFlag) -> None:
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("accent_tint" if selected else "hover"))
            painter.drawRoundedRect(box, theme().px(6), theme().px(6))
        if selected and state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme().color("focus"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), theme().px(5), theme().px(5))

    def _lines(self, painter: QPainter, words: QRect, one: Experiment) -> None:
        half = words.height() // 2
        lines: tuple[tuple[str, Role, str, int], ...] = (
            (one.title, "name", "text", words.top() + theme().px(6)),
            (facts(one), "small", "text2", words.top() + half - theme().px(1)),
        )
        for text, role, tone, top in lines:
            font = theme().font(role)
            painter.setFont(font)
            painter.setPen(theme().color(tone))
            shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, words.width())
            line = QRect(words.left(), top, words.width(), half - theme().px(5))
            painter.drawText(line, _LEFT, shown)


class ExperimentListView(QListView):
    """`shown` carries the experiment that is chosen, by pointer or arrow keys."""

    shown = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known = ExperimentModel(self)
        self.setObjectName("experimentList")
        self.setAccessibleName("Experiments")
        self.setModel(self._known)
        self.setItemDelegate(ExperimentDelegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("ground", "clear")
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    def set_experiments(self, experiments: Sequence[Experiment], chosen: str = "") -> None:
        """Show these, and choose one by its id."""
        self._known.set_experiments(experiments)
        row = self._known.row_of(chosen)
        if row >= 0:
            self.setCurrentIndex(self._known.index(row, 0))

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802 - Qt's name
        super().currentChanged(current, previous)
        one = current.data(EXPERIMENT_ROLE) if current.isValid() else None
        if one is not None:
            self.shown.emit(one)
