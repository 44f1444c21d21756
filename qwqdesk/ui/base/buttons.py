"""Buttons: with words, with an icon alone, a picker with a chevron, and the segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QWidget,
)

from qwqdesk.ui.base.labels import plain_tip
from qwqdesk.ui.fonts import Role
from qwqdesk.ui.icons import draw_icon, icon
from qwqdesk.ui.theme import scaled, theme

Kind = Literal["primary", "secondary", "flat", "link", "danger", "stop"]

_ICON_TOKENS = {"primary": "on_accent", "flat": "text2", "link": "accent_text", "danger": "bad"}


def button(
    text: str,
    icon_name: str = "",
    kind: Kind = "secondary",
    *,
    small: bool = False,
    name: str = "",
    clicked: Callable[[], object] | None = None,
    parent: QWidget | None = None,
) -> QPushButton:
    """A button that names its act. 32 px high, small ones 28.

    Args:
        kind: primary at most once in a region; danger only inside confirmations.
        name: the object name.
        clicked: called without arguments.
    """
    result = QPushButton(text, parent)
    result.setProperty("kind", kind)
    result.setProperty("small", small)
    result.setAutoDefault(False)
    result.setAccessibleName(text)
    if icon_name:
        set_button_icon(result, icon_name)
    if name:
        result.setObjectName(name)
    if clicked is not None:
        result.clicked.connect(lambda *_: clicked())
    return result


def set_button_icon(target: QPushButton, icon_name: str) -> None:
    """Give a button an icon in the colour of its kind."""
    token = _ICON_TOKENS.get(str(target.property("kind")), "text")
    target.setIcon(icon(icon_name, token))
    scaled(target, icon=14 if target.property("small") else 16)


class IconButton(QToolButton):
    """An icon of 28 x 28 px; its words are the tool tip and the accessible name."""

    def __init__(
        self,
        icon_name: str,
        words: str,
        *,
        shortcut: str = "",
        size: int = 16,
        name: str = "",
        clicked: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("kind", "icon")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIcon(icon(icon_name))
        scaled(self, icon=size)
        self.set_words(words, shortcut)
        if name:
            self.setObjectName(name)
        if clicked is not None:
            self.clicked.connect(lambda *_: clicked())

    def set_icon(self, icon_name: str, token: str = "text2") -> None:
        self.setIcon(icon(icon_name, token))

    def set_words(self, words: str, shortcut: str = "") -> None:
        """Name the act; the shortcut is shown in the tool tip, it is not installed here."""
        self.setAccessibleName(words)
        keys = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
        self.setToolTip(f"{words}  {keys}" if keys else words)


class PickerButton(QToolButton):
    """A name with a chevron that opens a menu; the name elides, the chevron stays."""

    _GAP = 6

    def __init__(
        self,
        text: str = "",
        *,
        framed: bool = False,
        icon_name: str = "",
        role: Role = "strong",
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._detail, self._icon_name = "", icon_name
        self._padding = 12 if framed else 4
        self.setProperty("kind", "field" if framed else "flat")
        self.setProperty("role", role)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        # Not by a click: after its menu one goes on where one was.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if name:
            self.setObjectName(name)
        self.set_text(text)

    def set_text(self, text: str, detail: str = "") -> None:
        """The name, and what stands beside it in `text2`."""
        self._detail = detail
        self.setText(text)
        self.setToolTip(plain_tip(f"{text} {detail}".strip()))
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        px = theme().px
        width = 2 * px(self._padding) + px(self._GAP) + px(14) + self._words_width()
        if self._icon_name:
            width += px(self._GAP) + px(16)
        return QSize(width, px(32 if self.property("kind") == "field" else 28))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        hint = self.sizeHint()
        return QSize(min(hint.width(), theme().px(72)), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
        self._paint_words(painter)
        painter.end()

    def _words_width(self) -> int:
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(self.text()) + 1
        if self._detail:
            width += theme().px(self._GAP) + metrics.horizontalAdvance(self._detail)
        return width

    def _paint_words(self, painter: QPainter) -> None:
        px, middle = theme().px, self.height() // 2
        left = px(self._padding)
        right = self.width() - px(self._padding) - px(14)
        if self._icon_name:
            box = QRectF(left, middle - px(16) / 2, px(16), px(16))
            draw_icon(painter, box, self._icon_name, "text")
            left += px(16) + px(self._GAP)
        room = right - px(self._GAP) - left
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        used = self.fontMetrics().horizontalAdvance(shown)
        tokens = ("text", "text2") if self.isEnabled() else ("text3", "text3")
        painter.setPen(theme().color(tokens[0]))
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.drawText(QRect(left, 0, room, self.height()), flags, shown)
        used += self._paint_detail(painter, left + used, room - used, tokens[1])
        chevron = QRectF(left + used + px(self._GAP), middle - px(14) / 2, px(14), px(14))
        draw_icon(painter, chevron, "chevron-down", tokens[1])

    def _paint_detail(self, painter: QPainter, left: int, room: int, token: str) -> int:
        """Paint the words beside the name; returns the width they took."""
        gap = theme().px(self._GAP)
        if not self._detail or room < 4 * gap:
            return 0
        font = self.font()
        font.setWeight(theme().font("body").weight())
        painter.setFont(font)
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(self._detail, Qt.TextElideMode.ElideRight, room - gap)
        painter.setPen(theme().color(token))
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.drawText(QRect(left + gap, 0, room - gap, self.height()), flags, shown)
        return gap + int(metrics.horizontalAdvance(shown))


class Segment(QFrame):
    """A choice of a few words, one of them chosen. Arrow keys move the choice."""

    chosen = Signal(str)

    def __init__(
        self,
        options: Sequence[tuple[str, str]],
        *,
        small: bool = False,
        name: str = "",
        accessible: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """`options` are pairs of value and words; the first is chosen."""
        super().__init__(parent)
        self.setProperty("segment", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._height = 28 if small else 32
        self._group = QButtonGroup(self)
        self._values = [value for value, _ in options]
        row = QHBoxLayout(self)
        row.setContentsMargins(*[1 if small else 3] * 4)  # an option is 24 px high in both
        row.setSpacing(2)
        for number, (value, words) in enumerate(options):
            row.addWidget(self._option(number, value, words, small))
        self._group.idToggled.connect(self._toggled)
        self.set_value(self._values[0])

    def _option(self, number: int, value: str, words: str, small: bool) -> QToolButton:
        option = QToolButton(self)
        option.setText(words)
        option.setCheckable(True)
        option.setProperty("kind", "segment")
        option.setProperty("small", small)
        option.setObjectName(f"{self.objectName()}_{value}")
        option.setAccessibleName(words)
        option.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        option.installEventFilter(self)
        self._group.addButton(option, number)
        return option

    def value(self) -> str:
        return self._values[self._group.checkedId()]

    def set_value(self, value: str) -> None:
        """Choose without emitting `chosen`; an unknown value is a ValueError."""
        blocked = self._group.blockSignals(True)
        self._group.button(self._values.index(value)).setChecked(True)
        self._group.blockSignals(blocked)
        self._move_tab_stop()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(super().sizeHint().width(), theme().px(self._height))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # type: ignore[override]  # noqa: N802
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
            if step:
                self._step(step)
                return True
        return super().eventFilter(watched, event)

    def _step(self, step: int) -> None:
        target = self._group.button((self._group.checkedId() + step) % len(self._values))
        target.setChecked(True)
        target.setFocus(Qt.FocusReason.TabFocusReason)

    def _toggled(self, number: int, checked: bool) -> None:
        if checked:
            self._move_tab_stop()
            self.chosen.emit(self._values[number])

    def _move_tab_stop(self) -> None:
        for option in self._group.buttons():
            wanted = Qt.FocusPolicy.StrongFocus if option.isChecked() else Qt.FocusPolicy.NoFocus
            option.setFocusPolicy(wanted)
