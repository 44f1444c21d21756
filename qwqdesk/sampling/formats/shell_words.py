"""Splitting a text into words as a shell would, without running anything.

A lane is split as a POSIX shell splits. Pasted text may come from any shell, out of a terminal, a
web page or a word processor: from its signs it is told which shell's quotes and escapes it has, and
what a copy brings along (prompts of the shell, fences of Markdown, typographic quotation marks,
continuation marks whose line ends were lost) is taken off.

Differences on purpose: ``;`` is an ordinary character (sampler orders are often pasted without
quotes), a line break without a continuation mark is a space, and redirections are dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Shell = Literal["posix", "cmd", "powershell"]

# Blanks and unseen signs that a web page or a word processor has put outside of quotes.
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
_B: Final = rf"[ \t\u00a0\u202f\u2007\u2009\u3000{_INVISIBLE}]"

_CONTINUATION: Final = re.compile(rf"(?:\\|\^|`){_B}*\r?\n")
# The same mark where the line end was lost, before the next flag or at the end of the text.
_FLATTENED: Final = re.compile(rf"(?:\\|\^|`){_B}*(?={_B}-|\Z)")
_REDIRECTION: Final = re.compile(r"(?:[0-9]*|&)(?:>>|>\||>|<)(?:&[0-9-]+)?")
_END: Final = re.compile(r"\|\|?|&&?")

_POWERSHELL: Final = re.compile(
    r"`[ \t]*\r?\n|^[ \t]*PS\b[^>\n]*>|\$env:|`[\"'$`]|(?:^|\n)[ \t]*&[ \t]+[\"'.]",
    re.IGNORECASE | re.MULTILINE,
)
_CMD: Final = re.compile(
    r"\^[ \t]*\r?\n|(?:^|[\s\"'=>])[A-Za-z]:\\|\.exe\b|(?:^|[\s\"'])\.{1,2}\\"
    r"|^[ \t]*set[ \t]+\"?\w+=",
    re.IGNORECASE | re.MULTILINE,
)

_FENCE: Final = re.compile(rf"^{_B}*(?:```|~~~)[^\n]*$", re.MULTILINE)
# What a terminal writes before a command; on a line that goes on with one, ">" or ">>".
_PROMPT: Final = re.compile(
    rf"^{_B}*(?:\([\w.-]+\){_B}*)?(?:"
    rf"[\w.-]+@[\w.-]+[^\n$#%>]{{0,80}}[$#%>]{_B}+"
    rf"|[$%\u276f\u279c]{_B}+"
    rf"|PS\b[^>\n]{{0,200}}>{_B}*"
    rf"|[A-Za-z]:\\[^>\n]{{0,200}}>{_B}*"
    rf")",
    re.MULTILINE,
)
_MORE: Final = re.compile(rf"((?:\\|\^|`){_B}*\n){_B}*(?:>{{1,2}}|\.\.\.){_B}+(?=\S)")

# Typographic quotation marks that open, with those that close them.
_TYPOGRAPHIC: Final = {
    "\u201c": '\u201d\u201c"',
    "\u201d": '\u201d"',
    "\u201e": '\u201c\u201d"',
    "\u2018": "\u2019\u2018'",
    "\u2019": "\u2019'",
    "\u00ab": "\u00bb",
}
_BACKTICK: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f",
                    "v": "\v", "e": "\x1b"}  # fmt: skip
_ANSI_C: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|(.))",
    re.DOTALL,
)
_ANSI_SIGNS: Final = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f",
                      "v": "\v", "e": "\x1b", "E": "\x1b"}  # fmt: skip


class UnclosedQuoteError(ValueError):
    """A quotation mark was opened and never closed."""


@dataclass(frozen=True)
class Pasted:
    """The words of each command in a pasted text, and whether its quotation marks were curly."""

    commands: list[list[str]]
    typographic: bool = False


def split_words(text: str) -> list[str]:
    """The words of a lane: quotes and backslashes as in a POSIX shell, nothing else special.

    Raises:
        UnclosedQuoteError: when a quotation mark is not closed.
    """
    return _Splitter(text, "posix", pasted=False).commands()[0]


def split_pasted(text: str) -> Pasted:
    """The words of each command in pasted text; a pipe, ``&&``, ``||`` or ``&`` ends a command.

    Line continuations (``\\``, ``^`` or a backtick at the end of a line), comments, redirections
    and prompts are dropped. In lines from Windows a backslash is a character.

    Raises:
        UnclosedQuoteError: when a quotation mark is not closed.
    """
    text = text.replace("\r\n", "\n")
    shell = _shell_of(text)
    text = _PROMPT.sub("", _MORE.sub(r"\1", _FENCE.sub("", text)))
    splitter = _Splitter(text, shell, pasted=True)
    return Pasted(splitter.commands(), splitter.typographic)


def _shell_of(text: str) -> Shell:
    """Which shell a text was written for, by signs that the others do not have."""
    if _POWERSHELL.search(_FENCE.sub("", text)):
        return "powershell"
    return "cmd" if _CMD.search(text) else "posix"


class _Splitter:
    """Walks once over the text; `pasted` turns on what only pasted commands have."""

    def __init__(self, text: str, shell: Shell, *, pasted: bool) -> None:
        self._text = text
        self._shell = shell
        self._pasted = pasted
        self._at = 0
        self._word: list[str] | None = None
        self._words: list[str] = []
        self._done: list[list[str]] = []
        self.typographic = False
        self._never_closed: set[str] = set()  # marks that close nothing in the rest of the text

    def commands(self) -> list[list[str]]:
        while self._at < len(self._text):
            sign = self._text[self._at]
            if self._pasted and (self._shell_syntax() or self._pasted_quotes()):
                continue
            if sign.isspace():
                self._finish()
                self._at += 1
            elif self._pasted and sign in _INVISIBLE:
                self._at += 1
            elif sign in "'\"":
                self._quoted(sign)
            elif self._escape():
                continue
            else:
                self._add(sign)
                self._at += 1
        self._finish()
        return [*self._done, self._words]

    def _next(self) -> str:
        return self._text[self._at + 1 : self._at + 2]

    def _escape(self) -> bool:
        """An escaped sign outside quotes, if one is here."""
        sign = self._text[self._at]
        if sign == "\\" and self._shell == "posix":
            self._add(self._next() or "\\")
        elif sign == "\\" and self._next() == '"':  # how Windows hands a quotation mark on
            self._add('"')
        elif sign == "^" and self._shell == "cmd" and self._next():
            self._add(self._next())
        elif sign == "`" and self._shell == "powershell" and self._next():
            self._add(_BACKTICK.get(self._next(), self._next()))
        else:
            return False
        self._at += 2
        return True

    def _shell_syntax(self) -> bool:
        """Skip a continuation, redirection, comment or the end of a command, if one is here."""
        starts = self._word is None
        continuation = _CONTINUATION.match(self._text, self._at) or (
            _FLATTENED.match(self._text, self._at) if starts else None
        )
        if continuation:
            self._finish()
            self._at = continuation.end()
            return True
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

    def _pasted_quotes(self) -> bool:
        """``$'...'``, ``$"..."`` and typographic quotation marks, if one begins here."""
        sign = self._text[self._at]
        if sign == "$" and self._next() == "'" and self._shell != "powershell":
            self._ansi_c()
            return True
        if sign == "$" and self._next() == '"' and self._shell == "posix":
            self._at += 1
            self._quoted('"')
            return True
        opens = self._word is None or self._word[-1].endswith("=")
        if opens and sign in _TYPOGRAPHIC:
            return self._typographic(_TYPOGRAPHIC[sign])
        return False

    def _ansi_c(self) -> None:
        r"""Bash's ``$'...'``: \n and its kin are what they stand for."""
        end = self._at + 2
        while end < len(self._text) and self._text[end] != "'":
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise UnclosedQuoteError("$'")
        self._add(_ANSI_C.sub(_ansi_c_sign, self._text[self._at + 2 : end]))
        self._at = end + 1

    def _typographic(self, closing: str) -> bool:
        """To a closing mark behind which the word ends; without one it is a character."""
        if closing in self._never_closed:
            return False
        for at in range(self._at + 1, len(self._text)):
            behind = self._text[at + 1 : at + 2]
            if self._text[at] in closing and (not behind or behind.isspace()):
                self._add(self._text[self._at + 1 : at])
                self._at = at + 1
                self.typographic = True
                return True
        self._never_closed.add(closing)
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
            escaped = self._escaped_inside(sign, mark)
            if escaped is not None:
                self._add(escaped)
                self._at += 2
                continue
            self._at += 1
            if sign == mark:
                return
            self._add(sign)
        raise UnclosedQuoteError(mark)

    def _escaped_inside(self, sign: str, mark: str) -> str | None:
        """What two signs inside quotes stand for; None where the first one is itself."""
        following = self._next()
        if self._shell == "posix":
            if sign == "\\" and mark == '"' and following and following in '"\\$`\n':
                return "" if following == "\n" else following
            return None
        if sign == "\\" and following == '"':
            return '"'  # how Windows hands a quotation mark on, in single quotes too
        if sign == mark and following == mark:
            return mark
        if sign == "`" and mark == '"' and self._shell == "powershell" and following:
            return "" if following == "\n" else _BACKTICK.get(following, following)
        return None

    def _add(self, text: str) -> None:
        self._word = [] if self._word is None else self._word
        self._word.append(text)

    def _finish(self) -> None:
        if self._word is not None:
            self._words.append("".join(self._word))
        self._word = None


def _ansi_c_sign(match: re.Match[str]) -> str:
    two, four, eight, octal, sign = match.groups()
    number = two or four or eight
    if number is None and octal is None:
        return _ANSI_SIGNS.get(sign, sign if sign in "\\'\"?" else match.group())
    code = int(number, 16) if number is not None else int(octal, 8) & 0xFF
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else match.group()
