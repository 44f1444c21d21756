"""A GBNF text with a place in it: spaces, names, and the symbols that stand for characters."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from qwqdesk.sampling.param import shown
from qwqdesk.sampling.text_error import TextError, line_starts

_SPACE: Final = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES: Final = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([trn\\\"\[\]-]))"
)
_PLAIN: Final = re.compile(r'[^"\\]+')
_TOKEN_ID: Final = re.compile(r"<\[([0-9]{1,10})\]>")
_SIMPLE: Final = {"t": "\t", "r": "\r", "n": "\n"}
_UINT32: Final = 2**32 - 1


@dataclass(frozen=True)
class TokenMention:
    """A token that the grammar names as ``<text>`` or ``<[number]>``: a model must have it.

    `number` is None for one that is named by its text.
    """

    text: str
    line: int
    column: int
    number: int | None = None

    def missing(self) -> TextError:
        """The message for a model that does not have it."""
        found = f"{shown(self.text)} is not one token of this model"
        return _error(self.line, self.column, found, "Put the text in quotation marks instead.")


class GrammarText:
    """Moves forward over the text. The methods that read a symbol return its size in llama.cpp.

    `at` is the place; `tokens` are those that were named.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[TokenMention] = []
        self._lines: list[int] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    @property
    def sign(self) -> str:
        """The character at the place, empty at the end."""
        return self.text[self.at : self.at + 1]

    def stands(self, text: str) -> bool:
        """Whether this text stands at the place."""
        return self.text.startswith(text, self.at)

    def skip(self, *, lines: bool) -> None:
        """Go over blanks and comments, and over line ends if `lines`."""
        match = (_SPACE_AND_LINES if lines else _SPACE).match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def matched(self, pattern: re.Pattern[str]) -> str:
        """What matches at the place, which is left behind; empty if nothing does."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def error(self, at: int, found: str, todo: str) -> TextError:
        """What is wrong at an index of the text."""
        return _error(*self.place(at), found, todo)

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of an index of the text, counted from 1."""
        self._lines = self._lines or line_starts(self.text)
        line = bisect_right(self._lines, at)
        return line, at - self._lines[line - 1] + 1

    def unexpected(self, expected: str, todo: str) -> TextError:
        """Something else stands at the place."""
        end = "the end of the line"
        found = {"": "the end of the text", "\n": end, "\r": end}.get(self.sign) or shown(self.sign)
        return self.error(self.at, f"expected {expected}, found {found}", todo)

    # ------------------------------------------------------------ symbols

    def literal(self) -> int:
        """A text in quotation marks."""
        began = self.at
        self.at += 1
        size = 0
        while not self.stands('"'):
            if self.is_over:
                raise self.error(began, "a quotation mark is never closed", 'Close it with ".')
            plain = self.matched(_PLAIN)
            size += len(plain)
            if not plain:
                self._character()
                size += 1
        self.at += 1
        return size

    def brackets(self) -> int:
        """Characters in brackets."""
        began = self.at
        self.at += 2 if self.stands("[^") else 1
        size = 0
        while not self.stands("]"):
            if self.is_over:
                raise self.error(began, "a [ is never closed", "Close it with ].")
            size += self._range(began)
        self.at += 1
        if not size:
            todo = 'Name the characters, or write "" for an empty text.'
            raise self.error(began, "the brackets hold no character", todo)
        return size

    def token(self) -> int:
        """A token by number or text, or any but this one."""
        began = self.at
        if self.stands("!"):
            self.at += 1
        if self.stands("<["):
            self._token_number()
        else:
            self._token_text(began)
        return 1

    def _range(self, began: int) -> int:
        first = self.at
        low = self._character()
        if not self.stands("-") or self.stands("-]"):
            return 1
        self.at += 1
        if self.is_over:
            raise self.error(began, "a [ is never closed", "Close it with ].")
        if self._character() < low:
            span = self.text[first : self.at]
            raise self.error(first, f"the range {shown(span)} runs backwards", "Turn it round.")
        return 2

    def _character(self) -> int:
        if self.sign != "\\":
            self.at += 1
            return ord(self.text[self.at - 1])
        match = _ESCAPE.match(self.text, self.at)
        if match is None:
            found = f"{shown(self.text[self.at : self.at + 2])} is not an escape"
            todo = 'Use \\n \\r \\t \\\\ \\" \\[ \\] \\- \\xNN \\uNNNN or \\UNNNNNNNN.'
            raise self.error(self.at, found, todo)
        self.at = match.end()
        digits = match[1] or match[2] or match[3]
        return int(digits, 16) if digits else ord(_SIMPLE.get(match[4], match[4]))

    def _token_number(self) -> None:
        match = _TOKEN_ID.match(self.text, self.at)
        if match is None or int(match[1]) > _UINT32:
            todo = "Write a token as <[NUMBER]> or <text>."
            raise self.unexpected("a token's number, as in <[42]>", todo)
        self._mention(match.group(), int(match[1]))

    def _token_text(self, began: int) -> None:
        end = self.text.find(">", self.at)
        if not self.stands("<") or end < 0:
            todo = "Write a token as <[NUMBER]> or <text>, and one to leave out with ! before it."
            found = "! without a token" if not self.stands("<") else "< is never closed"
            raise self.error(began, found, todo)
        self._mention(self.text[self.at : end + 1], None)

    def _mention(self, text: str, number: int | None) -> None:
        line, column = self.place(self.at)
        self.tokens.append(TokenMention(text, line, column, number))
        self.at += len(text)


def _error(line: int, column: int, found: str, todo: str) -> TextError:
    what = f"The grammar is wrong in line {line}, column {column}: {found}."
    return TextError(what, todo, code="grammar", line=line, column=column)
