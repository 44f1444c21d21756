"""Owns the tint of an answer's repeats: from where a text begins to repeat to the end.

The loop's text is Markdown, the screen shows it formatted; so the two are compared word by word.
The tint lies over the document and does not change it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from qwqdesk.ui.conversation.document_marks import DocumentMarks, Tint

_WORDS = 80  # words of the loop that are compared


class MarkedView(Protocol):
    """A text widget with marks."""

    marks: DocumentMarks


def mark_repeats(views: Sequence[MarkedView], text: str) -> None:
    """Tint the first place where `text` stands twice in a row, and everything after it."""
    words = re.findall(r"\w+", text)[:_WORDS]
    pattern = r"\W+".join(map(re.escape, words))
    found = False
    for view in views:
        shown = view.marks.text()
        start = 0 if found else -1
        if words and not found:
            match = re.search(rf"{pattern}\W+{pattern}", shown)
            start = -1 if match is None else match.start()
        found = start >= 0
        view.marks.set_tints("repeat", [Tint(start, len(shown), "repeat")] if found else [])
