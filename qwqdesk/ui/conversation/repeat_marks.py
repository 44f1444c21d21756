"""Owns the tint of an answer's repeats: from where a text begins to repeat to the end.

A loop may go over paragraphs, lists and code, each of which is a view of its own: they are read as
one text. The tint lies over the documents and does not change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qwqdesk.analysis.loop_place import Landmark
from qwqdesk.ui.conversation.document_marks import DocumentMarks, Tint


class MarkedView(Protocol):
    """A text widget with marks."""

    marks: DocumentMarks


def mark_repeats(views: Sequence[MarkedView], start: Landmark) -> int | None:
    """Tint everything from the landmark on; the number of the view that it stands in.

    None: it is not shown yet, and nothing is tinted.
    """
    texts = [view.marks.text() for view in views]
    place = start.find("\n".join(texts))
    first: int | None = None
    for number, (view, text) in enumerate(zip(views, texts, strict=True)):
        begins = place is not None and place <= len(text)
        if begins and first is None:
            first = number
        at = max(0, place) if place is not None and begins else len(text)
        view.marks.set_tints("repeat", [Tint(at, len(text), "repeat")] if at < len(text) else [])
        if place is not None:
            place -= len(text) + 1
    return first


def mark_growth(views: Sequence[MarkedView]) -> None:
    """Tint views behind the landmark whole: text has come since."""
    for view in views:
        text = view.marks.text()
        view.marks.set_tints("repeat", [Tint(0, len(text), "repeat")] if text else [])
