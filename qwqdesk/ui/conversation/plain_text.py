"""Owns long plain text that grows at its end: reasoning. Cheap however long it gets.

The text stands in several documents of bounded size; only the last one changes. Paragraphs over
the limit are broken, because the time to lay one out grows with its length.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtGui import QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from qwqdesk.analysis.loop_place import Landmark
from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.markdown_blocks import PIECE_LIMIT
from qwqdesk.ui.conversation.text_look import LookName, TextLook
from qwqdesk.ui.conversation.visible_text import visible
from qwqdesk.ui.theme import theme

_DOCUMENT_SIZE = 12_000  # characters after which a new document begins at the next line


class _Piece(DocumentView):
    """One document of the text."""

    def __init__(self, look: LookName, parent: QWidget) -> None:
        super().__init__(look, "plainText", parent)
        self.setAccessibleName("Reasoning text")
        self.taken = 0
        self.stale = False  # whether its height may be another
        self._marked_from: int | None = None
        self._apply_look()

    def _apply_look(self) -> None:
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.setBlockFormat(self._look.block_format("paragraph"))
        cursor.setCharFormat(self._look.plain())
        cursor.setBlockCharFormat(self._look.plain())

    def append(self, text: str) -> None:
        self._end().insertText(text, self._format(marked=self._marked_from is not None))
        self.taken += len(text)

    def mark_from(self, place: int) -> None:
        """Tint everything from a place on, also what is still to come."""
        self.marks.take_out()
        self._marked_from = place
        cursor = self._end()
        cursor.setPosition(self.marks.position(place), QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(self._format(marked=True))
        self.marks.put_back()

    def _format(self, *, marked: bool) -> QTextCharFormat:
        form = self._look.plain()
        if marked:
            form.setForeground(theme().color("text"))
            form.setBackground(theme().color("warn_tint"))
        return form

    def _text_moved(self, position: int, by: int) -> None:
        self.stale = True

    def restyle(self, look: LookName) -> None:
        self._look = TextLook(look)
        self.marks.take_out()
        self._apply_look()
        self.marks.put_back()
        if self._marked_from is not None:
            self.mark_from(self._marked_from)


class PlainText(QWidget):
    """Append text; the widget is as high as the text."""

    def __init__(self, look: LookName, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: LookName = look
        self._pieces: list[_Piece] = []
        self._column = 0
        self._break_due = False
        self._marked = False

    def append(self, text: str) -> None:
        """Add text at the end; `wanted_height` lays it out."""
        text = visible(text)
        while text:
            room = max(1, PIECE_LIMIT - self._column)
            part, text = text[:room], text[room:]
            self._append_part(part)
            end = part.rfind("\n")
            self._column = len(part) - end - 1 if end >= 0 else self._column + len(part)
            self._break_due = self._column >= PIECE_LIMIT
            if self._break_due:
                self._column = 0

    def _append_part(self, part: str) -> None:
        piece = self._pieces[-1] if self._pieces else None
        if piece is None:
            piece = self._new_piece()
        elif piece.taken > _DOCUMENT_SIZE and (self._break_due or "\n" in part):
            if not self._break_due:
                head, part = part.split("\n", 1)
                piece.append(head)
            piece = self._new_piece()
        elif self._break_due:
            part = "\n" + part
        self._break_due = False
        piece.append(part)

    def _new_piece(self) -> _Piece:
        piece = _Piece(self._look, self)
        if self._marked:
            piece.mark_from(0)
        piece.show()
        self._pieces.append(piece)
        self.setFocusProxy(self._pieces[0])
        return piece

    def clear(self) -> None:
        """Back to nothing."""
        for piece in self._pieces:
            piece.hide()
            piece.deleteLater()
        self._pieces = []
        self._column, self._break_due, self._marked = 0, False, False

    def mark_repeats(self, start: Landmark) -> None:
        """Tint the text from where it begins to repeat; what follows is tinted too."""
        texts = [piece.marks.text() for piece in self._pieces]
        place = start.find("\n".join(texts))
        if place is None:
            return
        for piece, text in zip(self._pieces, texts, strict=True):
            if place <= len(text):
                piece.mark_from(max(0, place))
                self._marked = True
            place -= len(text) + 1

    def wanted_height(self, width: int) -> int:
        """Pixels at this width; finished documents keep their height while the width stays."""
        top = 0
        for number, piece in enumerate(self._pieces):
            last = number == len(self._pieces) - 1
            if last or piece.stale or piece.width() != width:
                height = piece.wanted_height(width)
                piece.stale = False
            else:
                height = piece.height()
            piece.setGeometry(0, top, width, height)
            top += height
        return top

    def top_of_last(self, lines: int) -> int:
        """Where the last lines, as they are laid out, begin: pixels from the top; 0 where there
        are no more than these.
        """
        for piece in reversed(self._pieces):
            block = piece.document().lastBlock()
            while block.isValid():
                layout = block.layout()
                if layout.lineCount() >= lines:
                    line = layout.lineAt(layout.lineCount() - lines)
                    return piece.y() + round(layout.position().y() + line.y())
                lines -= layout.lineCount()
                block = block.previous()
        return 0

    def caret_rect(self) -> QRect:
        """Where the next character would stand, in this widget."""
        if not self._pieces:
            return QRect(0, 0, 0, theme().px(20))
        piece = self._pieces[-1]
        return piece.caret_rect().translated(piece.pos())

    @property
    def views(self) -> Sequence[DocumentView]:
        """The documents, in order."""
        return self._pieces

    def restyle(self) -> None:
        """The theme changed."""
        for piece in self._pieces:
            piece.restyle(self._look)
            piece.stale = True

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.wanted_height(self.width())
