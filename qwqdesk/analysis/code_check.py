"""Static checks of the Python in an answer. Nothing here ever runs it.

The code is a model's, so it is hostile input: what is too large or nested too deep is not given
to the parser at all, and whatever the parser or pyflakes raise becomes a row of the result.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from qwqdesk.analysis.code_blocks import CodeBlock, code_blocks
from qwqdesk.analysis.code_globals import bound_names, unbound_globals
from qwqdesk.analysis.code_limits import too_much
from qwqdesk.analysis.code_names import pyflakes_findings
from qwqdesk.analysis.code_problem import CodeProblem
from qwqdesk.analysis.code_tree import parse

_MOST_PROBLEMS: Final = 200
_LONGEST_TEXT: Final = 300


@dataclass(frozen=True)
class CodeCheck:
    """What was found in one Python block.

    `parses` is None where it was not tried, because the block is too large or nested too deep.
    Lines of `problems` count from 1 inside the block.
    """

    block: CodeBlock
    parses: bool | None
    problems: tuple[CodeProblem, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether it parses and nothing was found."""
        return self.parses is True and not self.problems

    def answer_line(self, problem: CodeProblem) -> int:
        """The line of a problem in the whole answer, from 1."""
        return self.block.first_line + problem.line - 1

    def to_json(self) -> dict[str, Any]:
        """One row of `code_checks`.

        `block` counts the answer's code blocks from 0. `lines` is the number of lines of code,
        `answer_line` (of the block, and of an error) the line in the answer, from 1. `line` and
        `column` of an error count from 1 in the block.
        """
        return {
            "block": self.block.number,
            "language": self.block.language,
            "lines": self.block.line_count,
            "answer_line": self.block.first_line,
            "closed": self.block.closed,
            "parses": self.parses,
            "errors": [
                {**problem.to_json(), "answer_line": self.answer_line(problem)}
                for problem in self.problems
            ],
        }


def check_answer(answer: str) -> tuple[CodeCheck, ...]:
    """A check of every Python block of an answer, in order."""
    return check_blocks([block for block in code_blocks(answer) if block.is_python])


def check_blocks(blocks: Sequence[CodeBlock]) -> tuple[CodeCheck, ...]:
    """Checks of the Python blocks of one answer, which may use what earlier ones define."""
    known: frozenset[str] = frozenset()
    checks = []
    for block in blocks:
        checks.append(check_block(block, known))
        known |= names_of([block])
    return tuple(checks)


def names_of(blocks: Iterable[CodeBlock]) -> frozenset[str]:
    """The names that blocks define at their top level; none of a block that does not parse."""
    found: frozenset[str] = frozenset()
    for block in blocks:
        tree = _tree(block.text) if block.is_python and too_much(block.text) is None else None
        if tree is not None:
            found |= bound_names(tree)
    return found


def _tree(source: str) -> ast.Module | None:
    try:
        return parse(source)
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return None


def check_block(block: CodeBlock, known: frozenset[str] = frozenset()) -> CodeCheck:
    """Parse one block and look for names that nothing defines and other errors.

    `known` are names that earlier blocks of the answer define.
    """
    parses, problems = check_source(block.text, known)
    last = max(1, block.line_count)
    fitting = (_fitted(problem, last) for problem in problems[:_MOST_PROBLEMS])
    return CodeCheck(block, parses, tuple(fitting))


def check_source(
    source: str, known: frozenset[str] = frozenset()
) -> tuple[bool | None, tuple[CodeProblem, ...]]:
    """Whether Python code parses, and its problems in the order of lines."""
    limit = too_much(source)
    if limit is not None:
        return None, (limit,)
    try:
        tree = parse(source)
    except SyntaxError as error:
        return False, (_syntax_problem(error),)
    except (RecursionError, MemoryError):
        return None, (CodeProblem(1, 1, "too-complex", "The code is too complex to be parsed."),)
    except ValueError as error:  # a NUL, a lone surrogate
        return False, (CodeProblem(1, 1, "syntax-error", str(error) or "The text is not code."),)
    own = unbound_globals(tree, source, known)
    told = {(problem.line, problem.column) for problem in own}
    others = [
        found for found in _names(tree, source, known) if (found.line, found.column) not in told
    ]
    found = dict.fromkeys((*own, *others))
    return True, tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def _names(tree: ast.Module, source: str, known: frozenset[str]) -> tuple[CodeProblem, ...]:
    try:
        return pyflakes_findings(tree, source, known)
    except (RecursionError, MemoryError, ValueError, TypeError, AttributeError, KeyError) as error:
        # pyflakes was written for people's code and has no limits of its own.
        text = f"The names could not be checked ({type(error).__name__})."
        return (CodeProblem(1, 1, "too-complex", text),)


def _syntax_problem(error: SyntaxError) -> CodeProblem:
    kind = "indentation-error" if isinstance(error, IndentationError) else "syntax-error"
    return CodeProblem(error.lineno or 1, error.offset or 1, kind, error.msg or "invalid syntax")


def _fitted(problem: CodeProblem, last_line: int) -> CodeProblem:
    """Inside the block (a parser may point behind its end), and short."""
    clean = problem.text.encode("utf-8", "replace").decode("utf-8")
    return replace(
        problem,
        line=min(max(problem.line, 1), last_line),
        column=max(problem.column, 1),
        text=clean if len(clean) <= _LONGEST_TEXT else clean[: _LONGEST_TEXT - 3] + "...",
    )
