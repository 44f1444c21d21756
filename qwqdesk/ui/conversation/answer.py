"""Owns an answer on the screen: a column of block widgets of which only the last one changes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from qwqdesk.analysis.loop_place import Landmark
from qwqdesk.ui.conversation.code_block import CodeBlock
from qwqdesk.ui.conversation.code_text import CodeText
from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.markdown_blocks import (
    BlockEvent,
    Closed,
    Grew,
    MarkdownBlocks,
    Opened,
    Shape,
)
from qwqdesk.ui.conversation.repeat_marks import mark_growth, mark_repeats
from qwqdesk.ui.conversation.table_block import TableBlock
from qwqdesk.ui.conversation.text_block import TextBlock
from qwqdesk.ui.conversation.text_look import LookName, TextLook
from qwqdesk.ui.theme import theme

BlockWidget = TextBlock | CodeBlock | TableBlock
TextView = DocumentView | CodeText
_INDENT = 22  # px for a block within a list item


class Caret(QWidget):
    """The still block at the end of streaming text, 7 x 14 px."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.fit()
        self.hide()

    def fit(self) -> None:
        """Take the size that belongs to the text size."""
        self.setFixedSize(theme().px(7), theme().px(14))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        color: QColor = theme().color("accent")
        painter.fillRect(self.rect(), color)
        painter.end()


class AnswerView(QWidget):
    """Feed Markdown as it arrives; the widget is as high as what it shows.

    `resized` is emitted when its height changes.
    """

    resized = Signal()
    line_wanted = Signal(object, int)  # a code block, and its line that is to be in view

    def __init__(self, look: LookName = "lane", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("answerSection")
        self.setAccessibleName("Answer")
        self._look: LookName = look
        self._density = "normal"
        self._splitter = MarkdownBlocks()
        self._blocks: list[tuple[BlockWidget, int]] = []  # with the list levels around
        self._growing: BlockWidget | None = None
        self._from_history = False
        self._dirty = 0  # the first block whose place may have changed
        self._caret = Caret(self)
        self._streaming, self._followed = False, True
        self._loop_start: Landmark | None = None
        self._loop_view: int | None = None  # the number of the view in which it begins
        self.setFixedHeight(0)

    # ------------------------------------------------------------ content

    @property
    def empty(self) -> bool:
        return not self._blocks

    @property
    def blocks(self) -> Sequence[BlockWidget]:
        return [block for block, _ in self._blocks]

    def toPlainText(self) -> str:  # noqa: N802 - named as Qt's text widgets name it
        """What is shown, without its looks; code as it was written."""
        return "\n\n".join(
            block.source if isinstance(block, CodeBlock) else block.toPlainText()
            for block in self.blocks
        )

    def feed(self, text: str) -> None:
        """Take the next characters; `refresh` brings them to the screen."""
        self._take(self._splitter.feed(text))

    def finish(self) -> None:
        """No more text comes: what is open is closed."""
        self._take(self._splitter.finish())
        self._growing = None
        self.set_streaming(False)
        self.refresh()
        if self._loop_start is not None:
            self.mark_repeats(self._loop_start)

    def mark_repeats(self, start: Landmark) -> None:
        """Tint the part that repeats itself, now, while it grows, and when the theme changes."""
        self._loop_start = start
        self._loop_view = mark_repeats(views_of(self.blocks), start)

    def _mark_growth(self) -> None:
        """The loop goes on: only the newest blocks have changed."""
        if self._loop_view is not None:
            newest = max(self._loop_view + 1, len(self._blocks) - 2)
            mark_growth(views_of(self.blocks[newest:]))

    def clear(self) -> None:
        """Back to an empty answer."""
        self._loop_start, self._loop_view = None, None
        for block, _ in self._blocks:
            block.hide()
            block.deleteLater()
        self._blocks = []
        self._growing = None
        self._splitter = MarkdownBlocks()
        self._from_history = False
        self._dirty = 0
        self.refresh()

    def set_from_history(self) -> None:
        """Folded code shows its first lines, not its last."""
        self._from_history = True

    def set_followed(self, followed: bool) -> None:
        """Whether the view stays at the end; else nothing may move under the reader's eyes."""
        self._followed = followed
        if isinstance(self._growing, CodeBlock):
            self._growing.set_followed(followed)

    def set_streaming(self, streaming: bool) -> None:
        """Whether the caret stands at the end."""
        self._streaming = streaming
        if not streaming:
            self._caret.hide()

    def refresh(self) -> None:
        """Draw what was fed since the last call, and give every block its place."""
        if self._growing is not None:
            self._growing.show_growth()
        self._mark_growth()
        self._place()
        self._place_caret()

    # ------------------------------------------------------------ events of the splitter

    def _take(self, events: list[BlockEvent]) -> None:
        for event in events:
            if isinstance(event, Opened):
                self._open(event)
            elif isinstance(event, Grew):
                if self._growing is not None:
                    self._growing.grow(event.text)
            else:
                self._close(event)
            self._dirty = min(self._dirty, max(0, len(self._blocks) - 1))

    def _open(self, event: Opened) -> None:
        shape = event.shape
        if shape.kind == "code":
            code = CodeBlock(self._look, shape.language, self)
            code.set_density(self._density)
            code.set_followed(self._followed)
            code.resized.connect(lambda: self.place_all(self.blocks.index(code)))
            code.line_wanted.connect(lambda line: self.line_wanted.emit(code, line))
            self._growing = self._add(code, shape.indent)
        elif shape.kind == "table":
            self._open_table(shape, replaces=event.replaces)
        else:
            text = self._text_block()
            text.begin(shape, replaces=event.replaces)
            self._growing = text

    def _open_table(self, shape: Shape, *, replaces: bool) -> None:
        """A paragraph whose second line makes it a table leaves the running text."""
        head = ""
        if replaces and isinstance(self._growing, TextBlock):
            head = self._growing.give_up()
            if self._growing.empty:
                block, _ = self._blocks.pop()
                block.hide()
                block.deleteLater()
        table = TableBlock(self._look, shape, self)
        table.grow(head)
        self._growing = self._add(table, shape.indent)

    def _text_block(self) -> TextBlock:
        last = self._blocks[-1][0] if self._blocks else None
        if isinstance(last, TextBlock) and not last.full:
            return last
        text = TextBlock(self._look, self)
        self._add(text, 0)
        return text

    def _add(self, block: BlockWidget, indent: int) -> BlockWidget:
        self._blocks.append((block, indent))
        block.show()
        self._caret.raise_()
        return block

    def _close(self, event: Closed) -> None:
        if isinstance(self._growing, CodeBlock):
            earlier = [block for block in self.blocks if isinstance(block, CodeBlock)]
            self._growing.finish(from_history=self._from_history, earlier=earlier[:-1])
        elif isinstance(self._growing, TableBlock):
            self._growing.finish()
        elif self._growing is not None:
            self._growing.close_paragraph(event.shape, event.text)
        self._growing = None

    # ------------------------------------------------------------ geometry

    def _place(self) -> None:
        """Give blocks their places, from the first that may have changed on."""
        gap, width = TextLook(self._look).gap, self.width()
        first = min(self._dirty, len(self._blocks))
        top = self._blocks[first - 1][0].geometry().bottom() + 1 + gap if first else 0
        for block, indent in self._blocks[first:]:
            left = theme().px(_INDENT) * indent
            if isinstance(block, CodeBlock):
                block.setVisible(block.says_something)
                if not block.says_something:  # a fence without a line: no room, and no gap
                    block.setGeometry(left, top - gap, max(40, width - left), 0)
                    continue
            height = block.wanted_height(max(40, width - left))
            block.setGeometry(left, top, max(40, width - left), height)
            top += height + gap
        self._dirty = max(0, len(self._blocks) - 1)
        total = max(0, top - gap) if self._blocks else 0
        if total != self.height():
            self.setFixedHeight(total)
            self.resized.emit()

    def place_all(self, first: int = 0) -> None:
        """Give every block its place anew: some are higher or lower now."""
        self._dirty = min(self._dirty, first)
        self._place()
        self._place_caret()

    def _place_caret(self) -> None:
        last = self._blocks[-1][0] if self._blocks else None
        shown = self._streaming and isinstance(last, TextBlock)
        if isinstance(last, TextBlock) and shown:
            self._caret.fit()
            place = last.caret_rect()
            at = last.viewport().mapTo(self, QPoint(place.right() + 2, place.center().y()))
            x = min(at.x(), self.width() - self._caret.width())
            self._caret.move(x, at.y() - self._caret.height() // 2)
        self._caret.setVisible(shown)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(320, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.place_all()

    # ------------------------------------------------------------ looks

    def set_look(self, look: LookName) -> None:
        """Another look, or the same after the theme has changed."""
        self._look = look
        for block, _ in self._blocks:
            block.set_look(look)
        if self._loop_start is not None:
            self.mark_repeats(self._loop_start)
        self.place_all()

    def set_density(self, density: str) -> None:
        """The lane's width class: wide, normal, compact or narrow."""
        self._density = density
        for block, _ in self._blocks:
            if isinstance(block, CodeBlock):
                block.set_density(density)


def views_of(blocks: Sequence[BlockWidget]) -> list[TextView]:
    """The documents of an answer's blocks, in order."""
    return [block.code_view if isinstance(block, CodeBlock) else block for block in blocks]
