"""How the table of quantizations is painted: rows, badges, and the act at their end."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from qwqdesk.ui.base import badge_size, button, paint_badge
from qwqdesk.ui.fonts import Role
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.models.find_table_model import (
    ACT,
    BITS,
    FIT,
    LABEL,
    ROW_ROLE,
    SIZE,
    WORDS,
    Badge,
    Index,
    TableRow,
)
from qwqdesk.ui.theme import theme

SIDE, FIRST, LAST = 8, 16, 12
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
_BUTTON, _BUTTON_SIDE, _SUGGESTED = 28, 10, "Suggested"
_ICON_ALONE = 72  # px: a badge with less room is only its icon


def label_width(row: TableRow, short: bool) -> int:
    """What the first column needs for a row, in pixels; `short` leaves of "Suggested" the star."""
    px = theme().px
    width = QFontMetrics(theme().font("strong")).horizontalAdvance(row.label) + 1
    if row.suggested:
        width += px(10) + badge_size("star", "" if short else _SUGGESTED).width()
    return width + px(FIRST) + px(SIDE)


def badge_width(badge: Badge) -> int:
    """What the fit's column needs for a badge, in pixels."""
    return badge_size(badge[1], badge[2]).width() + 2 * theme().px(SIDE)


class QuantizationDelegate(QStyledItemDelegate):
    """Paints cells; the act of the current and the hovered row is a real button (an editor)."""

    act_wanted = Signal(int)

    def __init__(self, view: QTableView) -> None:
        super().__init__(view)
        self._view = view
        self.hovered = -1
        self.short = False

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: TableRow = index.data(ROW_ROLE)
        px, rect = theme().px, QRect(option.rect)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        ground = "accent_tint" if selected else "hover" if index.row() == self.hovered else ""
        painter.save()
        if ground:
            painter.fillRect(rect, theme().color(ground))
        line = QRect(rect.left(), rect.bottom(), rect.width(), 1)
        painter.fillRect(line, theme().color("line"))
        column = index.column()
        left = px(FIRST if column == LABEL else SIDE)
        cell = rect.adjusted(left, 0, -px(LAST if column == ACT else SIDE), -1)
        if column == LABEL:
            self._paint_label(painter, cell, row)
        elif column in (BITS, SIZE):
            exact = column == SIZE or row.exact_bits
            tone = "text" if column == SIZE else "text2" if exact else "text3"
            _paint_text(painter, cell, index.data(), tone, _RIGHT)
        elif column == WORDS:
            _paint_text(painter, cell, row.words, "warn" if row.missing else "text2", _LEFT)
        elif column == FIT and row.fit is not None:
            kind, icon, words = row.fit
            paint_badge(painter, cell, kind, icon, words if cell.width() > px(_ICON_ALONE) else "")
        elif column == ACT and not self._view.isPersistentEditorOpen(index):
            _paint_act(painter, cell, row)
        painter.restore()

    def _paint_label(self, painter: QPainter, cell: QRect, row: TableRow) -> None:
        px, suggested = theme().px, "" if self.short else _SUGGESTED
        badge = badge_size("star", suggested).width() + px(10) if row.suggested else 0
        words = cell.adjusted(0, 0, -badge, 0)
        used = _paint_text(painter, words, row.label, "text", _LEFT, "strong")
        if row.suggested:
            _paint_suggested(painter, cell.left() + used + px(10), cell.center().y(), suggested)

    # ------------------------------------------------------------ the button

    def createEditor(  # noqa: N802 - Qt's name
        self, parent: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> QWidget:
        row: TableRow = index.data(ROW_ROLE)
        current = index.row() == self._view.currentIndex().row()
        number = index.row()
        made = button(
            row.act,
            "play" if row.act == "Resume" else "download",
            "primary" if current else "link",
            small=True,
            name="downloadButton",
            clicked=lambda: self.act_wanted.emit(number),
            parent=parent,
        )
        made.setAccessibleName(f"{row.act} {row.label}")
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus if current else Qt.FocusPolicy.NoFocus)
        return made

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """A button is no field: Tab leaves it as any other, Enter and Escape do not close it."""
        return False

    def updateEditorGeometry(  # noqa: N802 - Qt's name
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        px, rect = theme().px, QRect(option.rect)
        size = QSize(editor.sizeHint().width(), px(_BUTTON))
        right = rect.right() + 1 - px(LAST)
        top = rect.top() + (rect.height() - 1 - size.height()) // 2
        editor.setGeometry(QRect(right - size.width(), top, size.width(), size.height()))


def _paint_text(
    painter: QPainter, cell: QRect, text: str, tone: str, flags: int, role: Role = "body"
) -> int:
    """Paint one line, elided where it must be; returns its width."""
    font = theme().font(role)
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, cell.width())
    painter.setFont(font)
    painter.setPen(theme().color(tone))
    painter.drawText(cell, flags, shown)
    return metrics.horizontalAdvance(shown)


def _paint_suggested(painter: QPainter, left: int, middle: int, text: str) -> None:
    """The outlined badge beside the label."""
    px, size = theme().px, badge_size("star", text)
    box = QRect(left, middle - size.height() // 2, size.width(), size.height())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme().color("accent"), 1))
    painter.setBrush(theme().color("surface"))
    painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), px(4), px(4))
    side = px(12)
    place = QRectF(
        QPointF(box.left() + px(6), box.center().y() - side / 2 + 0.5), QSize(side, side)
    )
    draw_icon(painter, place, "star", "accent_text")
    painter.setFont(theme().font("small-strong"))
    painter.setPen(theme().color("accent_text"))
    words = box.adjusted(px(6) + side + px(4), 0, 0, 0)
    painter.drawText(words, _LEFT, text)
    painter.restore()


def _paint_act(painter: QPainter, cell: QRect, row: TableRow) -> None:
    """The state in words, or what looks as the button that comes under the pointer."""
    px, words = theme().px, row.state
    if words == "Download":
        tone = "text2" if row.fit is not None and row.fit[0] == "bad" else "accent_text"
        cell = cell.adjusted(0, 0, -px(_BUTTON_SIDE), 0)
        _paint_icon_words(painter, cell, "download", words, tone, "small-strong", px(14))
    elif words == "In library":
        _paint_icon_words(painter, cell, "shield-check", words, "good", "body", px(15))
    else:
        failed = row.status is not None and row.status.state == "failed"
        tone = "warn" if row.missing else "bad" if failed else "text2"
        _paint_text(painter, cell, words, tone, _RIGHT)


def _paint_icon_words(
    painter: QPainter, cell: QRect, icon: str, words: str, tone: str, role: Role, side: int
) -> None:
    """An icon and words, at the right."""
    width = _paint_text(painter, cell, words, tone, _RIGHT, role)
    left = cell.right() + 1 - width - theme().px(6) - side
    draw_icon(painter, QRectF(left, cell.center().y() - side / 2 + 0.5, side, side), icon, tone)


class TableHead(QHeaderView):
    """Headings of 28 px; they are painted here because cells at the edges have other margins."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setHighlightSections(False)
        self.setSectionsClickable(False)
        self.setMinimumSectionSize(theme().px(40))
        self.setFixedHeight(theme().px(28))

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:  # noqa: N802, N803
        px = theme().px
        painter.save()
        painter.fillRect(rect, theme().color("sunken"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), theme().color("line"))
        left = px(FIRST if logicalIndex == LABEL else SIDE)
        words = str(self.model().headerData(logicalIndex, Qt.Orientation.Horizontal) or "")
        flags = _RIGHT if logicalIndex in (BITS, SIZE) else _LEFT
        cell = rect.adjusted(left, 0, -px(SIDE), -1)
        _paint_text(painter, cell, words, "text2", flags, "small-strong")
        painter.restore()
