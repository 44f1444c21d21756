"""Which code is not given to a parser: too large, or nested deeper than people write.

Python's parser recurses in C for nested and chained expressions. Its own limits hold on a normal
stack; these are far below them, so that no thread with a small stack is at risk and no check
takes long. The scan is one regular expression over strings, comments and signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from qwqdesk.analysis.code_problem import CodeProblem

MOST_CHARACTERS: Final = 150_000
MOST_LINES: Final = 5_000
DEEPEST: Final = 60
LONGEST_CHAIN: Final = 500
MOST_BRANCHES: Final = 120

_SIGNS: Final = re.compile(
    r"""(?P<string>\"{3}(?:[^\\\"]|\\.|\"(?!\"\"))*(?:\"{3}|\Z)
    |'{3}(?:[^\\']|\\.|'(?!''))*(?:'{3}|\Z)
    |"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)
    |(?P<comment>\#[^\n]*)
    |(?P<open>[\[({])|(?P<close>[\])}])
    |(?P<cut>[,;])|(?P<newline>\n)|(?P<continued>\\\n)
    |(?P<elif>\belif\b)
    |(?P<chain>\b(?:not|lambda|if|else|await|and|or|in|is)\b|[-+*/%@&|^~<>=!.]+)""",
    re.VERBOSE | re.DOTALL,
)


def too_much(source: str) -> CodeProblem | None:
    """Why the code is not parsed, or None."""
    if len(source) > MOST_CHARACTERS or source.count("\n") >= MOST_LINES:
        text = (
            f"The code is longer than {MOST_CHARACTERS} characters or {MOST_LINES} lines "
            "and was not checked."
        )
        return CodeProblem(1, 1, "too-large", text)
    at = _too_deep(source)
    if at is None:
        return None
    line = source.count("\n", 0, at) + 1
    column = at - source.rfind("\n", 0, at)
    return CodeProblem(line, column, "too-complex", "The code is nested too deep to be checked.")


def _too_deep(source: str) -> int | None:
    depth = chain = branches = 0
    for sign in _SIGNS.finditer(source):
        kind = sign.lastgroup
        if kind in ("open", "close"):
            depth = depth + 1 if kind == "open" else max(0, depth - 1)
            chain += 1
        elif kind == "chain":
            chain += len(sign[0]) if sign[0][0] in "-+~" else 1
        elif kind == "cut" or (kind == "newline" and depth == 0):
            chain = 0
        elif kind == "elif":
            branches += 1
        if depth > DEEPEST or chain > LONGEST_CHAIN or branches > MOST_BRANCHES:
            return sign.start()
    return None


def statement_starts(source: str) -> Iterator[int]:
    """Where lines begin that are in no bracket and in no string, as far as the scan can tell."""
    depth = 0
    for sign in _SIGNS.finditer(source):
        kind = sign.lastgroup
        if kind in ("open", "close"):
            depth = depth + 1 if kind == "open" else max(0, depth - 1)
        elif kind == "newline" and depth == 0:
            yield sign.end()
