"""Owns the reasoning of one reply: its head with counters, and its text, folded, previewed or open.

While the model thinks, the last three lines are shown unless the user wants all of it; when it has
finished, the section folds by itself, once, and only if the user has not touched it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QElapsedTimer, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from qwqdesk.ui.base import Badge
from qwqdesk.ui.conversation.answer import Caret
from qwqdesk.ui.conversation.difference_pill import DifferencePill
from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.plain_text import PlainText
from qwqdesk.ui.conversation.wording import count, duration, short_seconds
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import theme

State = Literal["none", "thinking", "done", "cut", "empty"]
_COUNTER_MS = 250
_PREVIEW_LINES, _LINE = 3, 20


class ReasoningHead(QToolButton):
    """The chevron and "Thinking  1,204 tokens · 1 min 52 s"; what does not fit leaves whole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reasoningToggle")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(True)
        self._detail = ""
        self.detail_allowed = True

    def set_words(self, title: str, detail: str) -> None:
        """What the head says."""
        if (title, detail) == (self.text(), self._detail):
            return
        self._detail = detail
        self.setText(title)
        self.setAccessibleName(f"{title} {detail}".strip())
        self.setToolTip(detail)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(120, theme().px(28))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(60, theme().px(28))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        px, middle = theme().px, self.height() / 2
        painter = QPainter(self)
        if self.underMouse():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("hover"))
            painter.drawRoundedRect(self.rect(), px(6), px(6))
        name = "chevron-down" if self.isChecked() else "chevron-right"
        draw_icon(painter, QRectF(0, middle - px(14) / 2, px(14), px(14)), name, "text2")
        left = px(20)
        left += self._word(painter, left, self.text(), "name", "text") + px(6)
        if self.detail_allowed:
            self._word(painter, left, self._detail, "small", "text3", whole=True)
        painter.end()

    def _word(
        self,
        painter: QPainter,
        left: int,
        text: str,
        role: Literal["name", "small"],
        token: str,
        *,
        whole: bool = False,
    ) -> int:
        font = theme().font(role)
        metrics = QFontMetrics(font)
        room = self.width() - left
        if whole and metrics.horizontalAdvance(text) > room:
            return 0
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.setFont(font)
        painter.setPen(theme().color(token))
        box = QRect(left, 0, room, self.height())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)
        return metrics.horizontalAdvance(shown)


class _Body(QWidget):
    """The text behind its rail. In the preview only its last lines are seen, from the bottom."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.text = PlainText("reasoning", self)
        self.caret = Caret(self)
        self.preview = False
        self.streaming = False

    def place(self) -> None:
        """Lay the text out and take the height that is wanted."""
        px = theme().px
        left, above = px(20), px(2)
        height = self.text.wanted_height(max(40, self.width() - left))
        shown = min(height, px(_PREVIEW_LINES * _LINE)) if self.preview else height
        self.text.setGeometry(left, above + shown - height, max(40, self.width() - left), height)
        self.setFixedHeight(shown + 2 * above)
        self._place_caret()

    def _place_caret(self) -> None:
        self.caret.fit()
        place = self.text.caret_rect().translated(self.text.pos())
        x = min(place.right() + 2, self.width() - self.caret.width())
        self.caret.move(x, place.center().y() - self.caret.height() // 2)
        self.caret.setVisible(self.streaming)
        self.caret.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        _paint_rail(self)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.place()


class _Note(QLabel):
    """A sentence at the end of the rail: why there is no answer."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("unansweredNote")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "small")
        self.setProperty("tone", "text3")
        self.setWordWrap(True)
        self.setContentsMargins(theme().px(20), theme().px(2), 0, theme().px(2))
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        _paint_rail(self)
        super().paintEvent(event)


def _paint_rail(widget: QWidget) -> None:
    painter = QPainter(widget)
    rail = QRect(theme().px(4), 0, theme().px(2), widget.height())
    painter.fillRect(rail, theme().color("line_strong"))
    painter.end()


class ReasoningSection(QWidget):
    """Hidden until reasoning starts. `resized` says that the height has changed."""

    resized = Signal()
    toggled = Signal(bool)
    difference_wanted = Signal()  # the pill in the head was chosen

    def __init__(self, *, open_while_thinking: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reasoningSection")
        self.setAccessibleName("Reasoning")
        self._open_while_thinking = open_while_thinking
        self._state: State = "none"
        self._source: list[str] = []
        self._touched = False
        self._tokens = 0
        self._measured = False  # the engine's own count has come
        self._seconds: float | None = None
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(_COUNTER_MS)
        self._timer.timeout.connect(self._show_counters)
        self._head = ReasoningHead(self)
        self._head.clicked.connect(self._head_clicked)
        self._badge = Badge("warn", "triangle-alert", "Not closed", name="reasoningNotClosed")
        self._badge.setToolTip("Reasoning not closed")
        self.pill = DifferencePill()
        self.pill.clicked.connect(lambda *_: self.difference_wanted.emit())
        self._body = _Body(self)
        self._note = _Note(self)
        self._lay_out()
        self.hide()

    def _lay_out(self) -> None:
        px = theme().px
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(px(6))
        self._row.addWidget(self._head, 1)
        self._row.addWidget(self._badge)
        self._row.addWidget(self.pill)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, px(8))
        column.setSpacing(px(4))
        column.addLayout(self._row)
        behind_rail = QVBoxLayout()
        behind_rail.setSpacing(0)
        behind_rail.addWidget(self._body)
        behind_rail.addWidget(self._note)
        column.addLayout(behind_rail)
        self._badge.hide()

    # ------------------------------------------------------------ content

    @property
    def state(self) -> State:
        return self._state

    @property
    def source(self) -> str:
        """The reasoning as the model wrote it."""
        return "".join(self._source)

    def toPlainText(self) -> str:  # noqa: N802 - named as Qt's text widgets name it
        """The reasoning as the model wrote it."""
        return self.source

    @property
    def views(self) -> Sequence[DocumentView]:
        """The documents of the text, in order."""
        return self._body.text.views

    @property
    def below_head(self) -> int:
        """Pixels from the top to where the text begins, or would begin."""
        return self._head.geometry().bottom() + 1

    def is_open(self) -> bool:
        """Whether all of the text is shown."""
        return self._head.isChecked()

    def begin(self) -> None:
        """Thinking starts now."""
        if self._state == "none":
            self._state = "thinking"
            self._clock.start()
            self._timer.start()
            self._body.streaming = True
            self._head.setChecked(self._open_while_thinking)
            self.show()
            self._show_counters()
            self._arrange()

    def append(self, text: str, tokens: int = 0) -> None:
        """Add reasoning; `refresh` brings it to the screen."""
        self.begin()
        self._source.append(text)
        self.add_tokens(tokens)
        self._body.text.append(text if len(self._source) > 1 else text.lstrip("\n"))

    def add_tokens(self, tokens: int) -> None:
        """Count tokens, also those that came without text."""
        if not self._measured:
            self._tokens += tokens

    def refresh(self) -> None:
        """Lay out what was appended since the last call."""
        before = self._body.height()
        if not self._body.isHidden():
            self._body.place()
        if self._body.height() != before:
            self.resized.emit()

    def set_measured(self, tokens: int, seconds: float) -> None:
        """The engine's own count and time, in place of what was counted here; 0 is unknown."""
        self._measured = True
        self._tokens = tokens or self._tokens
        self._seconds = seconds or self._seconds
        if self._state not in ("none", "thinking"):
            self._show_counters()

    def finish(self, *, closed: bool = True) -> None:
        """Thinking is over."""
        if self._state != "thinking":
            return
        self._timer.stop()
        if self._seconds is None:
            self._seconds = self._clock.elapsed() / 1000
        empty = not self.source.strip()
        self._state = ("empty" if empty else "done") if closed else "cut"
        self._body.streaming = False
        self._badge.setVisible(not closed)
        if not self._touched:
            self._head.setChecked(not closed)
        self._show_counters()
        self._arrange()

    def show_finished(self, *, closed: bool, empty: bool, tokens: int, seconds: float) -> None:
        """The head of a reply from the history; its text comes through `append`, folded unless
        it is all there is.
        """
        self._state = ("empty" if empty else "done") if closed else "cut"
        self._tokens, self._seconds = tokens, seconds
        self._head.setChecked(not closed)
        self._badge.setVisible(not closed)
        self.show()
        self._show_counters()
        self._arrange()

    def clear(self) -> None:
        """Back to the start: hidden."""
        self._timer.stop()
        self._body.text.clear()
        self._source = []
        self._state, self._touched, self._measured = "none", False, False
        self._tokens, self._seconds = 0, None
        self._badge.hide()
        self.pill.show_token(None)
        self.hide()

    def set_note(self, text: str) -> None:
        """Say something at the end of the rail; nothing takes it away."""
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def mark_repeats(self, text: str) -> None:
        """Tint the part that repeats itself."""
        self._body.text.mark_repeats(text)

    # ------------------------------------------------------------ what is shown

    def place_again(self) -> None:
        """Documents are higher or lower now: a mark stands in them."""
        if not self._body.isHidden():
            self._body.place()
            self.resized.emit()

    def toggle(self) -> None:
        """Open or fold, as a click on the head does."""
        self._head.click()

    def _head_clicked(self) -> None:
        self._touched = True
        self._arrange()
        self.toggled.emit(self._head.isChecked())

    def _arrange(self) -> None:
        """Show all of the text, its last lines, or none of it."""
        opened = self._head.isChecked()
        empty = self._state == "empty"
        self._head.setEnabled(not empty)
        self._body.preview = self._state == "thinking" and not opened
        self._body.setVisible((opened or self._body.preview) and not empty)
        self._body.place()
        self.updateGeometry()
        self.resized.emit()

    def _show_counters(self) -> None:
        tokens = count(self._tokens)
        if self._state == "thinking":
            passed = duration(self._clock.elapsed() / 1000)
            self._head.set_words("Thinking", f"{tokens} · {passed}" if self._tokens else passed)
        elif self._state == "empty":
            self._head.set_words("No reasoning", "")
        else:
            seconds = self._seconds or 0.0
            took = duration(seconds) if seconds >= 1 else short_seconds(seconds)
            title = f"Thought for {took}" if seconds else "Thought"
            self._head.set_words(title, tokens if self._tokens else "")

    def set_density(self, density: str) -> None:
        """In a narrow lane the head says no tokens."""
        self._head.detail_allowed = density != "narrow"
        self._badge.set_shrunk(density == "narrow")
        self.pill.set_short(density in ("narrow", "compact"))
        self._head.update()

    def restyle(self) -> None:
        """The theme changed."""
        self._body.text.restyle()
        self._body.place()
        self.resized.emit()
