"""The list of conversations: its rows with groups by day, and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from qwqdesk.store.history import ConversationSummary
from qwqdesk.store.history_search import SearchHit
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import theme

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole
_ROW, _GROUP, _FIRST_GROUP = 32, 36, 28
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


@dataclass(frozen=True)
class ListRow:
    """A conversation, or a group's title (`id` 0). `lanes` chooses the icon."""

    id: int
    text: str
    lanes: int = 1
    detail: str = ""
    first: bool = False


def rows_by_day(found: Sequence[ConversationSummary], today: date) -> list[ListRow]:
    """Rows with the groups Today, Yesterday, Last 7 days, and months."""
    rows: list[ListRow] = []
    group = ""
    for item in found:
        title = _group_of(datetime.fromtimestamp(item.updated).date(), today)
        if title != group:
            rows.append(ListRow(0, title, first=not rows))
            group = title
        rows.append(ListRow(item.id, item.title or "New chat", max(1, item.lanes)))
    return rows


def rows_of_hits(
    hits: Sequence[SearchHit], lanes: dict[int, int], *, complete: bool = True
) -> list[ListRow]:
    """Rows of a search; `lanes` says how many lanes a conversation has.

    Without `complete` the time was up before all chats were searched.
    """
    rest = [] if complete else [ListRow(0, "Not all chats searched yet", first=not hits)]
    if not hits:
        return rest or [ListRow(0, "Nothing found", first=True)]
    head = ListRow(0, "Found", first=True)
    return [
        head,
        *(
            ListRow(hit.conversation_id, hit.title or "New chat",
                    lanes.get(hit.conversation_id, 1), hit.snippet)
            for hit in hits
        ),
        *rest,
    ]  # fmt: skip


def _group_of(day: date, today: date) -> str:
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Last 7 days"
    if day > today - timedelta(days=30):
        return "Last 30 days"
    return f"{day:%B %Y}"


class ConversationModel(QAbstractListModel):
    """The rows as Qt's list shows them; titles can be edited in place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ListRow] = []

    def set_rows(self, rows: Sequence[ListRow]) -> None:
        """Show other rows; nothing happens when they are the same."""
        if list(rows) != self._rows:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()

    def row_of(self, conversation_id: int | None) -> int:
        """The row of a conversation, -1 when it is not listed."""
        found = (i for i, row in enumerate(self._rows) if row.id and row.id == conversation_id)
        return next(found, -1)

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            kind = f"comparison of {row.lanes} lanes" if row.lanes > 1 else "chat"
            return f"{row.text}, {kind}" if row.id else row.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(part for part in (row.text, row.detail) if part)
        return row if role == ROW_ROLE else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid() or not self._rows[index.row()].id:
            return Qt.ItemFlag.NoItemFlags
        enabled = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return enabled | Qt.ItemFlag.ItemIsEditable


class ConversationDelegate(QStyledItemDelegate):
    """Paints groups as captions and conversations as rows of 32 px with an icon.

    One place of the sidebar is marked: the page in front, or the chat when that is the page; with
    `behind`, no chat is.
    """

    behind = False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        row = index.data(ROW_ROLE)
        height = _ROW if row.id else _FIRST_GROUP if row.first else _GROUP
        return QSize(10, theme().px(height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: ListRow = index.data(ROW_ROLE)
        rect: QRect = option.rect
        state = option.state
        if row.id:
            self._paint_row(painter, rect, state, row)
        else:
            self._paint_group(painter, rect, row.text)

    def _paint_group(self, painter: QPainter, rect: QRect, text: str) -> None:
        px = theme().px
        painter.setFont(theme().font("group"))
        painter.setPen(theme().color("text3"))
        painter.drawText(rect.adjusted(px(8), rect.height() - px(20), 0, -px(4)), _LEFT, text)

    def _paint_row(
        self, painter: QPainter, rect: QRect, state: QStyle.StateFlag, row: ListRow
    ) -> None:
        px = theme().px
        current = bool(state & QStyle.StateFlag.State_Selected)
        selected = current and not self.behind
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(theme().color("accent_tint" if selected else "hover"))
            painter.drawRoundedRect(rect, px(6), px(6))
        if state & QStyle.StateFlag.State_HasFocus and current:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme().color("focus"), 2))
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), px(6), px(6))
        side = px(16)
        box = QRectF(rect.left() + px(8), rect.center().y() - side / 2 + 0.5, side, side)
        name = "message-square" if row.lanes < 2 else f"columns-{min(4, row.lanes)}"
        draw_icon(painter, box, name, "accent" if selected else "text2")
        font = theme().font("name" if selected else "body")
        painter.setFont(font)
        painter.setPen(theme().color("text" if selected else "text2"))
        words = rect.adjusted(px(32), 0, -px(8), 0)
        shown = QFontMetrics(font).elidedText(row.text, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, _LEFT, shown)
        painter.restore()

    def createEditor(  # noqa: N802 - Qt's name
        self, parent: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> QWidget:
        editor = QLineEdit(parent)
        editor.setObjectName("conversationTitleEditor")
        editor.setAccessibleName("Title")
        editor.setMaxLength(200)
        return editor
