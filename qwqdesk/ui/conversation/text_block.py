"""Owns one stretch of running text on the screen: paragraphs, headings, lists and quotations.

The last paragraph may still grow; it is written plain, and formatted while it is short. Finished
paragraphs are never touched again, so that adding one costs the same however long the reply is.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QTextCursor
from PySide6.QtWidgets import QWidget

from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.document_writer import write_block
from qwqdesk.ui.conversation.markdown_blocks import Shape
from qwqdesk.ui.conversation.text_look import QUOTE_PROPERTY, RULE_PROPERTY, LookName, TextLook
from qwqdesk.ui.conversation.visible_text import visible
from qwqdesk.ui.theme import theme

_MARKUP = re.compile(r"[*`$\\\[_~<&]|://|\s\n")
_LIVE_LIMIT = 1200  # characters up to which the growing paragraph is shown formatted
_FULL_BLOCKS, _FULL_SIZE = 12, 2_500  # after these a new widget is begun: less is drawn anew


class TextBlock(DocumentView):
    """Running text; the paragraph that `begin` opens grows until `close_paragraph`."""

    def __init__(self, look: LookName, parent: QWidget | None = None) -> None:
        super().__init__(look, "textBlock", parent)
        self.setAccessibleName("Answer text")
        self._done: list[tuple[Shape, str]] = []
        self._size = 0
        self._shape: Shape | None = None
        self._parts: list[str] = []  # what came since the last drawing
        self._shown = ""
        self._formatted: str | None = None  # the text that stands there formatted
        self._marked = False
        self._start = 0
        self._above = 0

    @property
    def full(self) -> bool:
        """Whether further paragraphs should go into a new widget."""
        return len(self._done) >= _FULL_BLOCKS or self._size >= _FULL_SIZE

    @property
    def empty(self) -> bool:
        return not self._done and self._shape is None

    def begin(self, shape: Shape, *, replaces: bool = False) -> None:
        """Start a paragraph; with `replaces` the growing one becomes this."""
        if not replaces:
            cursor = self._end()
            if self._done:
                cursor.insertBlock()
            self._start = cursor.position()
            self._shown = ""
            self._parts = []
        self._formatted = None
        self._marked = False
        self._shape = shape
        before = self._done[-1][0] if self._done else None
        above = self._look.gap_above(before.kind if before else None, shape.kind, shape.level)
        self._above = 0 if shape.continues else above

    def grow(self, text: str) -> None:
        """Remember text for the growing paragraph; `show_growth` puts it on the screen."""
        self._parts.append(visible(text))

    def show_growth(self) -> None:
        """Draw what came since the last call: formatted if short, else plain at the end."""
        if self._shape is None or not self._parts:
            return
        fresh = "".join(self._parts)
        self._parts.clear()
        self._marked = self._marked or bool(_MARKUP.search(fresh)) or self._shape.kind == "quote"
        plain = self._shown and (len(self._shown) > _LIVE_LIMIT or not self._marked)
        self._shown += fresh
        if plain:
            form = self._look.plain(self._shape.kind, self._shape.level)
            self._end().insertText(fresh.replace("\n", " "), form)
            self._formatted = self._shown if not self._marked else None
        else:
            self._write(self._shape, self._shown)

    def close_paragraph(self, shape: Shape, text: str) -> None:
        """The growing paragraph is finished: write it as it stays."""
        text = visible(text)
        self._parts.clear()
        if self._shape != shape or self._formatted != text:
            self._write(shape, text)
        if "://" in text or "mailto:" in text:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # links must be reached by keyboard
        self._done.append((shape, text))
        self._size += len(text)
        self._shape = None

    def give_up(self) -> str:
        """Take the growing paragraph out again; returns its text. It has become something else."""
        text = self._shown + "".join(self._parts)
        cursor = self._end()
        cursor.setPosition(self._start - 1 if self._done else 0, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        self._shape, self._shown = None, ""
        self._parts.clear()
        return text

    def _write(self, shape: Shape, text: str) -> None:
        cursor = self._end()
        cursor.setPosition(self._start, QTextCursor.MoveMode.KeepAnchor)
        write_block(cursor, self._look, shape, text, self._above)
        self._formatted = text

    def set_look(self, look: LookName) -> None:
        """Write everything again in another look, or in the colours that are now in force."""
        self._look = TextLook(look)
        finished, growing = self._done, self._shape
        self.marks.take_out()
        shown = self._shown + "".join(self._parts)
        self.document().clear()
        self._done, self._size = [], 0
        for shape, text in finished:
            self.begin(shape)
            self.close_paragraph(shape, text)
        if growing is not None:
            self.begin(growing)
            self._parts = [shown]
            self.show_growth()
        self.marks.put_back()

    @property
    def settled(self) -> int:
        """How many places of the text do not change any more."""
        return super().settled if self._shape is None else self.marks.place(self._start)

    def _text_moved(self, position: int, by: int) -> None:
        if position < self._start:
            self._start += by

    # ------------------------------------------------------------ paint

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        self._paint_rails(painter, event.rect())
        painter.end()

    def _paint_rails(self, painter: QPainter, exposed: QRect) -> None:
        """The rails left of quotations, and the hairlines of rules."""
        layout, px = self.document().documentLayout(), theme().px
        top = QPointF(0, max(0, exposed.top()))
        start = layout.hitTest(top, Qt.HitTestAccuracy.FuzzyHit)
        block = self.document().findBlock(max(0, start))
        while block.isValid():
            box = layout.blockBoundingRect(block)
            if box.top() > exposed.bottom():
                break
            form = block.blockFormat()
            joined = block.previous().blockFormat().intProperty(QUOTE_PROPERTY)
            for level in range(form.intProperty(QUOTE_PROPERTY)):
                above = form.topMargin() if level < joined else 0
                rail = QRectF(px(16) * level, box.top() - above, px(2), box.height() + above)
                painter.fillRect(rail, theme().color("line_strong"))
            if form.boolProperty(RULE_PROPERTY):
                line = QRectF(0, round(box.center().y()), self.viewport().width(), 1)
                painter.fillRect(line, theme().color("line"))
            block = block.next()
