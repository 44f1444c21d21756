"""What pyflakes finds, as far as it is an error: names that nothing defines and their like.

Matters of style (unused imports and variables, redefinitions) are left out: they do not stop a
program from running.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, Final

from qwqdesk.analysis.code_limits import too_much
from qwqdesk.analysis.code_problem import MOST_FOUND, CodeProblem, character_column

# Class names of pyflakes.messages that mean: this line fails, or does what nobody meant.
_ERRORS: Final = frozenset(
    {
        "AssertTuple",
        "BreakOutsideLoop",
        "ContinueOutsideLoop",
        "DefaultExceptNotLast",
        "DuplicateArgument",
        "ForwardAnnotationSyntaxError",
        "FutureFeatureNotDefined",
        "IfTuple",
        "InvalidPrintSyntax",
        "LateFutureImport",
        "PercentFormatExpectedMapping",
        "PercentFormatExpectedSequence",
        "PercentFormatInvalidFormat",
        "PercentFormatMissingArgument",
        "PercentFormatMixedPositionalAndNamed",
        "PercentFormatPositionalCountMismatch",
        "PercentFormatStarRequiresSequence",
        "PercentFormatUnsupportedFormatCharacter",
        "RaiseNotImplemented",
        "ReturnOutsideFunction",
        "StringDotFormatInvalidFormat",
        "StringDotFormatMissingArgument",
        "StringDotFormatMixingAutomatic",
        "TooManyExpressionsInStarredAssignment",
        "TwoStarredExpressions",
        "UndefinedExport",
        "UndefinedLocal",
        "UndefinedName",
        "YieldOutsideFunction",
    }
)
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Names that exist where answers' code is often pasted.
_NOTEBOOK_NAMES: Final = frozenset({"__file__", "display", "get_ipython"})


def pyflakes_findings(
    tree: ast.Module, source: str, known: frozenset[str] = frozenset()
) -> tuple[CodeProblem, ...]:
    """The errors that pyflakes sees in a tree. `known` are names that exist outside of it.

    Raises:
        RecursionError: for code nested deeper than pyflakes can follow.
    """
    from pyflakes import checker  # 60 ms, and only comparisons with code need it

    class TameChecker(checker.Checker):  # type: ignore[misc]
        """Gives the parser no quoted annotation that our limits would refuse.

        It also says of any two places that they are on different branches: that saves a search,
        quadratic in the size of a `try`, for redefinitions, which are not reported here.
        """

        def differentForks(self, *_nodes: ast.AST) -> bool:  # noqa: N802
            return True

        def handleStringAnnotation(self, s: str, *rest: Any) -> None:  # noqa: ANN401, N802
            if too_much(s) is None:
                super().handleStringAnnotation(s, *rest)

    found = TameChecker(tree, filename="", builtins=_NOTEBOOK_NAMES | known)
    lines = source.split("\n")
    return tuple(_problems(found.messages, lines))


def _problems(messages: list[Any], lines: list[str]) -> Iterator[CodeProblem]:
    errors = [message for message in messages if type(message).__name__ in _ERRORS]
    # A column costs the length of its line: a line of 50,000 errors would take minutes.
    errors.sort(key=lambda message: (message.lineno, message.col))
    for message in errors[:MOST_FOUND]:
        name = type(message).__name__
        text = str(message.message % message.message_args)
        if name == "UndefinedName":
            text = f"{message.message_args[0]} is not defined: NameError when this line runs"
        column = character_column(lines, message.lineno, message.col)
        yield CodeProblem(message.lineno, column, _HUMP.sub("-", name).lower(), text)
