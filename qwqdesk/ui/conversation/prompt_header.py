"""Owns the user's message on the screen: as a bubble in a chat, as a header above lanes."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from qwqdesk.ui.base import IconButton, button, label
from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.text_look import TextLook
from qwqdesk.ui.conversation.visible_text import visible
from qwqdesk.ui.theme import theme

_LINE = 20  # px that a line of the elided message has at least
_HALF_LEADING = 3  # px of a 24 px line at 15 px
_SHOWN = 20_000  # characters of a message that are laid out
_LINE_FROM = 600  # characters from which one elided line is taken
_ELIDED_FROM = 2_000  # characters from which the elided lines are taken


class PromptText(DocumentView):
    """The message as plain text; a huge one is shown up to a limit."""

    def __init__(self, look: TextLook, parent: QWidget | None = None) -> None:
        super().__init__(look.name, "promptText", parent)
        self.setAccessibleName("Your message")
        self._text = ""

    def set_text(self, text: str) -> None:
        """Show a message."""
        self._text = text
        shown = visible(text[:_SHOWN])
        if len(text) > _SHOWN:
            shown += f"\u2026\n({len(text):,} characters, the first {_SHOWN:,} are shown)"
        self.document().clear()
        cursor = QTextCursor(self.document())
        cursor.setBlockFormat(self._look.block_format("paragraph"))
        form: QTextCharFormat = self._look.plain()
        form.setForeground(theme().color("text"))
        cursor.setBlockCharFormat(form)
        cursor.insertText(shown, form)

    def restyle(self) -> None:
        """The theme changed."""
        self.set_text(self._text)


class PromptBubble(QFrame):
    """The message in a chat: `window` ground, radius 8."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("promptBubble")
        self.setAccessibleName("You")
        self.text = text
        self._view = PromptText(TextLook("reading"), self)
        self._view.set_text(text)
        self.setFixedHeight(theme().px(48))

    def restyle(self) -> None:
        """The theme changed."""
        self._view.restyle()
        self._place()

    def _place(self) -> None:
        px = theme().px
        width = max(40, self.width() - 2 * px(16))
        height = self._view.wanted_height(width)
        # Qt puts a line's extra height below its text; half of it belongs above.
        self._view.setGeometry(px(16), px(12 + _HALF_LEADING), width, height)
        self.setFixedHeight(height + 2 * px(12))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(320, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._place()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("window"))
        painter.drawRoundedRect(self.rect(), theme().px(8), theme().px(8))
        painter.end()


class ElidedLines(QWidget):
    """The first one or two lines of a text, with an ellipsis. `fitted` says whether all fits."""

    fitted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("promptLines")
        self._text, self._most, self._whole = "", 2, True
        self._lines: list[tuple[int, str]] = []  # pixels of height, words
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_text(self, text: str) -> None:
        """Show the beginning of a text; line ends become blanks."""
        self._text = " ".join(visible(text[:_ELIDED_FROM]).split())
        self._whole = "\n" not in text.strip() and len(text) <= _ELIDED_FROM
        self.setAccessibleName(self._text)
        self._fit()

    def set_lines(self, lines: int) -> None:
        """How many lines it may take, 1 or 2."""
        if lines != self._most:
            self._most = lines
            self._fit()

    def refit(self) -> None:
        """The text size changed."""
        self._fit()

    def _fit(self) -> None:
        """Break the text as a paragraph would be, and elide the last line."""
        layout = QTextLayout(self._text, self.font())
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        self._lines = []
        shown = 0
        layout.beginLayout()
        while len(self._lines) < self._most and (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, self.width()))
            rest = self._text[line.textStart() :]
            if len(self._lines) == self._most - 1:
                rest = rest[:_LINE_FROM]
                mode = Qt.TextElideMode.ElideRight
                text = self.fontMetrics().elidedText(rest, mode, self.width())
            else:
                text = rest[: line.textLength()]
            self._lines.append((max(theme().px(_LINE), math.ceil(line.height())), text))
            shown = line.textStart() + len(text)
        layout.endLayout()
        self.setFixedHeight(sum(height for height, _ in self._lines) or theme().px(_LINE))
        self.update()
        cut = bool(self._lines) and self._lines[-1][1].endswith("\u2026")
        self.fitted.emit(self._whole and shown >= len(self._text) and not cut)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setPen(theme().color("text"))
        top = 0
        for height, words in self._lines:
            painter.drawText(0, top, self.width(), height, _LEFT, words)
            top += height
        painter.end()


_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


class PromptHeader(QFrame):
    """The message above the lanes: elided, with "Show all" that opens it in place."""

    editRequested = Signal()  # noqa: N815 - Qt's style for signals
    copyRequested = Signal()  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("promptHeader")
        self.setAccessibleName("Your message")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "window")
        self._text = ""
        self._opened = False
        self._lines = ElidedLines()
        self._whole = QScrollArea()
        self._view = PromptText(TextLook("reasoning"))
        self._all = button(
            "Show all", kind="flat", small=True, name="promptShowAll", clicked=self.toggle
        )
        self._lines.fitted.connect(self._offer_all)
        theme().changed.connect(self.restyle)
        self._lay_out()
        self.hide()

    def _offer_all(self, fits: bool) -> None:
        """Offer "Show all" only where something is left out."""
        self._all.setVisible(self._opened or not fits)

    def _lay_out(self) -> None:
        px = theme().px
        self._whole.setFrameShape(QFrame.Shape.NoFrame)
        self._whole.setWidgetResizable(False)
        self._whole.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._whole.setWidget(self._view)
        self._whole.hide()
        words = QVBoxLayout()
        words.setContentsMargins(0, px(4), 0, px(4))
        words.addWidget(self._lines)
        words.addWidget(self._whole)
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), px(8), px(12), px(8))
        row.setSpacing(px(4))
        you = label("You", "strong")
        you.setContentsMargins(0, px(6), px(8), px(2))
        top = Qt.AlignmentFlag.AlignTop
        row.addWidget(you, 0, top)
        row.addLayout(words, 1)
        row.addWidget(self._all, 0, top)
        edit = IconButton(
            "pencil", "Edit message", name="promptEdit", clicked=self.editRequested.emit
        )
        copy = IconButton(
            "copy", "Copy message", name="promptCopy", clicked=self.copyRequested.emit
        )
        row.addWidget(edit, 0, top)
        row.addWidget(copy, 0, top)

    @property
    def text(self) -> str:
        return self._text

    def set_text(self, text: str) -> None:
        """The message of the run that is shown; none hides the header."""
        self._text = text
        self._lines.set_text(text)
        self._view.set_text(text)
        self.setVisible(bool(text))
        if self._opened:
            self._place()

    def set_lines(self, lines: int) -> None:
        """How many lines the elided message may take, 1 or 2."""
        self._lines.set_lines(lines)

    def toggle(self) -> None:
        """Open the whole message in place, or elide it again."""
        self._opened = not self._opened
        self._all.setText("Show less" if self._opened else "Show all")
        self._all.setAccessibleName(self._all.text())
        self._lines.setVisible(not self._opened)
        self._whole.setVisible(self._opened)
        self._place()

    def _place(self) -> None:
        """The whole message takes up to a third of the window."""
        width = max(60, self._whole.viewport().width())
        height = self._view.wanted_height(width)
        self._view.resize(width, height)
        self._whole.setFixedHeight(min(height, max(theme().px(60), self.window().height() // 3)))

    def restyle(self) -> None:
        """The theme changed."""
        self._view.restyle()
        self._lines.refit()
        if self._opened:
            self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if self._opened:
            self._place()
