"""The fenced code blocks of a Markdown answer, with where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_OPENING: Final = re.compile(r"([ \t]*)(`{3,}(?=[^`]*$)|~{3,})[ \t]*([^\s`{]*)")
_PYTHON_NAMES: Final = frozenset({"python", "python3", "py", "py3", "python2"})
_PYTHON_START: Final = re.compile(
    r"^(?:import [\w.]+|from [\w.]+ import |def \w+\(.*:|class \w+.*:)", re.MULTILINE
)


@dataclass(frozen=True)
class CodeBlock:
    """One block. `number` counts all blocks from 0; `first_line` is its code's line, from 1.

    `language` is the first word after the opening fence in lower case, "" without one. `closed`
    is False when the answer ended inside the block. `fence` opens it, `end_line` is the closing
    fence's line, or the one behind the answer's last.
    """

    number: int
    language: str
    text: str
    first_line: int
    closed: bool = True
    fence: str = "```"
    end_line: int = 0

    @property
    def line_count(self) -> int:
        """How many lines the code has."""
        return self.text.count("\n") + 1 if self.text else 0

    @property
    def is_python(self) -> bool:
        """Whether it says so, or says nothing and begins a line as only Python does."""
        if self.language:
            return self.language in _PYTHON_NAMES
        return _PYTHON_START.search(self.text) is not None


def code_blocks(answer: str) -> tuple[CodeBlock, ...]:
    """All fenced blocks in order (CommonMark's rules; fences may be indented as in lists)."""
    return tuple(_blocks(plain_lines(answer).split("\n")))


def plain_lines(text: str) -> str:
    """The text with every line end written as one line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _blocks(lines: list[str]) -> Iterator[CodeBlock]:
    number = at = 0
    while at < len(lines):
        opening = _OPENING.match(lines[at])
        at += 1
        if opening is None:
            continue
        end = _closing_line(lines, at, opening[2])
        language = opening[3].lower()
        text = "\n".join(_without_indent(line, len(opening[1])) for line in lines[at:end])
        yield CodeBlock(number, language, text, at + 1, end < len(lines), opening[2], end + 1)
        number, at = number + 1, end + 1


def _closing_line(lines: list[str], start: int, fence: str) -> int:
    """The index of the line that closes the block; the number of lines where none does."""
    for at in range(start, len(lines)):
        words = lines[at].strip()
        if len(words) >= len(fence) and words == fence[0] * len(words):
            return at
    return len(lines)


def _without_indent(line: str, indent: int) -> str:
    """The line less as much indentation as the opening fence had."""
    blank = len(line) - len(line.lstrip(" \t"))
    return line[min(indent, blank) :]
