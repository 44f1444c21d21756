"""Owns the tint of an answer's repeats: from where a text begins to repeat to the end.

The loop's text is Markdown, the screen shows it formatted; so the two are compared word by word.
The tint lies over the document and does not change it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QTextEdit

from qwqdesk.ui.theme import theme

_WORDS = 80  # words of the loop that are compared


def mark_repeats(edits: Sequence[QTextEdit], text: str) -> None:
    """Tint the first place where `text` stands twice in a row, and everything after it."""
    words = re.findall(r"\w+", text)[:_WORDS]
    pattern = r"\W+".join(map(re.escape, words))
    found = False
    for edit in edits:
        start = 0 if found else -1
        if words and not found:
            match = re.search(rf"{pattern}\W+{pattern}", edit.toPlainText())
            start = -1 if match is None else match.start()
        found = start >= 0
        edit.setExtraSelections([_selection(edit, start)] if found else [])


def _selection(edit: QTextEdit, start: int) -> QTextEdit.ExtraSelection:
    selection = QTextEdit.ExtraSelection()
    cursor = QTextCursor(edit.document())
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.setPosition(start, QTextCursor.MoveMode.KeepAnchor)
    selection.cursor = cursor
    selection.format.setBackground(theme().color("warn_tint"))
    return selection
