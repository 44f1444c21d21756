"""An error in a text that the user wrote, with the place in it."""

from __future__ import annotations

import re
from typing import Final

from qwqdesk.errors import UserError

_LINE_END: Final = re.compile(r"\r\n?|\n")


class TextError(UserError):
    """What is wrong with a grammar, schema or file; `line` and `column` count from 1.

    Both are 0 where the whole text is meant.
    """

    def __init__(
        self, what: str, what_to_do: str, *, code: str = "text", line: int = 0, column: int = 0
    ) -> None:
        super().__init__(what, what_to_do, code=code)
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[object, ...]:
        where = (self.line, self.column)
        return _restored, (type(self), self.what, self.what_to_do, self.code, *where)


def _restored(
    kind: type[TextError], what: str, what_to_do: str, code: str, line: int, column: int
) -> TextError:
    return kind(what, what_to_do, code=code, line=line, column=column)


def line_starts(text: str) -> list[int]:
    """The index at which each line begins, for many places of one text."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Where an index of a text is, both counted from 1."""
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")
