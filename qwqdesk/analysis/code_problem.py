"""One thing that is wrong with a piece of code."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_FOUND: Final = 400
"""Problems of one kind that are looked at; a check shows fewer."""


@dataclass(frozen=True)
class CodeProblem:
    """`line` and `column` count from 1; `code` is a stable name, `text` one sentence in English."""

    line: int
    column: int
    code: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """The problem as an object with these four names."""
        return {"line": self.line, "column": self.column, "code": self.code, "text": self.text}


def column_of(lines: Sequence[str], node: ast.expr) -> int:
    """The column of an expression, from 1 in characters."""
    return character_column(lines, node.lineno, node.col_offset)


def character_column(lines: Sequence[str], line: int, byte: int) -> int:
    """The column from 1 in characters: the syntax tree counts bytes of UTF-8."""
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    if text.isascii():
        return min(byte, len(text)) + 1
    return len(text.encode("utf-8", "replace")[:byte].decode("utf-8", "ignore")) + 1
