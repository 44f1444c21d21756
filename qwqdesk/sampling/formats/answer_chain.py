"""The chain of a lane's answer written as text: ``[RECIPE] [FLAGS]``, sampling flags only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.formats.llama_args import parse_args
from qwqdesk.sampling.formats.readers import UsageError
from qwqdesk.sampling.formats.shell_words import UnclosedQuoteError, split_words
from qwqdesk.sampling.param import shown

_ALLOWED: Final = frozenset({"recipe", "escape"})


@dataclass(frozen=True)
class AnswerSpec:
    """An answer's chain as written: a recipe's name, and the values that its flags state."""

    recipe: str | None
    sampling: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    warnings: tuple[ChainWarning, ...] = ()


def parse_answer_chain(text: str) -> AnswerSpec:
    """Read the text of ``--answer-chain``.

    Raises:
        UsageError: for anything that is not a recipe and sampling flags.
    """
    try:
        words = split_words(text)
    except UnclosedQuoteError as error:
        what = f"The answer chain {shown(text)!r} opens a quotation mark {error}, never closed."
        raise UsageError(what, "Close it.") from None
    recipe = words.pop(0) if words and not words[0].startswith("-") else None
    args = parse_args(words)
    if args.positional:
        what = f"{shown(args.positional[0])!r} in the answer chain is not a flag."
        raise UsageError(what, "Write it as [RECIPE] [FLAGS].")
    for item in args.occurrences:
        group, dest = item.flag.group, item.flag.dest
        if group == "engine" or (group == "option" and dest not in _ALLOWED):
            what = f"{item.word} is not a sampling flag, so it cannot be the answer's own."
            raise UsageError(what, f"Write {item.word} for the lane.")
    return AnswerSpec(recipe or args.recipe, args.sampling, args.notes, args.warnings)
