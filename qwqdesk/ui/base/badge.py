"""Badges and chips: small rounded words, painted by the same functions in widgets and delegates."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QWidget

from qwqdesk.ui.base.labels import plain_tip
from qwqdesk.ui.fonts import Role
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import scaled, theme

BadgeKind = Literal["neutral", "good", "warn", "bad", "accent"]
ChipKind = Literal["step", "diff", "more"]

_BADGE_COLOURS: dict[str, tuple[str, str]] = {
    "neutral": ("hover", "text2"),
    "good": ("good_tint", "good"),
    "warn": ("warn_tint", "warn"),
    "bad": ("bad_tint", "bad"),
    "accent": ("accent_tint", "accent_text"),
}
_HEIGHT, _PADDING, _GAP, _ICON, _RADIUS = 20, 6, 4, 13, 4
_TARGET = 24  # px: the least that can be hit
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


def badge_size(icon: str, text: str) -> QSize:
    """The size of a badge in pixels."""
    px = theme().px
    width = 2 * px(_PADDING) + (px(_ICON) if icon else 0)
    if text:
        width += QFontMetrics(theme().font("small-strong")).horizontalAdvance(text) + 1
        width += px(_GAP) if icon else 0
    return QSize(width, px(_HEIGHT))


def paint_badge(painter: QPainter, rect: QRect, kind: BadgeKind, icon: str, text: str) -> None:
    """Paint a badge at the left of `rect`, in its middle; the text elides where it must."""
    px = theme().px
    ground, ink = _BADGE_COLOURS[kind]
    size = badge_size(icon, text)
    box = QRect(rect.left(), 0, min(size.width(), rect.width()), size.height())
    box.moveTop(rect.center().y() - size.height() // 2 + 1)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().color(ground))
    painter.drawRoundedRect(box, px(_RADIUS), px(_RADIUS))
    left = box.left() + px(_PADDING)
    if icon:
        side = px(_ICON)
        place = QRectF(left, box.top() + (box.height() - side) / 2, side, side)
        draw_icon(painter, place, icon, ink)
        left += side + px(_GAP)
    painter.setFont(theme().font("small-strong"))
    painter.setPen(theme().color(ink))
    room = box.right() + 1 - px(_PADDING) - left + 1
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
    painter.drawText(QRect(left, box.top(), room, box.height()), _LEFT, shown)
    painter.restore()


class Badge(QLabel):
    """A state in a word, with its icon; where there is no room it shrinks to the icon."""

    def __init__(
        self,
        kind: BadgeKind = "neutral",
        icon: str = "",
        text: str = "",
        *,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._kind: BadgeKind = kind
        self._icon, self._shrunk = icon, False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setObjectName(name)
        self.set_badge(kind, icon, text)

    @property
    def kind(self) -> BadgeKind:
        return self._kind

    def set_badge(self, kind: BadgeKind, icon: str, text: str, tip: str = "") -> None:
        """What it says; `tip` explains it under the pointer."""
        self._kind, self._icon = kind, icon
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(plain_tip(tip or (text if self._shrunk else "")))
        self.updateGeometry()
        self.update()

    def set_shrunk(self, shrunk: bool) -> None:
        """Show the icon alone; the words move to the tool tip."""
        if shrunk != self._shrunk:
            self._shrunk = shrunk
            if shrunk and not self.toolTip():
                self.setToolTip(self.text())
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return badge_size(self._icon, self._shown())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        paint_badge(painter, self.rect(), self._kind, self._icon, self._shown())
        painter.end()

    def _shown(self) -> str:
        return "" if self._shrunk and self._icon else self.text()


def more_width(words: str) -> int:
    """The width of a chip of the kind "more" in pixels."""
    advance = QFontMetrics(theme().font("small")).horizontalAdvance(words)
    return 2 * theme().px(2) + advance + 1


class Chip(QAbstractButton):
    """A step or a difference in one word: `≠ dry 0.5 (A: 0.8)`; a click leads to it."""

    def __init__(
        self, kind: ChipKind, name: str, value: str = "", parent: QWidget | None = None
    ) -> None:
        """`name` is llama.cpp's name in mono; `value` is what follows it."""
        super().__init__(parent)
        self._kind, self._name, self._value = kind, name, value
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setProperty("ringRadius", 4)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        words = f"{name} {value}".strip()
        self.setText(words)
        self.setAccessibleName(f"differs: {words}" if kind == "diff" else words)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        px = theme().px
        padding = px(2 if self._kind == "more" else _PADDING + 1)
        runs = sum(width for _, _, _, width in self._runs())
        return QSize(2 * padding + runs, px(_TARGET))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._kind != "more":
            self._paint_ground(painter)
        left = theme().px(2 if self._kind == "more" else _PADDING + 1)
        for text, role, token, width in self._runs():
            painter.setFont(theme().font(role))
            painter.setPen(theme().color(token))
            painter.drawText(QRect(left, 0, width, self.height()), _LEFT, text)
            left += width
        painter.end()

    def _paint_ground(self, painter: QPainter) -> None:
        edge, ground = ("accent", "surface") if self._kind == "diff" else ("line", "sunken")
        fill: QColor = theme().color("hover" if self.underMouse() else ground)
        painter.setPen(QPen(theme().color(edge), 1))
        painter.setBrush(fill)
        radius = theme().px(_RADIUS)
        over = (self.height() - theme().px(_HEIGHT)) / 2  # what is pressed is higher than it looks
        box = QRectF(self.rect()).adjusted(0.5, over + 0.5, -0.5, -over - 0.5)
        painter.drawRoundedRect(box, radius, radius)

    def _runs(self) -> list[tuple[str, Role, str, int]]:
        """Pieces of text: words, font role, colour token, width with the gap after them."""
        pieces: list[tuple[str, Role, str]] = []
        if self._kind == "diff":
            pieces.append(("≠", "small-strong", "accent_text"))
        ink = {"diff": "text", "step": "text2", "more": "text3"}[self._kind]
        if self._kind == "more":
            pieces.append((self.text(), "small", ink))
        else:
            if self._name:
                pieces.append((self._name, "mono-small", ink))
            if self._value:
                role: Role = "small" if self._kind == "diff" else "small-strong"
                pieces.append((self._value, role, "text"))
        gap, result = theme().px(_GAP), []
        for number, (text, role, token) in enumerate(pieces):
            width = QFontMetrics(theme().font(role)).horizontalAdvance(text) + 1
            result.append((text, role, token, width + (gap if number < len(pieces) - 1 else 0)))
        return result


class LetterTile(QWidget):
    """The letter of a lane in its colour, 20 x 20 px."""

    def __init__(self, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._letter = letter
        scaled(self, width=_HEIGHT, height=_HEIGHT)
        self.setAccessibleName(f"Lane {letter}")

    def set_letter(self, letter: str) -> None:
        self._letter = letter
        self.setAccessibleName(f"Lane {letter}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        paint_letter(painter, self.rect(), self._letter)
        painter.end()


def paint_letter(painter: QPainter, rect: QRect, letter: str) -> None:
    """Paint the tile of a lane's letter (A to D) into a square."""
    lane = f"lane_{letter.lower()}"
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().color(f"{lane}_tint"))
    painter.drawRoundedRect(rect, theme().px(_RADIUS), theme().px(_RADIUS))
    font = theme().font("small-strong")
    painter.setFont(font)
    painter.setPen(theme().color(lane))
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), letter)
    painter.restore()
