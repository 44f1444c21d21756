"""Owns formulas as objects within a text document: their size, their place on the line, paint."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from qwqdesk.ui.base.labels import plain_tip
from qwqdesk.ui.conversation.formula_layout import Box, em_size, lay_out
from qwqdesk.ui.conversation.formulas import Node, breakable_pieces, read_formula

FORMULA_OBJECT = int(QTextFormat.ObjectTypes.UserObject.value) + 1
TEX_PROPERTY = int(QTextFormat.Property.UserProperty) + 2
PIECE_PROPERTY = int(QTextFormat.Property.UserProperty) + 4  # which part of a broken formula
_ALONE = QTextCharFormat.VerticalAlignment.AlignBottom
_ON_BASE_LINE = QTextCharFormat.VerticalAlignment.AlignBaseline
_AROUND_BASE_LINE = QTextCharFormat.VerticalAlignment.AlignMiddle


class FormulaObject(QPyTextObject):
    """Draws the formulas of one document; register it with the document's layout."""

    def intrinsicSize(  # noqa: N802 - Qt's name
        self, document: QTextDocument, position: int, form: QTextFormat
    ) -> QSizeF:
        box, chars = _box(form)
        alignment = chars.verticalAlignment()
        if alignment is _ALONE:
            return QSizeF(box.width, box.ascent + box.descent)
        if alignment is _ON_BASE_LINE:
            return QSizeF(box.width, box.ascent + QFontMetricsF(chars.font()).descent())
        return QSizeF(box.width, 2 * max(box.ascent, box.descent))

    def drawObject(  # noqa: N802 - Qt's name
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        document: QTextDocument,
        position: int,
        form: QTextFormat,
    ) -> None:
        box, chars = _box(form)
        rect = QRectF(rect)
        alignment = chars.verticalAlignment()
        if alignment is _ALONE:
            base = rect.top() + box.ascent
        elif alignment is _ON_BASE_LINE:
            base = rect.bottom() - QFontMetricsF(chars.font()).descent()
        else:
            base = rect.center().y()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box.paint(painter, QPointF(rect.left(), base), chars.foreground().color())


def insert_formula(
    cursor: QTextCursor, tex: str, look: QTextCharFormat, *, alone: bool = False
) -> bool:
    """Insert a formula in the look of the text around it; False when it cannot be read.

    `alone` is for one that has its line to itself: it needs no base line.
    """
    node = read_formula(tex)
    if node is None:
        return False
    pieces = breakable_pieces(node)
    for number, piece in enumerate(pieces):
        form = QTextCharFormat(look)
        form.setObjectType(FORMULA_OBJECT)
        form.setProperty(TEX_PROPERTY, tex)
        form.setProperty(PIECE_PROPERTY, number)
        form.setToolTip(plain_tip(tex))
        form.setVerticalAlignment(_alignment(piece, form, alone=alone and len(pieces) == 1))
        cursor.insertText("\ufffc", form)
    return True


def _alignment(
    node: Node, form: QTextCharFormat, *, alone: bool
) -> QTextCharFormat.VerticalAlignment:
    if alone:
        return _ALONE
    fits = lay_out(node, em_size(form.font())).descent <= QFontMetricsF(form.font()).descent()
    return _ON_BASE_LINE if fits else _AROUND_BASE_LINE


def _box(form: QTextFormat) -> tuple[Box, QTextCharFormat]:
    chars = form.toCharFormat()
    node = read_formula(str(form.property(TEX_PROPERTY)))
    if node is None:
        return Box(), chars
    pieces = breakable_pieces(node)
    number = min(form.intProperty(PIECE_PROPERTY), len(pieces) - 1)
    return lay_out(pieces[number], em_size(chars.font())), chars
