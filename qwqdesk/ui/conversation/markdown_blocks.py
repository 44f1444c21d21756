"""Owns the incremental split of streamed Markdown into blocks; no Qt, linear in the text.

Text goes in as it arrives; `Opened`, `Grew` and `Closed` come out. A closed block never changes.
Only what a line can still become is held back, and never for more than `HOLD_LIMIT` characters.
The rules follow CommonMark and GitHub's tables where a block can be decided while it streams;
HTML is ordinary text. Every list item is a block of its own, so that a list stays cheap.
"""

from __future__ import annotations

import re
from dataclasses import replace

from qwqdesk.analysis.fences import Fence, opened_by
from qwqdesk.ui.conversation.block_events import (
    BlockEvent,
    BlockKind,
    Closed,
    Grew,
    Opened,
    Shape,
)
from qwqdesk.ui.conversation.block_sink import PIECE_LIMIT, BlockSink, OpenBlock

__all__ = [
    "HOLD_LIMIT",
    "PIECE_LIMIT",
    "TABLE_ROWS",
    "BlockEvent",
    "BlockKind",
    "Closed",
    "Grew",
    "MarkdownBlocks",
    "Opened",
    "Shape",
    "split",
]

HOLD_LIMIT = 1000  # characters of an undecided line that may stay unseen
TABLE_ROWS = 100  # rows after which a table goes on in a new block
MAX_DEPTH = 6  # list levels


_HEADING = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*))?$", re.DOTALL)
_RULE = re.compile(r"^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,9}[.)])([ \t]+)(.*)$", re.DOTALL)
_BARE_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,9}[.)])\s*$")
_QUOTE = re.compile(r"^ {0,3}> ?(.*)$", re.DOTALL)
_SETEXT = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_DELIMITERS = re.compile(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_MATH_OPEN = re.compile(r"^\s*(\$\$|\\\[)(.*)$", re.DOTALL)
_MATH_CLOSE = {"$$": "$$", "\\[": "\\]"}
_MARKS = r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+|>[ \t]?)"  # of list items and quotations
_UNTIL_NEWLINE = re.compile(rf"^\s*(?:{_MARKS}*(?:```|~~~)|\$\$|\\\[)")
_UNDECIDED = re.compile(
    rf"^\s*(?:{_MARKS}*[`~]{{0,2}}"
    r"|#{1,6}|>|[-*_+=|: ]+|\d{1,9}[.)]?|[$\\]|[-*+]\s+\[[ xX]?)\s*$"
)


class MarkdownBlocks:
    """Feed text, get events; `finish` closes what is open."""

    def __init__(self) -> None:
        self._sink = BlockSink()
        self._held = ""
        self._flowing = False
        self._columns: list[int] = []  # content columns of the list items around

    def feed(self, text: str) -> list[BlockEvent]:
        """Take the next characters; what happened since the last call comes back."""
        first, *others = text.split("\n")
        self._take(first, ended=bool(others))
        for number, piece in enumerate(others):
            self._take(piece, ended=number < len(others) - 1)
        return self._sink.take_events()

    def finish(self) -> list[BlockEvent]:
        """Close the open block; later text starts a new one."""
        if self._held:
            line, self._held = self._held, ""
            self._decide(line, ended=True)
        if self._sink.open is not None:
            self._sink.close(whole=self._sink.open.fence is None)
        self._flowing = False
        self._columns = []
        return self._sink.take_events()

    # ------------------------------------------------------------ lines

    def _take(self, piece: str, *, ended: bool) -> None:
        if self._flowing:
            if self._sink.open is not None:
                self._sink.grow(piece)
            elif piece.strip():  # after more blanks than are held back
                self._open_text(piece.lstrip())
            self._flowing = not ended
            if ended and self._sink.kind == "heading":
                self._sink.close()
            return
        self._held += piece
        if not ended and self._undecided():
            return
        line, self._held = self._held, ""
        self._flowing = not ended
        self._decide(line, ended=ended)

    def _undecided(self) -> bool:
        held, block = self._held, self._sink.open
        if not held:
            return True
        if len(held) > HOLD_LIMIT:
            return False
        if block is not None and block.shape.kind == "math":
            return True
        if block is not None and block.fence is not None:
            return block.fence.may_close(held)
        if self._sink.kind == "table" and "|" not in held:
            return True  # a row, or the text after the table
        return bool(_UNTIL_NEWLINE.match(held) or _UNDECIDED.match(held))

    def _decide(self, line: str, *, ended: bool) -> None:
        block = self._sink.open
        if block is not None and block.fence is not None:
            self._code_line(block.fence, line, ended=ended)
        elif block is not None and block.shape.kind == "math":
            self._math_line(block, line)
        elif block is not None and block.shape.kind == "code":
            self._indented_line(block, line, ended=ended)
        elif not line.strip():
            self._sink.close()
        elif not self._starts_block(line, ended=ended):
            self._text_line(line)

    def _starts_block(self, line: str, *, ended: bool) -> bool:
        if ended and (self._fence(line) or self._math(line) or self._underline(line)):
            return True
        return self._heading(line) or self._rule(line) or self._item(line) or self._quote(line)

    # ------------------------------------------------------------ code

    def _fence(self, line: str) -> bool:
        fence = opened_by(line)
        if fence is None:
            return False
        if fence.in_item:
            self._item(line[: line.index(fence.signs)])
            self._sink.close()
        self._sink.begin(Shape("code", language=fence.language, indent=self._depth(fence.indent)))
        assert self._sink.open is not None
        self._sink.open.fence = fence
        return True

    def _code_line(self, fence: Fence, line: str, *, ended: bool) -> None:
        if ended and fence.closes(line):
            self._sink.close()
        elif fence.holds(line):
            self._sink.next_line(fence.code(line))
        else:
            self._sink.close()
            self._decide(line, ended=ended)

    def _indented_line(self, block: OpenBlock, line: str, *, ended: bool) -> None:
        if not line.strip():
            block.blanks += 1
        elif line.startswith(("    ", "\t")):
            for _ in range(block.blanks):
                self._sink.next_line("")
            block.blanks = 0
            self._sink.next_line(line[1:] if line[0] == "\t" else line[4:])
        else:
            self._sink.close()
            self._decide(line, ended=ended)

    # ------------------------------------------------------------ formulas

    def _math(self, line: str) -> bool:
        match = _MATH_OPEN.match(line)
        if match is None:
            return False
        closing = _MATH_CLOSE[match[1]]
        rest = match[2].rstrip()
        if closing in rest[:-2]:
            return False  # text follows the formula: it is inline
        spaces = len(line) - len(line.lstrip())
        self._sink.begin(Shape("math", language=closing, indent=self._depth(spaces)))
        if self._sink.open is not None and rest.strip():
            self._math_line(self._sink.open, rest)
        return True

    def _math_line(self, block: OpenBlock, line: str) -> None:
        rest = line.rstrip()
        if rest.endswith(block.shape.language):
            inner = rest[:-2].strip()
            if inner:
                self._sink.next_line(inner)
            self._sink.close()
        else:
            self._sink.next_line(rest)

    # ------------------------------------------------------------ one-line starts

    def _heading(self, line: str) -> bool:
        match = _HEADING.match(line)
        if match is None:
            return False
        self._columns = []
        self._sink.begin(Shape("heading", level=len(match[1])))
        self._sink.grow((match[2] or "").lstrip())
        if not self._flowing:
            self._sink.close()
        return True

    def _rule(self, line: str) -> bool:
        if _RULE.match(line) is None or self._flowing:
            return False
        self._columns = []
        self._sink.begin(Shape("rule"))
        self._sink.close()
        return True

    def _item(self, line: str) -> bool:
        match = _ITEM.match(line) or _BARE_ITEM.match(line)
        if match is None or (self._sink.kind == "paragraph" and not self._may_interrupt(match)):
            return False
        column = len(match[1].expandtabs(4))
        content = match[4] if match.re is _ITEM else ""
        depth = self._depth(column)
        self._columns.append(column + len(match[2]) + 1)
        marker = match[2] if match[2][0].isdigit() else "-"
        self._sink.begin(Shape("item", indent=depth, marker=marker))
        self._sink.grow(content.lstrip())
        return True

    def _may_interrupt(self, match: re.Match[str]) -> bool:
        """A number in running text is a list only when it is 1 (CommonMark 5.3) or in a list."""
        return match.re is _ITEM and (
            bool(self._columns) or not match[2][0].isdigit() or match[2][:-1] == "1"
        )

    def _quote(self, line: str) -> bool:
        match = _QUOTE.match(line)
        if match is None:
            return False
        block = self._sink.open
        if block is not None and block.shape.kind == "quote":
            self._sink.next_line(match[1])
        else:
            self._sink.begin(Shape("quote", indent=self._depth(len(line) - len(line.lstrip()))))
            self._sink.grow(match[1])
        return True

    # ------------------------------------------------------------ text, headings below, tables

    def _underline(self, line: str) -> bool:
        """The second line of a heading or of a table says what the first one was."""
        block = self._sink.open
        if block is None or block.shape.kind != "paragraph" or block.shape.continues:
            return False
        head = block.text()
        if block.lines <= 1 and "|" in head and _DELIMITERS.match(line) and "-" in line:
            if _cells(head) == _cells(line):
                self._sink.turn(Shape("table", indent=block.shape.indent))
                self._sink.next_line(line)
                return True
        elif _SETEXT.match(line):
            self._sink.turn(Shape("heading", level=1 if "=" in line else 2))
            self._sink.close()
            return True
        return False

    def _text_line(self, line: str) -> None:
        block = self._sink.open
        if block is not None and block.shape.kind == "table":
            if "|" in line:
                self._table_row(block, line)
                return
            self._sink.close()
            block = None
        if block is None or (line.lstrip().startswith("|") and not block.text().startswith("|")):
            self._open_text(line)
        else:
            self._sink.next_line(line.lstrip())

    def _open_text(self, line: str) -> None:
        spaces = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        if self._sink.open is None and spaces >= 4 and not self._columns:
            self._sink.begin(Shape("code"))
            self._sink.grow(line[1:] if line[0] == "\t" else line[4:])
            return
        depth = self._depth(spaces)
        self._sink.begin(Shape("paragraph", indent=depth))
        self._sink.grow(line.lstrip())

    def _table_row(self, block: OpenBlock, line: str) -> None:
        if block.lines >= TABLE_ROWS:
            head = block.shape.head or "\n".join(block.text().split("\n", 2)[:2])
            self._sink.begin(replace(block.shape, head=head, continues=True))
            self._sink.grow(line)
        else:
            self._sink.next_line(line)

    def _depth(self, column: int) -> int:
        """How many list levels hold something that starts in this column."""
        while self._columns and column < self._columns[-1]:
            self._columns.pop()
        del self._columns[MAX_DEPTH:]
        return len(self._columns)


def _cells(row: str) -> int:
    return row.strip().strip("|").replace("\\|", "").count("|") + 1


def split(text: str) -> list[Closed]:
    """All blocks of a finished text."""
    blocks = MarkdownBlocks()
    events = blocks.feed(text) + blocks.finish()
    return [event for event in events if isinstance(event, Closed)]
