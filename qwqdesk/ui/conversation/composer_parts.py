"""Owns the small parts of the composer: meter, frame, system prompt, and the acts."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.ui.base import TextArea, button, label
from qwqdesk.ui.base.labels import plain_tip
from qwqdesk.ui.theme import set_state, theme

_NEAR_FULL = 0.85


class ContextMeter(QWidget):
    """How much of the context the prompt takes: a bar of 72 x 4 px."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextMeter")
        self._share = 0.0
        self._token = "accent"
        self._fit()
        theme().changed.connect(self._fit)

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


class SystemPrompt(QWidget):
    """The field for the system prompt with its name, shown on demand above the message."""

    textChanged = Signal()  # noqa: N815 - Qt's style for signals

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("systemPrompt")
        self.input = TextArea(2, 6, name="systemPromptInput")
        self.input.setAccessibleName("System prompt")
        self.input.setPlaceholderText("Sent before the conversation")
        self.input.setProperty("field", "box")
        self.input.textChanged.connect(self.textChanged)
        name = label("System prompt", "small-strong", "text2")
        name.setBuddy(self.input)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, theme().px(3), theme().px(4))
        column.setSpacing(theme().px(4))
        column.addWidget(name)
        column.addWidget(self.input)
        self.hide()
        self._short = False
        self.opener = button(
            self.words(), "text-wrap", "flat", small=True, name="systemPromptButton"
        )
        self.opener.setCheckable(True)
        self.opener.toggled.connect(self._toggled)
        self.textChanged.connect(self._show_words)

    def set_short(self, short: bool) -> None:
        """The button is an icon alone, where there is little room."""
        self._short = short
        self._show_words()

    def _show_words(self) -> None:
        self.opener.setText("" if self._short else self.words())
        self.opener.setAccessibleName(self.words())
        self.opener.setToolTip(plain_tip(self.words()))

    def _toggled(self, shown: bool) -> None:
        self.setVisible(shown)
        if shown:
            self.input.setFocus(Qt.FocusReason.OtherFocusReason)

    def text(self) -> str:
        """The system prompt."""
        return self.input.toPlainText()

    def set_text(self, text: str) -> None:
        """Show another conversation's system prompt."""
        if text != self.text():
            self.input.setPlainText(text)

    def set_most_lines(self, lines: int) -> None:
        """How many lines it may grow to."""
        self.input.set_most_lines(lines)

    def words(self) -> str:
        """What the button says about it: "none", or its first words."""
        text = " ".join(self.text()[:200].split())
        if not text:
            return "System prompt: none"
        return "System prompt: " + (f"{text[:24].rstrip()}\u2026" if len(text) > 24 else text)


class ContextWords(QWidget):
    """The meter and "1,204 of 16,384 tokens": amber from 85 %, red over 100 %."""

    def __init__(self) -> None:
        super().__init__()
        self._meter = ContextMeter()
        self._words = label("", "small", "text2")
        self._words.setObjectName("contextWords")
        self._used, self._size, self._short = 0, 0, False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme().px(8))
        row.addWidget(self._meter)
        row.addWidget(self._words)
        self.hide()

    def set_context(self, used: int, size: int) -> None:
        """Tokens of the prompt and of the context; a size of 0 hides both."""
        self._used, self._size = used, size
        self._show()

    def set_short(self, short: bool) -> None:
        """Without the word "tokens", where there is little room."""
        self._short = short
        self._show()

    def _show(self) -> None:
        self.setVisible(self._size > 0)
        if self._size <= 0:
            return
        share = self._used / self._size
        tone = "bad" if share > 1 else "warn" if share >= _NEAR_FULL else "text2"
        words = f"{self._used:,} of {self._size:,}"
        tip = "Shorten the prompt or raise the context" if share > 1 else ""
        self._words.setText(words if self._short else f"{words} tokens")
        self._words.setToolTip(tip)
        self._meter.setAccessibleName(f"Context: {words} tokens. {tip}".strip())
        set_state(self._words, "tone", tone)
        self._meter.set_share(share, "accent" if tone == "text2" else tone)


class ComposerActs(QWidget):
    """Send, Stop or "Choose model": one of them at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.send = button("Send", "arrow-up", "primary", small=True, name="sendButton")
        self.stop = button("Stop", "square", "stop", small=True, name="stopButton")
        self.choose = button("Choose model", "cpu", "primary", small=True, name="chooseModel")
        self.stop.setToolTip("Stop  Esc")
        self.send.setToolTip("Send  Enter")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for act in (self.send, self.stop, self.choose):
            row.addWidget(act)

    def arrange(self, *, running: bool, has_model: bool, lanes: int) -> None:
        """Show the one that has a meaning now."""
        self.stop.setVisible(running)
        self.stop.setText("Stop" if lanes == 1 else "Stop all")
        self.stop.setAccessibleName(self.stop.text())
        self.choose.setVisible(not has_model and not running)
        self.send.setVisible(has_model and not running)
