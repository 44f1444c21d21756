"""Paints a download's row: icon and names, bar, words. The measures are those of picture f."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from qwqdesk.ui.fonts import Role
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.models.downloads_model import BAR, NAME, ROW_ROLE, WORDS, Index, ShownRow
from qwqdesk.ui.theme import theme

ROW = 48
LEFT, ICON, GAP = 16, 18, 12
_NAMES_AT = LEFT + 20 + GAP
_VCENTER = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


class DownloadDelegate(QStyledItemDelegate):
    """Everything but the buttons."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(10, theme().px(ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        shown: ShownRow = index.data(ROW_ROLE)
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(rect, theme().color("surface"))
        painter.fillRect(QRect(rect.left(), rect.top(), rect.width(), 1), theme().color("line"))
        if index.column() == NAME:
            self._paint_name(painter, rect, shown)
        elif index.column() == BAR:
            self._paint_bar(painter, rect, shown)
        elif index.column() == WORDS:
            words = rect.adjusted(0, 1, -theme().px(GAP), 0)
            _write(painter, words, shown.look.words, "small", shown.look.tone)
        painter.restore()

    def _paint_name(self, painter: QPainter, rect: QRect, shown: ShownRow) -> None:
        px = theme().px
        side = px(ICON)
        left, top = rect.left() + px(LEFT), rect.top() + (rect.height() - side) / 2
        draw_icon(painter, QRectF(left, top, side, side), shown.look.icon, shown.look.ink)
        words = rect.adjusted(px(_NAMES_AT), 1, -px(GAP), 0)
        name, under = px(20), px(16)
        begin = words.top() + (words.height() - name - under) // 2
        box = QRect(words.left(), begin, words.width(), name)
        _write(painter, box, shown.title, "name", "text")
        box = QRect(words.left(), begin + name, words.width(), under)
        _write(painter, box, shown.row.repo, "small", "text2")

    def _paint_bar(self, painter: QPainter, rect: QRect, shown: ShownRow) -> None:
        px = theme().px
        height = px(4)
        top = rect.top() + 0.5 + (rect.height() - height) / 2
        whole = QRectF(rect.left(), top, rect.width() - px(GAP), height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("line"))
        painter.drawRoundedRect(whole, height / 2, height / 2)
        if shown.look.share > 0:
            width = max(whole.width() * shown.look.share, height)
            painter.setBrush(theme().color(shown.look.bar))
            done = QRectF(whole.left(), top, width, height)
            painter.drawRoundedRect(done, height / 2, height / 2)


def _write(painter: QPainter, rect: QRect, text: str, role: Role, token: str) -> None:
    font = theme().font(role)
    painter.setFont(font)
    painter.setPen(theme().color(token))
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, _VCENTER, shown)
