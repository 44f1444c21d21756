"""What the search index holds: each text's pieces of one, two and three characters of its words.

A part of a word of any length is in a text only if all its pieces are, so that the index narrows
the search down and the text itself decides. Pieces of one and two characters make short parts as
quick as long ones: one syllable of Hangul is a part of a word, and so is "C".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Final

MOST_PARTS: Final = 16
LONGEST_PART: Final = 64
_MOST_ASKED: Final = 24  # pieces in one query: the text decides in the end
_ACCENTED: Final = re.compile("[\u00c0-\u024f\u0300-\u04ff\u1e00-\u1fff]")
_MARKS: Final = re.compile("[\u0300-\u036f]")
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f]")
_CACHED_WORD: Final = 32  # longer ones are rarely met twice


def fold(text: str) -> str:
    """The text as it is compared: without case, accents and the widths of letters.

    Hangul stays in whole syllables, and the marks of other scripts than Latin, Greek and Cyrillic
    stay where they are.
    """
    if text.isascii():
        folded = text.lower()
    elif _ACCENTED.search(text) is None and unicodedata.is_normalized("NFKC", text):
        folded = text.casefold()
    else:
        plain = _MARKS.sub("", unicodedata.normalize("NFKD", text))
        folded = unicodedata.normalize("NFKC", plain).casefold()
    return _CONTROLS.sub("\ufffd", folded)


def parts_of(query: str) -> list[str]:
    """The parts of words that a text must have, folded, each once."""
    parts = dict.fromkeys(part[:LONGEST_PART] for part in fold(query).split())
    return list(parts)[:MOST_PARTS]


def index_text(text: str) -> str:
    """The pieces of a text, for the index's tokenizer."""
    pieces: set[str] = set()
    for word in set(fold(text).split()):
        pieces.update(_cached(word) if len(word) <= _CACHED_WORD else _pieces(word))
    return "\n".join(pieces)


def match_expression(parts: Iterable[str]) -> str:
    """An FTS5 expression for texts that may have these parts."""
    wanted: list[str] = []
    for part in sorted(parts, key=len, reverse=True):
        size = min(3, len(part))
        own = [part[at : at + size] for at in range(len(part) - size + 1)]
        # Pieces that do not overlap say most; the last one closes the part.
        wanted += [*own[::size], own[-1]]
    asked = list(dict.fromkeys(wanted))[:_MOST_ASKED]
    return " AND ".join('"' + piece.replace('"', '""') + '"' for piece in asked)


@lru_cache(maxsize=50_000)
def _cached(word: str) -> tuple[str, ...]:
    return tuple(_pieces(word))


def _pieces(word: str) -> set[str]:
    two = map("".join, pairwise(word))
    three = map("".join, zip(word, word[1:], word[2:], strict=False))
    return {*word, *two, *three}
