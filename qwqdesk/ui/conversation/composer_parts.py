"""Owns the small parts of the composer: the context meter, the frame, the system prompt."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from qwqdesk.ui.theme import theme


class ContextMeter(QWidget):
    """How much of the context the prompt takes: a bar of 72 x 4 px."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextMeter")
        self._share = 0.0
        self._token = "accent"
        self._fit()

    def set_share(self, share: float, token: str) -> None:
        if (share, token) != (self._share, self._token):
            self._share, self._token = share, token
            self.update()

    def _fit(self) -> None:
        self.setFixedSize(theme().px(72), theme().px(4))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("line"))
        painter.drawRoundedRect(self.rect(), 2, 2)
        if self._share > 0:
            width = max(self.height(), round(self.width() * min(1.0, self._share)))
            painter.setBrush(theme().color(self._token))
            painter.drawRoundedRect(0, 0, width, self.height(), 2, 2)
        painter.end()


class ComposerBox(QFrame):
    """The frame around the field; petrol and 2 px wide while one writes."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("composerBox")
        self._focused = False

    def set_focused(self, focused: bool) -> None:
        self._focused = focused
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 2 if self._focused else 1
        pen = painter.pen()
        pen.setWidth(width)
        pen.setColor(theme().color("focus" if self._focused else "control"))
        painter.setPen(pen)
        painter.setBrush(theme().color("raised"))
        inset = width / 2
        frame = self.rect().toRectF().adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(frame, theme().px(8), theme().px(8))
        painter.end()


class SystemPrompt(QPlainTextEdit):
    """The field for the system prompt, shown on demand above the message."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("systemPromptInput")
        self.setAccessibleName("System prompt")
        self.setPlaceholderText("System prompt, sent before the conversation")
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setFixedHeight(theme().px(64))
        self.hide()

    def words(self) -> str:
        """What the button says about it: "none", or its first words."""
        text = " ".join(self.toPlainText()[:200].split())
        if not text:
            return "System prompt: none"
        return (
            f"System prompt: {text[:24].rstrip()}\u2026"
            if len(text) > 24
            else f"System prompt: {text}"
        )
