"""The command palette: all commands of the window, filtered by what one types."""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.ui.base import Hairline
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.shortcuts import COMMANDS, Command
from qwqdesk.ui.theme import theme

_WIDTH, _TOP, _ROW, _MOST_ROWS = 560, 96, 32, 10
_COMMAND = Qt.ItemDataRole.UserRole
_MIDDLE = Qt.AlignmentFlag.AlignVCenter
Index = QModelIndex | QPersistentModelIndex


def matching(commands: tuple[Command, ...], typed: str) -> list[Command]:
    """Commands whose title has every typed word; those that begin with it come first."""
    words = typed.lower().split()
    found = [c for c in commands if c.listed and all(w in c.title.lower() for w in words)]
    return sorted(found, key=lambda c: not c.title.lower().startswith(typed.lower().strip()))


class _Model(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.commands: list[Command] = []

    def show_commands(self, commands: list[Command]) -> None:
        self.beginResetModel()
        self.commands = commands
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self.commands)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        command = self.commands[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return command.title
        return command if role == _COMMAND else None


class _Delegate(QStyledItemDelegate):
    """Icon, title with the matched letters in 600, shortcut."""

    typed = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(100, theme().px(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        px = theme().px
        command: Command = index.data(_COMMAND)
        rect = option.rect
        chosen = option.state & QStyle.StateFlag.State_Selected
        if chosen:
            painter.fillRect(rect, theme().color("accent_tint"))
        box = QRectF(rect.left() + px(12), rect.center().y() - px(8) + 0.5, px(16), px(16))
        draw_icon(painter, box, command.icon, "text" if chosen else "text2")
        left = rect.left() + px(38)
        for part, strong in _runs(command.title, self.typed):
            font = theme().font("strong" if strong else "body")
            painter.setFont(font)
            painter.setPen(theme().color("text"))
            width = QFontMetrics(font).horizontalAdvance(part)
            painter.drawText(left, rect.top(), width + 2, rect.height(), int(_MIDDLE), part)
            left += width
        painter.setFont(theme().font("caption"))
        painter.setPen(theme().color("text3"))
        keys = QKeySequence(command.keys).toString(QKeySequence.SequenceFormat.NativeText)
        right = Qt.AlignmentFlag.AlignRight | _MIDDLE
        painter.drawText(rect.adjusted(0, 0, -px(12), 0), int(right), keys.replace("+", " "))


def _runs(title: str, typed: str) -> list[tuple[str, bool]]:
    words = [re.escape(word) for word in typed.split()]
    if not words:
        return [(title, False)]
    parts = re.split(f"({'|'.join(words)})", title, flags=re.IGNORECASE)
    return [(part, number % 2 == 1) for number, part in enumerate(parts) if part]


class Palette(QDialog):
    """Frameless, 560 wide; Enter runs the chosen command, Esc closes."""

    def __init__(self, window: QWidget, run: Callable[[str], object]) -> None:
        """`run` takes the id of the chosen command."""
        super().__init__(window, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        px = theme().px
        self._window, self._run_command = window, run
        self.setObjectName("commandPalette")
        self.setAccessibleName("Command palette")
        self.setProperty("ground", "raised")
        self.setProperty("popup", True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._model = _Model(self)
        self._delegate = _Delegate(self)
        self._field = QLineEdit()
        self._field.setObjectName("paletteInput")
        self._field.setAccessibleName("Command")
        self._field.setPlaceholderText("What to do")
        self._field.setProperty("field", "plain")
        self._field.setFixedHeight(px(40))
        self._field.setTextMargins(px(12), 0, px(12), 0)
        self._field.textChanged.connect(self._typed)
        self._list = QListView()
        self._list.setObjectName("paletteList")
        self._list.setAccessibleName("Commands")
        self._list.setModel(self._model)
        self._list.setItemDelegate(self._delegate)
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.clicked.connect(lambda *_: self._run())
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(self._field)
        column.addWidget(Hairline())
        column.addWidget(self._list)
        self._typed("")
        self._place()

    def _place(self) -> None:
        px = theme().px
        self.setFixedWidth(px(_WIDTH))
        corner = self._window.mapToGlobal(self._window.rect().topLeft())
        self.move(corner.x() + (self._window.width() - px(_WIDTH)) // 2, corner.y() + px(_TOP))
        self._field.setFocus(Qt.FocusReason.PopupFocusReason)

    def _typed(self, text: str) -> None:
        self._delegate.typed = text.strip()
        self._model.show_commands(matching(COMMANDS, text))
        rows = max(1, min(_MOST_ROWS, len(self._model.commands)))
        self._list.setFixedHeight(rows * theme().px(_ROW))
        self._list.setCurrentIndex(self._model.index(0, 0))
        self.adjustSize()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if step and self._model.commands:
            row = (self._list.currentIndex().row() + step) % len(self._model.commands)
            self._list.setCurrentIndex(self._model.index(row, 0))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run()
        else:
            super().keyPressEvent(event)

    def _run(self) -> None:
        command = self._list.currentIndex().data(_COMMAND)
        self.close()
        if command is not None:
            self._run_command(command.id)
