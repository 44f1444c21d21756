"""Owns the marks in running text: each is an object in its line, so that it covers nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QTextEdit

from qwqdesk.ui.conversation.document_marks import DocumentMarks, Mark
from qwqdesk.ui.conversation.formula_object import (
    FORMULA_OBJECT,
    PIECE_PROPERTY,
    TEX_PROPERTY,
)
from qwqdesk.ui.conversation.mark_object import mark_format

_OBJECT = "\ufffc"  # Qt's sign for an object in a text


class InlineMarks(DocumentMarks):
    """The tints and marks of running text."""

    def __init__(self, edit: QTextEdit, moved: Callable[[int, int], object]) -> None:
        """`moved` hears of a position from which on the text moved by so many characters."""
        super().__init__(edit)
        self._moved = moved
        self._objects: list[QTextCursor] = []

    def set_marks(self, marks: Sequence[Mark]) -> bool:
        changed = super().set_marks(marks)
        if changed:
            words = [mark.words for mark in self.marks if mark.words]
            self._edit.setAccessibleDescription(f"Marked: {', '.join(words)}" if words else "")
        return changed

    def take_out(self) -> None:
        for cursor in reversed(self._objects):
            position = cursor.position()
            if self._edit.document().characterAt(position) == _OBJECT:
                cursor.deleteChar()
                self._moved(position, -1)
        self._objects = []

    def _make_room(self, marks: Sequence[Mark]) -> None:
        cursors = []
        for mark in reversed(marks):
            cursor = self.cursor(mark.place)
            position = cursor.position()
            form = mark_format(cursor.charFormat(), mark.words, hollow=mark.hollow)
            cursor.insertText(_OBJECT, form)
            cursor.setPosition(position)
            cursor.setKeepPositionOnInsert(True)
            self._moved(position, 1)
            cursors.append(cursor)
        self._objects = cursors[::-1]

    def _inserted(self) -> list[int]:
        return [self._unwide(cursor.position()) for cursor in self._objects]


def copied_text(cursor: QTextCursor) -> str:
    """The selected text as it is copied: without marks, formulas as they were written."""
    text = cursor.selection().toPlainText()
    if _OBJECT not in text:
        return text
    document = cursor.document()
    first, *others = text.split(_OBJECT)
    parts, found = [first], document.find(_OBJECT, cursor.selectionStart())
    for other in others:
        form = found.charFormat()
        is_formula = form.objectType() == FORMULA_OBJECT and not form.intProperty(PIECE_PROPERTY)
        parts += [f"${form.property(TEX_PROPERTY)}$" if is_formula else "", other]
        found = document.find(_OBJECT, found)
    return "".join(parts)
