"""Owns how a mark in the text looks: a bar over the height of its line, and a tab with words."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QFontMetricsF,
    QPainter,
    QPen,
    QPyTextObject,
    QTextCharFormat,
    QTextDocument,
    QTextFormat,
)

from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import theme

MARK_OBJECT = int(QTextFormat.ObjectTypes.UserObject.value) + 2
_WORDS = int(QTextFormat.Property.UserProperty) + 5
_HOLLOW = int(QTextFormat.Property.UserProperty) + 6
_BAR, _HEIGHT, _PADDING, _ICON, _GAP, _AFTER, _RADIUS = 2, 18, 6, 12, 4, 4, 4


def mark_format(around: QTextCharFormat, words: str, hollow: bool) -> QTextCharFormat:
    """The format of a mark within text of the format `around`."""
    form = QTextCharFormat()
    form.setFont(around.font())
    form.setObjectType(MARK_OBJECT)
    form.setProperty(_WORDS, words)
    form.setProperty(_HOLLOW, hollow)
    form.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
    return form


class MarkObject(QPyTextObject):
    """Draws the marks of one document; register it with the document's layout."""

    def intrinsicSize(  # noqa: N802 - Qt's name
        self, document: QTextDocument, position: int, form: QTextFormat
    ) -> QSizeF:
        metrics = QFontMetricsF(form.toCharFormat().font())
        width = theme().px(_BAR + 1) + tab_width(_words(form), hollow=_is_hollow(form))
        return QSizeF(width + theme().px(_AFTER), metrics.ascent() + metrics.descent())

    def drawObject(  # noqa: N802 - Qt's name
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        document: QTextDocument,
        position: int,
        form: QTextFormat,
    ) -> None:
        px, box = theme().px, QRectF(rect).toAlignedRect()
        hollow = _is_hollow(form)
        # Nothing below the line: there Qt draws the next one, and cuts what is not its own.
        line = QRect(box.left(), box.bottom() + 1 - px(_HEIGHT), px(_BAR), px(_HEIGHT))
        paint_bar(painter, line, hollow=hollow)
        tab = QRect(box.left() + px(_BAR + 1), line.top() + 1, 0, line.height() - 1)
        tab.setWidth(tab_width(_words(form), hollow=hollow))
        base = QRectF(rect).bottom() - QFontMetricsF(form.toCharFormat().font()).descent()
        paint_tab(painter, tab, _words(form), hollow=hollow, base=base)


def _words(form: QTextFormat) -> str:
    return str(form.property(_WORDS) or "")


def _is_hollow(form: QTextFormat) -> bool:
    return form.boolProperty(_HOLLOW)


def tab_width(words: str, *, hollow: bool) -> int:
    """Pixels that a tab takes; only the filled one has its sign."""
    px = theme().px
    advance = QFontMetricsF(theme().font("small-strong")).horizontalAdvance(words)
    return round(advance) + 1 + 2 * px(_PADDING) + (0 if hollow else px(_ICON + _GAP))


def paint_bar(painter: QPainter, line: QRect, *, hollow: bool) -> None:
    """The bar at the left edge of a line's rectangle, 2 px wide; the hollow one 4."""
    bar = QRect(line.left(), line.top(), theme().px(_BAR), line.height())
    if hollow:
        painter.save()
        painter.setPen(QPen(theme().color("accent"), 1))
        painter.setBrush(theme().color("surface"))
        painter.drawRect(bar.adjusted(0, 0, 1, -1))
        painter.restore()
    else:
        painter.fillRect(bar, theme().color("accent"))


def paint_tab(
    painter: QPainter, box: QRect, words: str, *, hollow: bool, base: float = 0.0
) -> None:
    """The tab beside the bar: tinted with a sign, or outlined. `base` is the text's base line."""
    px = theme().px
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    shape = QRectF(box)
    if hollow:
        painter.setPen(QPen(theme().color("accent"), 1))
        painter.setBrush(theme().color("surface"))
        shape = shape.adjusted(0.5, 0.5, -0.5, -0.5)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("accent_tint"))
    painter.drawRoundedRect(shape, px(_RADIUS), px(_RADIUS))
    left = box.left() + px(_PADDING)
    if not hollow:
        side = px(_ICON)
        place = QRectF(left, box.top() + (box.height() - side) / 2, side, side)
        draw_icon(painter, place, "git-fork", "accent_text")
        left += px(_ICON + _GAP)
    painter.setFont(theme().font("small-strong"))
    painter.setPen(theme().color("accent_text"))
    if base:
        painter.drawText(QPointF(left, base), words)
    else:
        room = QRect(left, box.top(), box.right() - left + 1, box.height())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), words)
    painter.restore()
