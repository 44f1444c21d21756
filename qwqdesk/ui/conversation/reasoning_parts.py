"""The pieces of a reply's reasoning: its head, its text behind a rail, and the note at its end."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolButton, QWidget

from qwqdesk.ui.conversation.answer import Caret
from qwqdesk.ui.conversation.plain_text import PlainText
from qwqdesk.ui.conversation.reasoning_words import HeadWords
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import theme

_PREVIEW_LINES = 3


class ReasoningHead(QToolButton):
    """The chevron and "Thinking  1,204 tokens · 1 min 52 s"; what does not fit leaves whole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reasoningToggle")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(True)
        self._words = HeadWords("")
        self.detail_allowed = True

    def set_words(self, words: HeadWords) -> None:
        """What the head says."""
        if words != self._words:
            self._words = words
            self.setText(words.sentence)
            self.setAccessibleName(f"{words.sentence} {words.detail}".strip())
            self.setToolTip(f"{words.sentence}  {words.detail}" if words.note else words.detail)
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
        words = self._words
        left += self._word(painter, left, words.title + ("," if words.note else ""), "name", "text")
        left += px(6)
        if words.note:
            note = QFontMetrics(theme().font("small")).horizontalAdvance(words.note)
            fits = left + note <= self.width()
            said = words.note if fits else words.brief or words.note
            left += self._word(painter, left, said, "small", "text2") + px(8)
        if self.detail_allowed:
            self._word(painter, left, words.detail, "small", "text3", whole=True)
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


class ReasoningBody(QWidget):
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
        shown = height - self.text.top_of_last(_PREVIEW_LINES) if self.preview else height
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


class RailNote(QLabel):
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
