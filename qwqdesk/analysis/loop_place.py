"""Where a reply begins to repeat itself: in its text, and in the same text as it is shown.

What is shown lacks markup, so the two are compared word by word: the place is the n-th one at which
these words follow each other. That costs one pass over the text, where an exact map of every place
(`place_map.py`) would hold up a window that still writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qwqdesk.analysis.token_places import Part
from qwqdesk.conversation import Loop

_WORD: Final = re.compile(r"\w+")
_SIZES: Final = (12, 6, 3, 2, 1)  # so many words name a place; more are surer, fewer are found
_NEAR: Final = 2000  # characters behind the place that are looked at
_GAP: Final = "\0"


def loop_place(
    loop: Loop,
    tokens: int,
    ends: Sequence[int],
    text: str,
    reasoning: str | None,
    answer: str,
) -> tuple[Part, int]:
    """The part of the reply in which its loop begins, and at which character of that part.

    `ends` says for each of the `tokens` where its text ends; () in replies of older versions, whose
    place is looked for near where it should be.
    """
    char = _known(loop, ends) if ends else _guessed(loop, tokens, text)
    thoughts = reasoning or ""
    answer_at = text.rfind(answer) if answer else len(text)
    if thoughts and char < answer_at:
        return "reasoning", min(max(0, char - max(0, text.find(thoughts))), len(thoughts))
    return "answer", max(0, char - answer_at)


def _known(loop: Loop, ends: Sequence[int]) -> int:
    before = min(loop.from_token, len(ends))
    return ends[before - 1] if before > 0 else 0


def _guessed(loop: Loop, tokens: int, text: str) -> int:
    near = len(text) * min(loop.from_token, tokens) // max(1, tokens)
    if not loop.text.strip():
        return near
    found = (text.rfind(loop.text, 0, near + len(loop.text)), text.find(loop.text, near))
    return min((at for at in found if at >= 0), key=lambda at: abs(at - near), default=near)


@dataclass(frozen=True)
class Landmark:
    """A place in a text, named by the words that begin there and how often they came before.

    `earlier` has that number for the first `_SIZES` of the words: a word of the source that is not
    shown (an address, the language of code) breaks a long row of words, not a short one. Where no
    word comes any more, `after` is true: it is the end of the words before it.
    """

    words: tuple[str, ...]
    earlier: tuple[int, ...]
    after: bool = False

    @classmethod
    def at(cls, source: str, char: int) -> Landmark:
        """The landmark of a character of the source; within a word, that of the word."""
        found = list(_WORD.finditer(source[: char + _NEAR]))
        before = [match.group() for match in found if match.end() <= char]
        words = tuple(match.group() for match in found if match.end() > char)[: _SIZES[0]]
        if words:
            rows = [words[:size] for size in _SIZES]
            earlier = [_count(_joined([*before, *row[:-1]]), _joined(row)) for row in rows]
            return cls(words, tuple(earlier))
        words = tuple(before[-_SIZES[0] :])
        rows = [words[-size:] for size in _SIZES]
        earlier = [_count(_joined(before), _joined(row)) - 1 for row in rows]
        return cls(words, tuple(earlier), after=True)

    def find(self, shown: str) -> int | None:
        """Its place in what is shown of the source; None while its words are not there."""
        if not self.words:
            return 0
        places = [(match.start(), match.end()) for match in _WORD.finditer(shown)]
        text = _joined([shown[start:end] for start, end in places])
        for size, earlier in zip(_SIZES, self.earlier, strict=False):
            row = self.words[-size:] if self.after else self.words[:size]
            at = _nth(text, _joined(row), earlier)
            if at >= 0:
                first = text.count(_GAP, 0, at)
                return places[first + len(row) - 1][1] if self.after else places[first][0]
        return None


def _joined(words: Sequence[str]) -> str:
    return _GAP + "".join(word + _GAP for word in words)


def _nth(text: str, wanted: str, number: int) -> int:
    """Where it stands for this time, counted from 0; places may overlap. -1: not so often."""
    at = text.find(wanted)
    while at >= 0 and number > 0:
        at, number = text.find(wanted, at + 1), number - 1
    return at


def _count(text: str, wanted: str) -> int:
    """How often it stands there, also where the places overlap."""
    found, at = 0, text.find(wanted)
    while at >= 0:
        found, at = found + 1, text.find(wanted, at + 1)
    return found
