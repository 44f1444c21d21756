"""Owns showing the word diff: texts are read, compared on a thread, and tinted in slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from qwqdesk.ui.background import background
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.shown_text import ShownText
from qwqdesk.ui.conversation.word_tints import Words, WordTints, changed_words, diff_texts

_Found = Mapping[str, list[Words]]


class WordDiffView(QObject):
    """The first lane against each other one; the last choice wins.

    `found` carries how many stretches of text differ, None where there is no text of this kind;
    `failed` says that the replies could not be compared, `cleared` that no diff is shown any more.
    """

    found = Signal(object)
    failed = Signal()
    cleared = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._round = 0
        self._replies: Mapping[str, ReplyView] = {}
        self._texts: Mapping[str, list[ShownText]] = {}
        self._found: _Found = {}
        self._first = ""
        self.tints = WordTints(self)

    @property
    def tinted(self) -> bool:
        """Whether a diff is shown, all of it."""
        return bool(self._found) and not self.tints.busy

    @property
    def plain(self) -> bool:
        """Whether no diff is shown, nothing of it."""
        return not self._found and not self.tints.busy

    def show(
        self, replies: Mapping[str, ReplyView], first: str, question: str, choice: str
    ) -> None:
        """Compare "words" or "code"; the first lane shows what the lane in question has not."""
        self._round += 1
        texts = {label: diff_texts(reply, choice) for label, reply in replies.items()}
        plain = {label: [shown.text for shown in parts] for label, parts in texts.items()}
        done = partial(self._show, self._round, dict(replies), texts, question)
        self._first = first
        failed = partial(self._not_compared, self._round)
        background().start(self, partial(_compare, plain, first), done, failed)

    def _not_compared(self, asked_in: int, _error: Exception) -> None:
        if asked_in == self._round:
            self.failed.emit()

    def clear(self, replies: Sequence[ReplyView]) -> None:
        """No diff."""
        self._round += 1
        self._found = {}
        self.tints.clear(replies)
        self.cleared.emit()

    def _show(
        self,
        asked_in: int,
        replies: Mapping[str, ReplyView],
        texts: Mapping[str, list[ShownText]],
        question: str,
        found: _Found,
    ) -> None:
        if asked_in != self._round:
            return
        self._replies, self._texts, self._found = replies, texts, found
        for label, words in found.items():
            ranges = [theirs for _, theirs in words]
            pairs = list(zip(texts[label], ranges, strict=True))
            self.tints.show(replies[label], "diff_b", pairs)
        self.show_first(question)
        self.found.emit(_stretches(texts, found))

    def show_first(self, question: str) -> None:
        """Tint the first lane against another one."""
        if question in self._found:
            ranges = [mine for mine, _ in self._found[question]]
            pairs = list(zip(self._texts[self._first], ranges, strict=True))
            self.tints.show(self._replies[self._first], "diff_a", pairs)


def _compare(texts: Mapping[str, list[str]], first: str) -> _Found:
    """Every lane's parts against the first lane's."""
    return {
        label: [changed_words(a, b) for a, b in zip(texts[first], parts, strict=True)]
        for label, parts in texts.items()
        if label != first
    }


def _stretches(texts: Mapping[str, list[ShownText]], found: _Found) -> int | None:
    """How many stretches differ, None where nothing could be compared."""
    if not any(shown.text.strip() for parts in texts.values() for shown in parts):
        return None
    return sum(len(mine) + len(theirs) for words in found.values() for mine, theirs in words)
