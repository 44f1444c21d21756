"""The fenced code blocks of a Markdown answer, with where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qwqdesk.analysis.fences import Fence, opened_by

_PYTHON_NAMES: Final = frozenset({"python", "python3", "py", "py3", "python2"})
_PYTHON_START: Final = re.compile(
    r"^(?:import [\w.]+|from [\w.]+ import |def \w+\(.*:|class \w+.*:)", re.MULTILINE
)


@dataclass(frozen=True)
class CodeBlock:
    """One block. `number` counts all blocks from 0; `first_line` is its code's line, from 1.

    `language` is the first word after the opening fence in lower case, "" without one. `closed`
    is False when the answer ended inside the block. `fence` opens it, `end_line` is the last of its
    lines, that of the closing fence where there is one, or the one behind the answer's last.
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
    """All fenced blocks in order, also those in lists and quotations; see `fences`."""
    return tuple(_blocks(plain_lines(answer).split("\n")))


def plain_lines(text: str) -> str:
    """The text with every line end written as one line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _blocks(lines: list[str]) -> Iterator[CodeBlock]:
    number = at = 0
    while at < len(lines):
        fence = opened_by(lines[at])
        at += 1
        if fence is None:
            continue
        end, behind = _end(lines, at, fence)
        text = "\n".join(fence.code(line) for line in lines[at:end])
        closed = behind <= len(lines)
        yield CodeBlock(number, fence.language.lower(), text, at + 1, closed, fence.signs, behind)
        number, at = number + 1, behind


def _end(lines: list[str], start: int, fence: Fence) -> tuple[int, int]:
    """Where the block's code ends, and where the text goes on, as indices of lines.

    One that the text ends in goes on behind the text's last line.
    """
    for at in range(start, len(lines)):
        if not fence.holds(lines[at]):
            return at, at
        if fence.closes(lines[at]):
            return at, at + 1
    return len(lines), len(lines) + 1
