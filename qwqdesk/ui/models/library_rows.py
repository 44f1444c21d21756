"""How the library's rows are painted, and where in a row a click acts."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from qwqdesk.ui.base import paint_badge
from qwqdesk.ui.fonts import Role
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.models.library_table import ROW_ROLE, Column, LibraryRow
from qwqdesk.ui.models.library_words import check_words, copy_words, title
from qwqdesk.ui.theme import theme

Index = QModelIndex | QPersistentModelIndex
ROW, MORE = 40, 28
_EDGE, _GAP, _ICON, _BAR = 16, 8, 14, 4
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class LibraryDelegate(QStyledItemDelegate):
    """Paints one cell; `acted` carries a row's number and what was clicked in it."""

    acted = Signal(int, str)  # row; load, cancel, download or menu

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.hovered = -1
        self.pressed: tuple[int, str] | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(theme().px(60), theme().px(ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: LibraryRow = index.data(ROW_ROLE)
        rect: QRect = option.rect
        painter.save()
        self._paint_ground(painter, rect, option, index)
        column = Column(index.column())
        if column == Column.NAME:
            _paint_name(painter, rect, row)
        elif column == Column.CHECK:
            _paint_check(painter, rect, row)
        elif column == Column.SOURCE:
            box = rect.adjusted(theme().px(_GAP), 0, -theme().px(_GAP), 0)
            paint_badge(painter, box, "neutral", "", index.data())
        elif column == Column.ACTS:
            self._paint_acts(painter, rect, index.row(), row)
        else:
            _paint_text(painter, rect, index)
        painter.restore()

    def _paint_ground(
        self, painter: QPainter, rect: QRect, option: QStyleOptionViewItem, index: Index
    ) -> None:
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme().color("accent_tint"))
        elif index.row() == self.hovered:
            painter.fillRect(rect, theme().color("hover"))
        line = QRect(rect.left(), rect.bottom(), rect.width(), 1)
        painter.fillRect(line, theme().color("line"))

    # ------------------------------------------------------------ the acts of a row

    def _paint_acts(self, painter: QPainter, rect: QRect, number: int, row: LibraryRow) -> None:
        px = theme().px
        words, act = row.act_words, row.act
        box = act_rect(rect, row)
        if self.pressed == (number, act) and act:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("line"))
            painter.drawRoundedRect(box, px(6), px(6))
        ink = "accent_text" if act else "good" if row.loaded else "text2"
        painter.setFont(theme().font("small-strong"))
        painter.setPen(theme().color(ink))
        painter.drawText(box.adjusted(0, 0, -px(8), 0), int(_RIGHT), words)
        name = {"download": "download", "cancel": "x", "load": "play"}.get(act, "circle-check")
        if words:
            left = box.right() - px(8) - _advance("small-strong", words) - px(6) - px(_ICON)
            _icon(painter, left, rect, name, ink)
        _icon(painter, menu_rect(rect).center().x() - px(8), rect, "ellipsis", "text2", 16)

    def editorEvent(  # noqa: N802 - Qt's name
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        if index.column() != Column.ACTS or not isinstance(event, QMouseEvent):
            return False
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        row: LibraryRow = index.data(ROW_ROLE)
        place = event.position().toPoint()
        found = "menu" if menu_rect(option.rect).contains(place) else ""
        if row.act and act_rect(option.rect, row).contains(place):
            found = row.act
        if event.type() == QEvent.Type.MouseButtonPress:
            self.pressed = (index.row(), found) if found else None
            return bool(found)
        if event.type() == QEvent.Type.MouseButtonRelease and self.pressed is not None:
            same, self.pressed = self.pressed == (index.row(), found), None
            if same:
                self.acted.emit(index.row(), found)
            return True
        return bool(found)


def menu_rect(cell: QRect) -> QRect:
    """The place of the three dots in the last cell of a row."""
    px = theme().px
    top = cell.center().y() - px(MORE) // 2
    return QRect(cell.right() + 1 - px(_EDGE // 2) - px(MORE), top, px(MORE), px(MORE))


def act_rect(cell: QRect, row: LibraryRow) -> QRect:
    """The place of the row's button, left of the dots; at least 24 px high."""
    px = theme().px
    words = _advance("small-strong", row.act_words)
    width = words + px(_ICON) + px(6) + 2 * px(8)
    right = menu_rect(cell).left() - px(2)
    return QRect(right - width, cell.center().y() - px(14), width, px(28))


def _paint_name(painter: QPainter, rect: QRect, row: LibraryRow) -> None:
    px = theme().px
    box = rect.adjusted(px(_EDGE), 0, -px(_GAP), 0)
    quiet = copy_words(row.copies)
    ink = theme().color("text" if row.model.complete else "text2")
    name = rect_part(box, 3, 20) if quiet else box
    _elided(painter, name, title(row.model), "name", ink)
    if quiet:
        _elided(painter, rect_part(box, 20, 16), quiet, "caption", theme().color("text3"))


def rect_part(box: QRect, top: int, height: int) -> QRect:
    """A line of a row, by its top and height at 100 % text size."""
    px = theme().px
    return QRect(box.left(), box.top() + px(top), box.width(), px(height))


def _paint_check(painter: QPainter, rect: QRect, row: LibraryRow) -> None:
    px = theme().px
    box = rect.adjusted(px(_GAP), 0, -px(_GAP), 0)
    if row.progress is not None:
        words = f"Checking {row.progress * 100:.0f} %"
        _elided(painter, rect_part(box, 5, 18), words, "small", theme().color("text2"))
        _paint_bar(painter, rect_part(box, 27, _BAR), row.progress)
        return
    check = check_words(row.model)
    if check.kind in ("warn", "bad"):
        paint_badge(painter, box, check.kind, check.icon, check.text)
        return
    ink = "good" if check.kind == "good" else "text2"
    _icon(painter, box.left(), rect, check.icon, ink)
    words_box = box.adjusted(px(_ICON) + px(6), 0, 0, 0)
    _elided(painter, words_box, check.text, "small", theme().color(ink))


def _paint_bar(painter: QPainter, box: QRect, share: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for width, token in ((box.width(), "line"), (round(box.width() * share), "good")):
        painter.setBrush(theme().color(token))
        painter.drawRoundedRect(QRectF(box.left(), box.top(), width, box.height()), 2, 2)


def _paint_text(painter: QPainter, rect: QRect, index: Index) -> None:
    px = theme().px
    column = Column(index.column())
    ink = "text2" if column == Column.USED else "text"
    role: Role = "small" if column == Column.USED else "body"
    flags = _RIGHT if column == Column.SIZE else _LEFT
    box = rect.adjusted(px(_GAP), 0, -px(_GAP), 0)
    _elided(painter, box, index.data(), role, theme().color(ink), flags)


def _elided(
    painter: QPainter,
    box: QRect,
    text: str,
    role: Role,
    ink: QColor,
    flags: Qt.AlignmentFlag = _LEFT,
) -> None:
    font = theme().font(role)
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.setFont(font)
    painter.setPen(QPen(ink))
    painter.drawText(box, int(flags), shown)


def _advance(role: Role, text: str) -> int:
    return QFontMetrics(theme().font(role)).horizontalAdvance(text) + 1


def _icon(
    painter: QPainter, left: int, rect: QRect, name: str, token: str, size: int = _ICON
) -> None:
    side = theme().px(size)
    draw_icon(painter, QRectF(left, rect.center().y() - side / 2 + 0.5, side, side), name, token)
