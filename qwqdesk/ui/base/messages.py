"""Messages where their cause is: bands, the line of an empty page, and toasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPoint, QPropertyAnimation, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.ui.base.buttons import button
from qwqdesk.ui.base.flow import FlowLayout
from qwqdesk.ui.base.labels import label, wrapping_label
from qwqdesk.ui.icons import IconLabel
from qwqdesk.ui.theme import scaled, set_state, theme

BandKind = Literal["warn", "bad", "good", "window"]

_BAND_ICONS = {"warn": "triangle-alert", "bad": "circle-alert", "good": "circle-check"}
UNDO_MS = 10_000
"""How long Undo is offered."""
_KEPT_FREE = "laneFooter"
_ABOVE_END = 120  # px from the end of a page
_TOAST_MS, _FADE_MS = 5000, 150


class MessageBand(QFrame):
    """What happened, what to do, and the next step as buttons, at the place of the cause."""

    def __init__(
        self,
        kind: BandKind,
        sentence: str,
        next_step: str = "",
        *,
        icon_name: str = "",
        below: bool = False,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """`below` puts the buttons under the words instead of at their right."""
        super().__init__(parent)
        px = theme().px
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", kind)
        self.setObjectName(name)
        self._below = below
        self._icon = IconLabel(icon_name or _BAND_ICONS.get(kind, "info"), self._ink(kind))
        self._sentence = wrapping_label(sentence, "name", "bad" if kind == "bad" else "text")
        # With its parent: a label without one would flash up as a window of its own.
        self._next_step = wrapping_label(next_step, "small", "text2", self)
        self._next_step.setVisible(bool(next_step))
        self._actions: QLayout = FlowLayout(px(8)) if below else QHBoxLayout()
        self._actions.setSpacing(px(8))
        words = QVBoxLayout()
        words.setSpacing(px(2))
        words.addWidget(self._sentence)
        words.addWidget(self._next_step)
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), px(12), px(16), px(12))
        row.setSpacing(px(8))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        if below:
            words.addLayout(self._actions)
        else:
            row.addLayout(self._actions)
        self.setAccessibleName(f"{sentence} {next_step}".strip())

    def add_action(
        self, text: str, act: Callable[[], object], *, icon_name: str = "", flat: bool = False
    ) -> QPushButton:
        """Add the next step as a button."""
        made = button(text, icon_name, "flat" if flat else "secondary", small=True, clicked=act)
        if self._below:
            self._actions.setContentsMargins(0, theme().px(6), 0, 0)
        self._actions.addWidget(made)
        return made

    def set_message(self, kind: BandKind, sentence: str, next_step: str = "") -> None:
        """Say something else, with the same buttons."""
        set_state(self, "ground", kind)
        self._icon.set_icon(_BAND_ICONS.get(kind, "info"), self._ink(kind))
        set_state(self._sentence, "tone", "bad" if kind == "bad" else "text")
        self.set_words(sentence, next_step)

    def set_words(self, sentence: str, next_step: str = "") -> None:
        """Say the same in other words: kind, icon and buttons stay."""
        self._sentence.setText(sentence)
        self._next_step.setText(next_step)
        self._next_step.setVisible(bool(next_step))
        self.setAccessibleName(f"{sentence} {next_step}".strip())

    @staticmethod
    def _ink(kind: str) -> str:
        return kind if kind in ("warn", "bad", "good") else "text2"


class EmptyState(QWidget):
    """One sentence and one button, in the middle third."""

    def __init__(
        self,
        sentence: str,
        action: str = "",
        act: Callable[[], object] | None = None,
        *,
        icon_name: str = "",
        name: str = "",
        more: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """`more` is said below, in small letters."""
        super().__init__(parent)
        self.setObjectName(name)
        words: QLabel = wrapping_label(sentence, "body", "text2")
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme().px(24)] * 4)
        column.setSpacing(theme().px(12))
        column.addStretch(2)
        column.addWidget(words)
        if action and act is not None:
            made = button(action, icon_name, small=True, clicked=act)
            column.addWidget(made, 0, Qt.AlignmentFlag.AlignHCenter)
        if more:
            said: QLabel = wrapping_label(more, "small", "text2")
            said.setObjectName(f"{name}More")
            said.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(said)
        column.addStretch(3)


class Toast(QFrame):
    """A note about something done elsewhere that needs nothing; one at a time over a window.

    The feet of the lanes stay free: their buttons are wanted just then.
    """

    def __init__(
        self, over: QWidget, text: str, action: str = "", act: Callable[[], object] | None = None
    ) -> None:
        """Show it at the bottom of `over`; with an action for ten seconds, else for five."""
        super().__init__(over)
        for other in over.findChildren(Toast, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if other is not self:
                other.deleteLater()
        px = theme().px
        self.setProperty("toast", True)
        self.setObjectName("toast")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        scaled(self, height=36)
        row = QHBoxLayout(self)
        row.setContentsMargins(px(12), 0, px(12), 0)
        row.setSpacing(px(12))
        row.addWidget(label(text))
        if action and act is not None:
            row.addWidget(button(action, small=True, clicked=lambda: self._acted(act)))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._expire)
        self._timer.start(UNDO_MS if action else _TOAST_MS)
        over.installEventFilter(self)
        theme().changed.connect(self._fit)
        self._fit()
        self.show()
        self.raise_()
        announce(over, text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def close_now(self) -> None:
        """Take it away without fading."""
        self._timer.stop()
        self.hide()
        self.deleteLater()

    def _fit(self) -> None:
        """As wide as its words, also when the text size changes."""
        self.adjustSize()
        self._place()

    def _place(self) -> None:
        over = self.parentWidget()
        if over is None:
            return
        left = (over.width() - self.width()) // 2
        top = over.height() - self.height() - theme().px(_ABOVE_END)
        for part in over.findChildren(QWidget, _KEPT_FREE):
            if part.isVisibleTo(over) and part.property("inline") is not True:
                top = min(top, part.mapTo(over, QPoint(0, 0)).y() - self.height() - theme().px(8))
        self.move(left, max(0, top))

    def _acted(self, act: Callable[[], object]) -> None:
        self.close_now()
        act()

    def _expire(self) -> None:
        if self.isAncestorOf(self.focusWidget() or self) and self._has_focus():
            self._timer.start(_TOAST_MS)
            return
        duration = theme().duration(_FADE_MS)
        if not duration:
            self.close_now()
            return
        effect = QGraphicsOpacityEffect(self)
        self.setGraphicsEffect(effect)
        fade = QPropertyAnimation(effect, b"opacity", self)
        fade.setDuration(duration)
        fade.setStartValue(1.0)
        fade.setEndValue(0.0)
        fade.setEasingCurve(QEasingCurve.Type.OutCubic)
        fade.finished.connect(self.close_now)
        fade.start()

    def _has_focus(self) -> bool:
        return any(child.hasFocus() for child in self.findChildren(QPushButton))


def announce(source: QWidget, text: str) -> None:
    """Let a screen reader say something politely."""
    event = QAccessibleAnnouncementEvent(source, text)
    QAccessible.updateAccessibility(event)
