"""Whether a closing tag in a text is meant, or only spoken about.

This is for tags that are spelt, where the vocabulary has no token for them. A tag stands in doubt
in a code block, in inline code, in a comment, in quotes, in indented code, and in the middle of a
sentence. What it was shows only in the text behind it: code that ends again, a quote that is closed
and a sentence that goes on were about the tag; a code block that never ends was left open.
The rules are CommonMark's for fences, simplified for all else, which must end on its line.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Final, Literal

from qwqdesk.analysis.fences import MOST_BLANKS, columns

QUOTES: Final = {
    '"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“", "「": "」", "『": "』",
}  # fmt: skip
FENCE_LOOKAHEAD: Final = 4000
INLINE_LOOKAHEAD: Final = 400
LINE_LOOKBACK: Final = 400
"""How much of a line is looked at for what a tag stands in, in characters before the tag."""

_CODE_INDENT: Final = re.compile(r"(?: {4}| {0,3}\t)")
_QUOTED_LINE: Final = re.compile(r"\s*(?:>|//|#|\*)")
_STRING_PREFIX: Final = re.compile(r"(?:\A|\W)[rbfuRBFU]{0,2}\Z")
_SENTENCE_ENDS: Final = frozenset(".!?:;…。！？：；)]}*`\"'”’」』")
_GOES_ON: Final = frozenset(".,;:!?)]}/\"'”’」』…。，、")

_Where = Literal["fence", "inline", "comment", "quote", "line"]


class CodeState:
    """Feed it a text character by character; its attributes then describe the end of that text.

    `fence` is the run of signs that opened a code block, `inline` the length of the run of
    backticks that opened inline code; `restarted` says that a second block began inside the
    first, on this line, so that the first one cannot have been ended. `line` is the end of the
    present line, of at least `LINE_LOOKBACK` characters where it has so many.
    """

    def __init__(self) -> None:
        self.fence = ""
        self.inline = 0
        self.previous = ""
        self.restarted = False
        self.line = ""
        self._run = ""
        self._run_begins_line = False
        self._fence_indent = 0
        self._line_blank = True
        self._opening_line = False
        self._closing_line = False
        self._cut = False
        self._code_may_follow = True
        self._comment = False

    @property
    def in_fence(self) -> bool:
        """Inside a code block; false from its closing signs on."""
        return bool(self.fence) and not self._closing_line

    @property
    def at_line_start(self) -> bool:
        """Whether there are only blanks before this place on its line."""
        return self._line_blank

    @property
    def in_comment(self) -> bool:
        """Whether an HTML comment is open."""
        return self._comment

    @property
    def in_indented_code(self) -> bool:
        """Whether this line is one of indented code."""
        return self._code_may_follow and not self._cut and bool(_CODE_INDENT.match(self.line))

    @property
    def quotes_here(self) -> bool:
        """Whether what comes here stands in code, in a comment or in quotes."""
        self.settle()
        inside = self.in_fence or self.inline > 0 or self.in_comment
        return inside or bool(_open_quote(self.line[-LINE_LOOKBACK:]))

    def feed(self, char: str) -> None:
        """Take the next character."""
        if char in "`~":
            self._grow_run(char)
        else:
            self.settle()
            if char == "\n":
                self._end_line()
            elif not char.isspace():
                self._restart_if_closing()
                self._line_blank = False
        self.previous = char
        if char != "\n":
            self._grow_line(char)

    def settle(self) -> None:
        """Judge a run of backticks as ended here, without waiting for the next character."""
        if not self._run:
            return
        run, self._run = self._run, ""
        if self.fence:
            self._run_in_fence(run)
        elif self._run_begins_line and len(run) >= 3:
            self.fence = run
            self._fence_indent = self._indent_before(run)
            self._opening_line = True
        elif run[0] == "`":
            self._run_in_text(run)

    def _grow_line(self, char: str) -> None:
        self.line += char
        if len(self.line) > 2 * LINE_LOOKBACK:
            self.line = self.line[-LINE_LOOKBACK:]
            self._cut = True
        if char == "-" and self.line.endswith("<!--"):
            self._comment = True
        elif char == ">" and self.line.endswith("-->"):
            self._comment = False

    def _grow_run(self, char: str) -> None:
        if self._run and self._run[0] != char:
            self.settle()
        if not self._run:
            self._run_begins_line = self._line_blank
        self._run += char
        self._line_blank = False

    def _run_in_fence(self, run: str) -> None:
        if self._run_begins_line and run[0] == self.fence[0] and len(run) >= len(self.fence):
            self._closing_line = self._indent_before(run) <= self._fence_indent + MOST_BLANKS
        elif self._opening_line and run[0] == self.fence[0] == "`":
            self.fence = ""  # three backticks and more on the same line are inline code

    def _indent_before(self, run: str) -> int:
        return columns(self.line[: len(self.line) - len(run)])

    def _run_in_text(self, run: str) -> None:
        if not self.inline:
            self.inline = len(run)
        elif self.inline == len(run):
            self.inline = 0

    def _restart_if_closing(self) -> None:
        if self._closing_line:  # signs with a language behind them open a block, never end one
            self._closing_line = False
            self._opening_line = True
            self.restarted = True

    def _end_line(self) -> None:
        if self._closing_line:
            self.fence = ""
        self._code_may_follow = self._line_blank or self.in_indented_code
        self._opening_line = self._closing_line = self.restarted = False
        self._line_blank = True
        self._cut = False
        self.inline = 0
        self.line = ""


class Doubt:
    """A closing tag that may be spoken about; the text behind it decides.

    `of` makes one where there is a doubt. Feed it what follows the tag, until it answers.
    """

    def __init__(self, before: CodeState, tag: str, where: _Where, quote: str = "") -> None:
        self.state = copy.copy(before)
        self.tag = tag
        self._where = where
        self._quote = quote
        self._behind = ""
        self._is_pair_line = False
        self._seen = 0
        for char in tag:
            self.state.feed(char)

    @classmethod
    def of(cls, before: CodeState, tag: str, openings: Sequence[str]) -> Doubt | None:
        """The doubt about a tag right here; None where it is certainly meant.

        Args:
            before: the text before the tag.
            tag: the closing tag.
            openings: the opening tags that belong to it.
        """
        before.settle()
        if before.in_fence:
            return cls(before, tag, "fence")
        if before.inline:
            return cls(before, tag, "inline")
        if before.in_comment:
            return cls(before, tag, "comment")
        line = before.line[-LINE_LOOKBACK:]
        if quote := _open_quote(line):
            return cls(before, tag, "quote", QUOTES[quote])
        paired = any(_is_open(line, opening, tag) for opening in openings)
        if not paired and not _QUOTED_LINE.match(line) and not _in_sentence(line):
            return None
        doubt = cls(before, tag, "line")
        begins = any(line.lstrip().startswith(opening) for opening in openings)
        doubt._is_pair_line = paired and (begins or before.in_indented_code)
        return doubt

    def feed(self, char: str) -> bool | None:
        """The verdict after this character: True for a real tag, False, or None for not yet."""
        self._seen += 1
        match self._where:
            case "fence":
                return self._in_fence(char)
            case "inline":
                return self._in_line(char)
            case "comment":
                return self._in_comment(char)
            case "quote":
                return self._in_quote(char)
            case "line":
                return self._in_sentence(char)

    def finish(self) -> bool:
        """The verdict at the end of the text."""
        self.state.settle()
        match self._where:
            case "fence":
                return self.state.in_fence
            case "inline":
                return self.state.inline > 0
            case "quote":
                return not self._behind
            case "line":
                return not self._is_pair_line and not self._behind.strip()
            case "comment":
                return True

    def _in_fence(self, char: str) -> bool | None:
        self.state.feed(char)
        if not self.state.fence:
            return False
        return True if self.state.restarted or self._seen >= FENCE_LOOKAHEAD else None

    def _in_line(self, char: str) -> bool | None:
        if char != "`":
            self.state.settle()
            if not self.state.inline:
                self.state.feed(char)
                return False
        self.state.feed(char)
        return True if char == "\n" or self._seen >= INLINE_LOOKAHEAD else None

    def _in_comment(self, char: str) -> bool | None:
        self.state.feed(char)
        if not self.state.in_comment:
            return False
        return True if self._seen >= INLINE_LOOKAHEAD else None

    def _in_quote(self, char: str) -> bool | None:
        self.state.feed(char)
        if self._behind and not char.isalnum():
            return False
        self._behind = ""
        if char == self._quote != "'":
            return False
        if char == self._quote:
            self._behind = char  # an apostrophe, if a letter follows
        return True if char == "\n" or self._seen >= INLINE_LOOKAHEAD else None

    def _in_sentence(self, char: str) -> bool | None:
        """Two characters tell: a sentence goes on with a sign, or with a blank and a small letter.

        An answer begins on a new line, right behind the tag, or with anything but a small letter.
        """
        self.state.feed(char)
        if char == "\n":
            return not self._is_pair_line
        self._behind += char
        if not self._behind.strip():
            return True if self._seen >= INLINE_LOOKAHEAD else None
        if not self._behind[0].isspace():
            return char not in _GOES_ON
        return not char.islower()


def _open_quote(line: str) -> str:
    """The quotation mark that stands open at the end of this line, "" for none.

    A mark inside a word, as an apostrophe or an inch sign, opens nothing; one before a word, or
    behind the prefix of a string, does.
    """
    opened = ""
    for at, char in enumerate(line):
        if opened:
            follows = line[at + 1 : at + 2]
            if char == QUOTES[opened] and not (char == "'" and follows.isalnum()):
                opened = ""
        elif char in QUOTES and (
            char not in "\"'‘" or _STRING_PREFIX.search(line[max(0, at - 3) : at])
        ):
            opened = char
    return opened


def _is_open(line: str, opening: str, closing: str) -> bool:
    """Whether an opening tag on this line has no closing one behind it yet."""
    at = line.rfind(opening)
    return at >= 0 and closing not in line[at:]


def _in_sentence(line: str) -> bool:
    """Whether a sentence has begun on this line and a blank stands before the place behind it."""
    words = line.rstrip()
    return bool(words) and words != line and words[-1] not in _SENTENCE_ENDS
