"""Parsing a model's Python without holding everything else up.

Python's parser works in one go and lets no other thread run meanwhile: some 140 ms for a program
of 60,000 characters. So long code is parsed in pieces that end before a function or a class.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Final

from qwqdesk.analysis.code_limits import statement_starts

PIECE: Final = 6_000  # characters: some 15 ms
_DEFINITION: Final = re.compile(r"(?:async |def |class |@)")


def parse(source: str) -> ast.Module:
    """The syntax tree of a whole program.

    Raises:
        SyntaxError, RecursionError, MemoryError, ValueError: as `ast.parse`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape is no error
        pieces = list(_pieces(source)) if len(source) > PIECE else []
        if len(pieces) < 2:
            return ast.parse(source)
        try:
            return _joined(pieces)
        except SyntaxError:
            return ast.parse(source)  # the pieces may be cut wrongly; this error is the true one


def _joined(pieces: list[str]) -> ast.Module:
    whole = ast.Module(body=[], type_ignores=[])
    line = 0
    for piece in pieces:
        tree = ast.parse(piece)
        for statement in tree.body:
            whole.body.append(ast.increment_lineno(statement, line))
        line += piece.count("\n")
    return whole


def _pieces(source: str) -> Iterator[str]:
    """The source in parts of at least `PIECE` characters; decorators stay with what they adorn."""
    start, before = 0, 0
    for at in statement_starts(source):
        decorated = source.startswith("@", before)
        if at - start >= PIECE and not decorated and _DEFINITION.match(source, at):
            yield source[start:at]
            start = at
        before = at
    yield source[start:]
