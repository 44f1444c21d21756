"""Owns the geometry of formulas: a tree becomes signs and lines at places, in pixels.

The proportions (scripts at 0.7, raised by 0.38 em, the fraction bar on the axis 0.26 em above the
base line) are those that TeX's Appendix G gives for an ordinary font, rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from qwqdesk.ui.conversation.formulas import (
    Atom,
    Boxed,
    Fraction,
    Lines,
    Node,
    Root,
    Row,
    Script,
    Space,
)

_FAMILIES = ["STIX Two Text", "STIX", "Cambria Math", "Cambria", "Times New Roman",
             "Liberation Serif", "Noto Serif", "DejaVu Serif", "serif"]  # fmt: skip
_SCRIPT = 0.7
_SMALLEST = 7.0
_AXIS = 0.26
_BIG = frozenset("∑∏∫∬∮")


@dataclass
class Box:
    """A laid-out piece; the origin is on the base line at its left. Pixels."""

    width: float = 0.0
    ascent: float = 0.0
    descent: float = 0.0
    signs: list[tuple[QPointF, str, QFont]] = field(default_factory=list)
    lines: list[tuple[QLineF, float]] = field(default_factory=list)
    frames: list[QRectF] = field(default_factory=list)

    def put(self, other: Box, x: float, y: float = 0.0) -> None:
        """Add another box; `y` is how far its base line lies below this one's."""
        at = QPointF(x, y)
        self.signs += [(place + at, text, font) for place, text, font in other.signs]
        self.lines += [(line.translated(at), pen) for line, pen in other.lines]
        self.frames += [frame.translated(at) for frame in other.frames]
        self.width = max(self.width, x + other.width)
        self.ascent = max(self.ascent, other.ascent - y)
        self.descent = max(self.descent, other.descent + y)

    def paint(self, painter: QPainter, origin: QPointF, color: QColor) -> None:
        """Draw with the base line's left end at `origin`."""
        painter.save()
        painter.translate(origin)
        for place, text, font in self.signs:
            painter.setPen(color)
            painter.setFont(font)
            painter.drawText(place, text)
        for line, width in self.lines:
            painter.setPen(QPen(color, width))
            painter.drawLine(line)
        painter.setPen(QPen(color, 1.5))
        for frame in self.frames:
            painter.drawRoundedRect(frame, 2, 2)
        painter.restore()


@lru_cache(maxsize=256)
def lay_out(node: Node, size: float) -> Box:
    """The box of a formula; `size` is the height of an em in pixels. Do not change the result."""
    if isinstance(node, Atom):
        return _atom(node, size)
    if isinstance(node, Space):
        return Box(width=node.em * size)
    if isinstance(node, Row):
        return _row(node, size)
    if isinstance(node, Script):
        return _script(node, size)
    if isinstance(node, Fraction):
        return _fraction(node, size)
    if isinstance(node, Root):
        return _root(node, size)
    if isinstance(node, Boxed):
        return _boxed(node, size)
    return _lines(node, size)


@lru_cache(maxsize=64)
def _font(size: float, italic: bool) -> QFont:
    font = QFont(_FAMILIES)
    font.setPixelSize(max(round(_SMALLEST), round(size)))
    font.setItalic(italic)
    return font


@lru_cache(maxsize=16)
def em_size(text: QFont) -> float:
    """The em of formulas beside this font, so that small letters are equally high in both.

    With STIX that is 1.12 of the text's size, with a wide font such as DejaVu Serif less.
    """
    own = QFontMetricsF(_font(100, False)).xHeight() / 100
    wanted = QFontMetricsF(text).xHeight()
    factor = wanted / (own * text.pixelSize()) if own > 0 and text.pixelSize() > 0 else 1.0
    return text.pixelSize() * min(1.2, max(0.95, factor))


def _atom(atom: Atom, size: float) -> Box:
    big = atom.text in _BIG
    font = _font(size * 1.35 if big else size, atom.kind == "variable")
    metrics = QFontMetricsF(font)
    room = {"relation": 0.25, "operator": 0.2, "punctuation": 0.0}.get(atom.kind, 0.0) * size
    after = 0.16 * size if atom.kind == "punctuation" and atom.text in ",;" else room
    ink = metrics.tightBoundingRect(atom.text)
    width = max(metrics.horizontalAdvance(atom.text), ink.right() if atom.kind == "variable" else 0)
    box = Box(room + width + after, max(-ink.top(), 0.55 * size), max(ink.bottom(), 0.0))
    box.signs.append((QPointF(room, 0), atom.text, font))
    return box


def _row(row: Row, size: float) -> Box:
    box = Box(ascent=0.55 * size)
    x = 0.0
    before: Node | None = None
    for item in row.items:
        part = lay_out(_tight(item, before), size)
        box.put(part, x)
        x += part.width
        before = item
    box.width = x
    return box


def _tight(item: Node, before: Node | None) -> Node:
    """A sign at the start or after another sign belongs to what follows: `-b`, `= -b`."""
    if isinstance(item, Atom) and item.kind == "operator" and item.text in "+−±":
        starts = before is None or (
            isinstance(before, Atom)
            and (before.kind in ("relation", "operator", "punctuation") or before.text in "([{")
        )
        return Atom(item.text, "bracket") if starts else item
    return item


def _script(node: Script, size: float) -> Box:
    box = Box()
    base = lay_out(node.base, size)
    box.put(base, 0)
    x = base.width + 0.04 * size
    if node.raised is not None:
        part = lay_out(node.raised, max(size * _SCRIPT, _SMALLEST))
        high = 0.0 if isinstance(node.base, Atom) else base.ascent - 0.45 * part.ascent
        box.put(part, x, -max(0.4 * size, high))
    if node.lowered is not None:
        part = lay_out(node.lowered, max(size * _SCRIPT, _SMALLEST))
        box.put(part, x, max(0.2 * size, base.descent + 0.1 * size))
    box.width += 0.04 * size
    return box


def _fraction(node: Fraction, size: float) -> Box:
    above, below = lay_out(node.above, size * 0.85), lay_out(node.below, size * 0.85)
    width = max(above.width, below.width) + 0.3 * size
    axis, gap = -_AXIS * size, 0.14 * size
    side = 0.08 * size
    box = Box()
    box.put(above, side + (width - above.width) / 2, axis - gap - above.descent)
    box.put(below, side + (width - below.width) / 2, axis + gap + below.ascent)
    box.lines.append((QLineF(side, axis, side + width, axis), max(1.0, size * 0.06)))
    box.width = width + 2 * side
    return box


def _root(node: Root, size: float) -> Box:
    body = lay_out(node.body, size)
    pen = max(1.0, size * 0.06)
    top = -(body.ascent + 0.18 * size)
    hook = 0.55 * size
    box = Box()
    start = 0.0
    if node.degree is not None:
        degree = lay_out(node.degree, max(size * 0.6, _SMALLEST))
        box.put(degree, 0, -0.5 * size)
        start = max(0.0, degree.width - 0.25 * size)
    low = max(body.descent, 0.08 * size)
    points = [QPointF(start, -0.28 * size), QPointF(start + 0.14 * size, -0.36 * size),
              QPointF(start + 0.3 * size, low), QPointF(start + hook, top),
              QPointF(start + hook + body.width + 0.1 * size, top)]  # fmt: skip
    box.lines += [(QLineF(a, b), pen) for a, b in pairwise(points)]
    box.put(body, start + hook + 0.05 * size)
    box.ascent = max(box.ascent, -top + pen)
    box.descent = max(box.descent, low)
    box.width = start + hook + body.width + 0.16 * size
    return box


def _boxed(node: Boxed, size: float) -> Box:
    body = lay_out(node.body, size)
    side, above = 0.7 * size, 0.45 * size
    box = Box()
    box.put(body, side)
    frame = QRectF(0.75, -body.ascent - above, body.width + 2 * side - 1.5, 0)
    frame.setBottom(body.descent + above)
    box.frames.append(frame)
    box.width = body.width + 2 * side
    box.ascent, box.descent = body.ascent + above + 1, body.descent + above + 1
    return box


def _lines(node: Lines, size: float) -> Box:
    rows = [[lay_out(cell, size) for cell in row] for row in node.rows]
    columns = max((len(row) for row in rows), default=0)
    widths = [max((r[c].width for r in rows if c < len(r)), default=0.0) for c in range(columns)]
    height = sum(_row_height(row, size) for row in rows)
    box = Box()
    start = 0.45 * size if node.fence else 0.0
    spread = size if node.fence else 0.0
    y = -height / 2 - _AXIS * size
    for row in rows:
        base = y + max((cell.ascent for cell in row), default=0.0) + 0.15 * size
        x = start
        for number, cell in enumerate(row):
            aligned_right = not node.fence and number % 2 == 0 and columns > 1
            box.put(cell, x + (widths[number] - cell.width if aligned_right else 0), base)
            x += widths[number] + spread
        y += _row_height(row, size)
    box.ascent, box.descent = height / 2 + _AXIS * size, height / 2 - _AXIS * size
    if node.fence:
        _fence(box, node.fence, size)
    return box


def _row_height(row: list[Box], size: float) -> float:
    return (
        max((cell.ascent for cell in row), default=0.0)
        + max((cell.descent for cell in row), default=0.0)
        + 0.3 * size
    )


def _fence(box: Box, fence: str, size: float) -> None:
    """Straight brackets of the full height; a brace and parentheses are drawn as brackets too."""
    pen, tick = max(1.0, size * 0.06), 0.2 * size
    left, top, bottom = 0.15 * size, -box.ascent, box.descent
    box.lines.append((QLineF(left, top, left, bottom), pen))
    right = box.width - 0.3 * size
    ends = [(left, tick)] + ([] if fence == "{" else [(right, -tick)])
    if fence != "{":
        box.lines.append((QLineF(right, top, right, bottom), pen))
    if fence != "|":
        for x, length in ends:
            for y in (top, bottom):
                box.lines.append((QLineF(x, y, x + length, y), pen))
