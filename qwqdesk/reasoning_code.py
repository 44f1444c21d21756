"""Whether a place in a text lies in a code block, in inline code or in quotes.

A closing tag there may be spoken about instead of meant. Which of the two shows only later: code
that ends again was spoken about, a code block that never ends was simply left open.
The rules are CommonMark's for fences, simplified for inline code, which must end on its line.
"""

from __future__ import annotations

import copy

QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“"}
FENCE_LOOKAHEAD = 4000
INLINE_LOOKAHEAD = 400


class CodeState:
    """Feed it a text character by character; its attributes then describe the end of that text.

    `fence` is the run of signs that opened a code block, `inline` the length of the run of
    backticks that opened inline code; `restarted` says that a second block began inside the
    first, on this line, so that the first one cannot have been ended.
    """

    def __init__(self) -> None:
        self.fence = ""
        self.inline = 0
        self.previous = ""
        self.restarted = False
        self._run = ""
        self._run_begins_line = False
        self._line_blank = True
        self._opening_line = False
        self._closing_line = False

    @property
    def in_fence(self) -> bool:
        """Inside a code block; false from its closing signs on."""
        return bool(self.fence) and not self._closing_line

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

    def settle(self) -> None:
        """Judge a run of backticks as ended here, without waiting for the next character."""
        if not self._run:
            return
        run, self._run = self._run, ""
        if self.fence:
            self._run_in_fence(run)
        elif self._run_begins_line and len(run) >= 3:
            self.fence = run
            self._opening_line = True
        elif run[0] == "`":
            self._run_in_text(run)

    def _grow_run(self, char: str) -> None:
        if self._run and self._run[0] != char:
            self.settle()
        if not self._run:
            self._run_begins_line = self._line_blank
        self._run += char
        self._line_blank = False

    def _run_in_fence(self, run: str) -> None:
        if self._run_begins_line and run[0] == self.fence[0] and len(run) >= len(self.fence):
            self._closing_line = True
        elif self._opening_line and run[0] == self.fence[0] == "`":
            self.fence = ""  # three backticks and more on the same line are inline code

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
        self._opening_line = self._closing_line = self.restarted = False
        self._line_blank = True
        self.inline = 0


class Doubt:
    """A closing tag that may be spoken about; the text behind it decides.

    Make one where `is_doubtful` says so, feed it what follows the tag, until it answers.
    """

    def __init__(self, before: CodeState, tag: str) -> None:
        self.state = copy.copy(before)
        self.tag = tag
        self._quote = ""
        self._seen = 0
        if not self.state.in_fence and not self.state.inline:
            self._quote = QUOTES.get(self.state.previous, "")
        for char in tag:
            self.state.feed(char)

    @staticmethod
    def is_doubtful(before: CodeState) -> bool:
        """Whether a tag right here may be meant or spoken about."""
        before.settle()
        return before.in_fence or before.inline > 0 or before.previous in QUOTES

    def feed(self, char: str) -> bool | None:
        """The verdict after this character: True for a real tag, False, or None for not yet."""
        self._seen += 1
        if self._quote:
            self.state.feed(char)
            return char != self._quote
        return self._in_fence(char) if self.state.fence else self._in_line(char)

    def finish(self) -> bool:
        """The verdict at the end of the text."""
        self.state.settle()
        if self._quote:
            return True
        return self.state.in_fence if self.state.fence else self.state.inline > 0

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
