"""The fences of code blocks, read in one way by the screen, the checks, the exports, the numbers.

The rules are CommonMark's: a closing fence has the sign of the opening one, at least as often, with
nothing behind it and at most three blanks before it, counted from where the block's container has
its text. So a fence in an indented docstring is code. A block in a quotation ends with it.

Where the container is not known, an opening fence stands where its text begins; that is lenient,
since models indent whole blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MOST_BLANKS: Final = 3
"""Before a closing fence; with more it is code."""

# Nothing is tried twice (`*+`): a blank between two quotation marks can be counted to either.
_OPENING: Final = re.compile(
    r"(?P<quote>(?: {0,3}> ?)*+)(?P<lead>[ \t]*+(?P<items>(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)*+))"
    r"(?P<signs>`{3,}+(?=[^`]*\Z)|~{3,}+)[ \t]*+(?P<info>.*)\Z",
    re.DOTALL,
)
_QUOTE: Final = re.compile(r" {0,3}> ?")
_LANGUAGE: Final = re.compile(r"\{?\.?([^\s`{},:]{0,40})")


@dataclass(frozen=True)
class Fence:
    """What opened a block. `signs` are its backticks or tildes; `language` is the first word.

    `indent` is the column in which they stand, `quotes` counts the quotation marks before them;
    `in_item`: the block is the first thing in a list item that begins on its line.
    """

    signs: str
    language: str = ""
    indent: int = 0
    quotes: int = 0
    in_item: bool = False

    def holds(self, line: str) -> bool:
        """Whether a line is still in the container of the block."""
        return self._inner(line) is not None

    def closes(self, line: str) -> bool:
        """Whether a line ends the block."""
        inner = self._inner(line)
        return inner is not None and self._is_closing(inner, len(self.signs))

    def may_close(self, beginning: str) -> bool:
        """Whether a line that begins so may still end the block, or stand outside of it."""
        inner = self._inner(beginning)
        if inner is None:
            return not beginning.strip(" >")
        return not inner.strip() or self._is_closing(inner, 1)

    def code(self, line: str) -> str:
        """A line of the block as code: less its container's marks and indentation."""
        inner = self._inner(line) or ""
        column = at = 0
        while at < len(inner) and column < self.indent and inner[at] in " \t":
            column += 1 if inner[at] == " " else 4 - column % 4
            at += 1
        return inner[at:]

    def _inner(self, line: str) -> str | None:
        at = 0
        for _ in range(self.quotes):
            mark = _QUOTE.match(line, at)
            if mark is None:
                return None
            at = mark.end()
        return line[at:]

    def _is_closing(self, inner: str, least: int) -> bool:
        words = inner.strip()
        if len(words) < least or words.strip(self.signs[0]):
            return False
        return columns(inner[: len(inner) - len(inner.lstrip())]) <= self.indent + MOST_BLANKS


def opened_by(line: str) -> Fence | None:
    """The fence that opens a block on this line; None where none does."""
    found = _OPENING.match(line)
    if found is None:
        return None
    language = _LANGUAGE.match(found["info"])
    return Fence(
        found["signs"],
        language[1] if language is not None else "",
        columns(found["lead"]),
        found["quote"].count(">"),
        bool(found["items"]),
    )


def columns(blanks: str) -> int:
    """How wide this is, with tabs to the next multiple of four."""
    return len(blanks.expandtabs(4))
