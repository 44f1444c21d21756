"""Owns the word diff in the lanes' texts: what only the first lane says, what only another says.

What is compared is what stands on the screen, so that every difference can be tinted where it is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from zlib import crc32

from PySide6.QtCore import QObject, QTimer

from qwqdesk.analysis.diff import Piece, word_diff
from qwqdesk.ui.conversation.answer import TextView, views_of
from qwqdesk.ui.conversation.code_text import CodeText
from qwqdesk.ui.conversation.document_marks import Tint, TintKind
from qwqdesk.ui.conversation.formula_object import PIECE_PROPERTY, TEX_PROPERTY
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.shown_text import ShownText

_BUDGET_S, _PAUSE_MS = 0.006, 1  # seconds of tinting at a time
_LAYER = "diff"
_PRIVATE, _PRIVATE_SIZE = 0xF0000, 0xFFFD  # signs that no text uses
Ranges = tuple[tuple[int, int], ...]
Words = tuple[Ranges, Ranges]
"""The stretches that only the first text has, and those that only the other has."""


def diff_texts(reply: ReplyView, choice: str) -> list[ShownText]:
    """What of a reply is compared: reasoning and answer, or its code blocks only."""
    answer = views_of(reply.answer.blocks)
    if choice == "code":
        return [ShownText([view for view in answer if isinstance(view, CodeText)], "\n\n")]
    return [ShownText(reply.reasoning.views, "\n"), _with_formulas(ShownText(answer, "\n\n"))]


def _with_formulas(shown: ShownText) -> ShownText:
    """Every formula as a sign of its own, so that other formulas count as other words."""
    parts = shown.text.split("\ufffc")
    text = parts[0]
    for part in parts[1:]:
        found = shown.find(len(text))
        tex = ""
        if found is not None:
            form = found[0].marks.cursor(found[1] + 1).charFormat()
            tex = f"{form.property(TEX_PROPERTY)} {form.intProperty(PIECE_PROPERTY)}"
        text += chr(_PRIVATE + crc32(tex.encode("utf-8", "replace")) % _PRIVATE_SIZE) + part
    shown.text = text
    return shown


def changed_words(first: str, other: str) -> Words:
    """The words that only one of two texts has, without the white space around them."""
    pieces = word_diff(first, other).pieces
    only = {
        kind: tuple(stretch for piece in pieces if piece.kind == kind for stretch in _seen(piece))
        for kind in ("only_a", "only_b")
    }
    return only["only_a"], only["only_b"]


def _seen(piece: Piece) -> Iterator[tuple[int, int]]:
    """A piece line by line; white space counts only where nothing else differs."""
    at = piece.a_start if piece.kind == "only_a" else piece.b_start
    for line in piece.text.split("\n"):
        words = line.strip()
        if words:
            start = at + line.index(words)
            yield start, start + len(words)
        elif line and not piece.text.strip():
            yield at, at + len(line)
        at += len(line) + 1


class WordTints(QObject):
    """Tints views a few at a time, those on the screen first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[tuple[TextView, tuple[Tint, ...]]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._tint)

    @property
    def busy(self) -> bool:
        """Whether views wait to be tinted."""
        return bool(self._waiting)

    def show(
        self, reply: ReplyView, kind: TintKind, found: Sequence[tuple[ShownText, Ranges]]
    ) -> None:
        """Tint these stretches of a reply and nothing else of it."""
        wanted: dict[TextView, list[Tint]] = {}
        for shown, ranges in found:
            for start, end in ranges:
                for view, low, high in shown.ranges(start, end):
                    wanted.setdefault(view, []).append(Tint(low, high, kind))
        for view in (*reply.reasoning.views, *views_of(reply.answer.blocks)):
            tints = tuple(wanted.get(view, ()))
            if tints != view.marks.tints(_LAYER):
                self._add(view, tints)
        self._timer.start()

    def clear(self, replies: Sequence[ReplyView]) -> None:
        """Take all tints away."""
        self._waiting.clear()
        for reply in replies:
            self.show(reply, "diff_a", ())

    def _add(self, view: TextView, tints: tuple[Tint, ...]) -> None:
        if view.visibleRegion().isEmpty():
            self._waiting.append((view, tints))
        else:
            self._waiting.appendleft((view, tints))

    def _tint(self) -> None:
        end = time.perf_counter() + _BUDGET_S
        while self._waiting and time.perf_counter() < end:
            view, tints = self._waiting.popleft()
            view.marks.set_tints(_LAYER, tints)
        if not self._waiting:
            self._timer.stop()
