"""Splitting pasted text into words as a POSIX shell would, without running anything.

Differences on purpose: ``;`` is an ordinary character (sampler orders are often pasted without
quotes), a line break without a continuation mark is a space, and redirections are dropped.
"""

from __future__ import annotations

import re
from typing import Final

_CONTINUATION: Final = re.compile(r"(?:\\|\^|`)[ \t]*\r?\n")
_REDIRECTION: Final = re.compile(r"(?:[0-9]*|&)(?:>>|>\||>|<)(?:&[0-9-]+)?")
_END: Final = re.compile(r"\|\|?|&&?")
_WINDOWS: Final = re.compile(r"\^[ \t]*\r?\n|(?:^|[\s\"'])[A-Za-z]:\\|\.exe\b")


class UnclosedQuoteError(ValueError):
    """A quotation mark was opened and never closed."""


def split_words(text: str) -> list[str]:
    """The words of a lane: quotes and backslashes as in a POSIX shell, nothing else special.

    Raises:
        UnclosedQuoteError: when a quotation mark is not closed.
    """
    return _Splitter(text, pasted=False).commands()[0]


def split_commands(text: str) -> list[list[str]]:
    """The words of each command in pasted text; a pipe, ``&&``, ``||`` or ``&`` ends a command.

    Line continuations (``\\``, ``^`` or a backtick at the end of a line), comments and
    redirections are dropped. In lines from Windows a backslash is a character.

    Raises:
        UnclosedQuoteError: when a quotation mark is not closed.
    """
    return _Splitter(text, pasted=True).commands()


class _Splitter:
    """Walks once over the text; `pasted` turns on what only pasted commands have."""

    def __init__(self, text: str, *, pasted: bool) -> None:
        self._text = text
        self._pasted = pasted
        self._windows = pasted and _WINDOWS.search(text) is not None
        self._at = 0
        self._word: list[str] | None = None
        self._words: list[str] = []
        self._done: list[list[str]] = []

    def commands(self) -> list[list[str]]:
        while self._at < len(self._text):
            sign = self._text[self._at]
            if self._pasted and self._shell_syntax():
                continue
            if sign.isspace():
                self._finish()
                self._at += 1
            elif sign in "'\"":
                self._quoted(sign)
            elif sign == "\\" and not self._windows:
                self._add(self._text[self._at + 1 : self._at + 2] or "\\")
                self._at += 2
            else:
                self._add(sign)
                self._at += 1
        self._finish()
        return [*self._done, self._words]

    def _shell_syntax(self) -> bool:
        """Skip a continuation, redirection, comment or the end of a command, if one is here."""
        continuation = _CONTINUATION.match(self._text, self._at)
        if continuation:
            self._finish()
            self._at = continuation.end()
            return True
        starts = self._word is None
        # Digits are looked through only where a word begins, or many of them would be each time.
        may_be_one = starts or self._text[self._at] in "<>"
        redirection = _REDIRECTION.match(self._text, self._at) if may_be_one else None
        if redirection:
            self._finish()
            self._at = redirection.end()
            if "&" not in redirection.group()[1:]:
                self._skip_word()
            return True
        end = _END.match(self._text, self._at)
        if end:
            self._finish()
            self._done.append(self._words)
            self._words = []
            self._at = end.end()
            return True
        if starts and self._text[self._at] == "#":
            line = self._text.find("\n", self._at)
            self._at = len(self._text) if line < 0 else line
            return True
        return False

    def _skip_word(self) -> None:
        """The file after a redirection, as one word."""
        kept, self._words = self._words, []
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._at += 1
        while self._at < len(self._text) and not self._text[self._at].isspace():
            if self._text[self._at] in "'\"":
                self._quoted(self._text[self._at])
            else:
                self._at += 1
        self._word, self._words = None, kept

    def _quoted(self, mark: str) -> None:
        self._add("")
        self._at += 1
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == mark:
                self._at += 1
                return
            following = self._text[self._at + 1 : self._at + 2]
            if sign == "\\" and mark == '"' and following and following in self._escapable():
                self._add("" if following == "\n" else following)
                self._at += 2
                continue
            self._add(sign)
            self._at += 1
        raise UnclosedQuoteError(mark)

    def _escapable(self) -> str:
        return '"' if self._windows else '"\\$`\n'

    def _add(self, text: str) -> None:
        self._word = [] if self._word is None else self._word
        self._word.append(text)

    def _finish(self) -> None:
        if self._word is not None:
            self._words.append("".join(self._word))
        self._word = None
