"""Owns what is laid over one document without belonging to its text: tints and marks.

A place counts the characters of the text that a reader sees, without the marks. A tint never
changes the document. How marks get their room is decided in `inline_marks.py` and `code_marks.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from qwqdesk.ui.conversation.mark_object import paint_bar
from qwqdesk.ui.theme import theme

_WIDE = re.compile("[\U00010000-\U0010ffff]")
TintKind = Literal["diff_a", "diff_b", "repeat"]


@dataclass(frozen=True)
class Tint:
    """A stretch of text in a colour."""

    start: int
    end: int
    kind: TintKind


@dataclass(frozen=True)
class Mark:
    """A place in the text: a bar with a tab that says `words`; without words the bar alone."""

    place: int
    words: str
    hollow: bool = False


class DocumentMarks:
    """The tints and marks of one text widget."""

    def __init__(self, edit: QTextEdit) -> None:
        self._edit = edit
        self._tints: dict[str, tuple[Tint, ...]] = {}
        self._marks: tuple[Mark, ...] = ()
        self._read: tuple[str, list[int]] | None = None
        edit.document().contentsChanged.connect(self._changed)

    # ------------------------------------------------------------ places

    def text(self) -> str:
        """The document's text without marks; formulas are U+FFFC."""
        text, _ = self._raw()
        for at in reversed(self._inserted()):
            text = text[:at] + text[at + 1 :]
        return text

    def position(self, place: int, *, end: bool = False) -> int:
        """The document's position of a place: behind a mark that stands there, or before it."""
        for at in self._inserted():
            if at < place or (at == place and not end):
                place += 1
        _, wide = self._raw()
        return min(place + bisect_left(wide, place), self._edit.document().characterCount() - 1)

    def place(self, position: int) -> int:
        """The place of a document's position."""
        place = self._unwide(position)
        return place - sum(at < place for at in self._inserted())

    def _inserted(self) -> list[int]:
        """Which characters of the document are marks, in rising order."""
        return []

    def _unwide(self, position: int) -> int:
        """Qt counts characters outside the first plane twice."""
        _, wide = self._raw()
        low = 0
        while low < len(wide) and wide[low] + low < position:
            low += 1
        return position - low

    def _raw(self) -> tuple[str, list[int]]:
        """The document's text, and where its wide characters stand."""
        if self._read is None:
            raw = self._edit.document().toPlainText()
            self._read = raw, [found.start() for found in _WIDE.finditer(raw)]
        return self._read

    def _changed(self) -> None:
        self._read = None

    def cursor(self, place: int, end: int | None = None) -> QTextCursor:
        """A cursor at a place, with everything up to `end` selected."""
        cursor = QTextCursor(self._edit.document())
        cursor.setPosition(self.position(place))
        if end is not None:
            cursor.setPosition(self.position(end, end=True), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def rect(self, place: int) -> QRect:
        """Where a place is, in the viewport."""
        return self._edit.cursorRect(self.cursor(place))

    # ------------------------------------------------------------ tints

    def set_tints(self, layer: str, tints: Sequence[Tint]) -> None:
        """Replace one layer of tints; later layers lie above earlier ones."""
        if tuple(tints) == self._tints.get(layer, ()):
            return
        self._tints[layer] = tuple(tints)
        self._show_tints()

    def tints(self, layer: str) -> tuple[Tint, ...]:
        """What is tinted in a layer."""
        return self._tints.get(layer, ())

    def _show_tints(self) -> None:
        kinds: tuple[TintKind, ...] = ("repeat", "diff_a", "diff_b")
        forms = {kind: _tint_format(kind) for kind in kinds}
        selections = [
            self._selection(tint, forms) for tints in self._tints.values() for tint in tints
        ]
        self._edit.setExtraSelections(selections)

    def _selection(
        self, tint: Tint, forms: Mapping[TintKind, QTextCharFormat]
    ) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        selection.cursor = self.cursor(tint.start, tint.end)
        selection.format = forms[tint.kind]
        return selection

    # ------------------------------------------------------------ marks

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks that are shown, in the order of the text."""
        return self._marks

    def set_marks(self, marks: Sequence[Mark]) -> bool:
        """Show these marks and no others; whether something has changed."""
        wanted = tuple(sorted(marks, key=lambda mark: mark.place))
        if wanted == self._marks:
            return False
        self.take_out()
        self._marks = wanted
        self.put_back()
        return True

    def take_out(self) -> None:
        """Give the marks' room back, before the document is written or styled anew."""

    def put_back(self) -> None:
        """Marks and tints into the document, in the colours that are now in force."""
        self._make_room([mark for mark in self._marks if mark.words])
        if any(self._tints.values()):
            self._show_tints()
        self._edit.viewport().update()

    def _make_room(self, marks: Sequence[Mark]) -> None:
        """Give each of the marks its room in the document."""

    def paint(self, painter: QPainter) -> None:
        """Draw what the document does not draw itself: bars without a tab."""
        for mark in self._marks:
            if not mark.words and self.cursor(mark.place).block().isVisible():
                paint_bar(painter, self.rect(mark.place).translated(-1, 0), hollow=mark.hollow)


def _tint_format(kind: TintKind) -> QTextCharFormat:
    form = QTextCharFormat()
    if kind == "repeat":
        form.setBackground(theme().color("warn_tint"))
        return form
    style = QTextCharFormat.UnderlineStyle
    form.setBackground(theme().color(kind))
    form.setForeground(theme().color("text"))
    form.setUnderlineStyle(style.SingleUnderline if kind == "diff_a" else style.DashUnderline)
    form.setUnderlineColor(theme().color(f"{kind}_line"))
    return form
