"""Owns the marks of differing tokens in the lanes' texts, and the way to them."""

from __future__ import annotations

from collections.abc import Mapping

import shiboken6
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from qwqdesk.ui.conversation.answer import TextView, views_of
from qwqdesk.ui.conversation.code_block import CodeBlock
from qwqdesk.ui.conversation.compared import Compared, Stop
from qwqdesk.ui.conversation.document_marks import Mark
from qwqdesk.ui.conversation.reply_places import ReplyPlaces
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.transcript import Transcript
from qwqdesk.ui.theme import theme

_ABOVE = 0.3  # share of the view that stays above what one has gone to


class DivergenceMarks:
    """Marks for the shown replies; made anew when others are shown."""

    def __init__(self, compared: Compared, places: Mapping[str, ReplyPlaces]) -> None:
        """`places` by the lane's label, the first lane first."""
        self._compared = compared
        self.places = places
        self._first = next(iter(places), "")
        self.complete = False  # whether every mark has found its place

    def show(self, question: str, stop: Stop | None = None) -> None:
        """Mark every lane against the first; the first against the lane in question.

        `stop` is where one has just gone to, in these two lanes.
        """
        self.complete = True
        for label, places in self.places.items():
            wanted: dict[TextView, list[Mark]] = {}
            for token, words, meeting in self._tokens(label, question, stop):
                found = self._find(label, places, token, first=not meeting)
                if found is None:
                    self.complete = False
                else:
                    wanted.setdefault(found[0], []).append(Mark(found[1], words, hollow=meeting))
            _show_marks(places.reply, wanted)

    def _tokens(self, label: str, question: str, stop: Stop | None) -> list[tuple[int, str, bool]]:
        """The tokens that are marked in a lane: which, with which words, whether hollow."""
        mine = label == self._first
        pair = self._compared.pairs.get(question if mine else label)
        if pair is None:
            return []
        meeting = next((each for each in pair.stops if each.meeting), None)
        shown = [each for each in (*pair.stops[:1], meeting) if each is not None]
        whose = f"{question}: " if mine and len(self._compared.pairs) > 1 else ""
        found = []
        for each in shown:
            differs = "text differs" if each.by_text else f"token {each.other:,}"
            words = f"{whose}{'same again' if each.meeting else differs}"
            token = each.first if mine else each.other
            found.append((token, words[:1].upper() + words[1:], each.meeting))
        if stop is not None and stop not in shown and label in (self._first, question):
            found.append((stop.first if mine else stop.other, "", stop.meeting))
        return found

    def _find(
        self, label: str, places: ReplyPlaces, token: int, *, first: bool
    ) -> tuple[TextView, int] | None:
        """Where a mark goes; None while that text may still change."""
        char = self._compared.first_chars.get(label)
        found = places.find_in(*char) if char and first else places.find(token)
        if found is None or found[1] > found[0].settled:
            return None
        view, place = found
        return view, _before_word(view.marks.text(), place)

    def fold_around_marks(self) -> None:
        """Long code without errors folds to the lines around its first mark."""
        for places in self.places.values():
            for block in places.reply.answer.blocks:
                marks = block.code_view.marks if isinstance(block, CodeBlock) else None
                if isinstance(block, CodeBlock) and marks and marks.marks and not block.problems:
                    line = marks.cursor(marks.marks[0].place).blockNumber()
                    block.fold_around(line + 1)

    def token(self, label: str, stop: Stop) -> int:
        """The token of a stop in a lane."""
        return stop.first if label == self._first else stop.other


def _before_word(text: str, place: int) -> int:
    """A token often begins with a space; its mark stands better before the word."""
    after = len(text) - len(text[place:].lstrip(" "))
    return after if after < len(text) and text[after] != "\n" else place


def clear_marks(reply: ReplyView) -> None:
    """Take all marks out of a reply."""
    _show_marks(reply, {})


def _show_marks(reply: ReplyView, wanted: Mapping[TextView, list[Mark]]) -> None:
    thoughts = [view.marks.set_marks(wanted.get(view, ())) for view in reply.reasoning.views]
    answers = [view.marks.set_marks(wanted.get(view, ())) for view in views_of(reply.answer.blocks)]
    if any(thoughts):
        reply.reasoning.place_again()
    if any(answers):
        reply.answer.place_all()


def go_to(
    transcript: Transcript, places: ReplyPlaces, token: float, *, opening: bool = True
) -> None:
    """Open what is folded around a token and scroll it into view.

    Without `opening` what is folded stays so, and its fold is scrolled into view.
    """
    if opening:
        places.reveal(token)
    QTimer.singleShot(0, transcript, lambda: _scroll(transcript, places, token))


def _scroll(transcript: Transcript, places: ReplyPlaces, token: float) -> None:
    if not shiboken6.isValid(places.reply):
        return
    content = places.content
    _activate(places.reply, content)
    height = places.height(token)
    bar = transcript.verticalScrollBar()
    bar.setValue(round(height - _ABOVE * transcript.viewport().height()))
    found = places.find(token)
    if found is not None:
        _scroll_sideways(*found)


def _scroll_sideways(view: TextView, place: int) -> None:
    """Code does not wrap: bring the column into view."""
    bar, rect = view.horizontalScrollBar(), view.marks.rect(place)
    if not 0 <= rect.left() < view.viewport().width():
        bar.setValue(bar.value() + rect.left() - theme().px(40))


def _activate(widget: QWidget, content: QWidget) -> None:
    """Let layouts take in what was just opened, from the inside out."""
    inner: QWidget | None = widget
    while inner is not None:
        layout = inner.layout()
        if layout is not None:
            layout.activate()
        if inner is content:
            content.resize(content.width(), max(content.height(), content.sizeHint().height()))
            return
        inner = inner.parentWidget()
