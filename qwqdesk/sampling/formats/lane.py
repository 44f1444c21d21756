"""One lane of a comparison written as text: ``[LABEL=][RECIPE] [FLAGS]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from qwqdesk.sampling.formats.flags import OPTION_FLAGS
from qwqdesk.sampling.formats.llama_args import ParsedArgs, parse_args
from qwqdesk.sampling.formats.readers import UsageError
from qwqdesk.sampling.formats.shell_words import UnclosedQuoteError, split_words
from qwqdesk.sampling.param import shown

_LANE_OPTIONS: Final = frozenset(
    {
        "model",
        "hf_file",
        "recipe",
        "use_model",
        "loop_guard",
        "reasoning_budget",
        "reasoning_budget_message",
        "answer_chain",
        "thought",
        "form",
        "banned_strings",
        "ban_in_reasoning",
        "text_biases",
        "chat_template",
        "chat_template_file",
        "variables",
        "escape",
    }
)
_FLAG_INSIDE: Final = re.compile(r"\s--?[A-Za-z]")
_MAX_LABEL: Final = 40


@dataclass(frozen=True)
class LaneSpec:
    """A lane as written. `args` holds the flags; without a label the caller gives a letter."""

    label: str | None
    recipe: str | None
    args: ParsedArgs


def parse_lane(text: str, outside: ParsedArgs | None = None) -> LaneSpec:
    """Read a lane; the flags of `outside` apply first, the lane's own come after them.

    Raises:
        UsageError: for anything that is not a label, a recipe and flags of a lane.
    """
    label, rest = _split_label(text)
    try:
        words = split_words(rest)
    except UnclosedQuoteError as error:
        what = f"The lane {shown(text)!r} opens a quotation mark {error} and never closes it."
        raise UsageError(what, "Close it.") from None
    recipe = words.pop(0) if words and not words[0].startswith("-") else None
    own = parse_args(words)
    _check(text, own)
    recipe = recipe or own.recipe
    if outside is not None:
        own = _lane_part(outside).followed_by(own)
    return LaneSpec(label, recipe or own.recipe, own)


def _split_label(text: str) -> tuple[str | None, str]:
    before, equals, after = text.partition("=")
    label = before.strip()
    if not equals or label.startswith("-") or _FLAG_INSIDE.search(before):
        return None, text
    if len(label) > _MAX_LABEL or not label.isprintable():
        what = f"The label {shown(label)!r} is too long or has signs that cannot be shown."
        raise UsageError(what, f"Use at most {_MAX_LABEL} characters before the =.")
    return label or None, after


def _check(text: str, args: ParsedArgs) -> None:
    if args.positional:
        what = f"{shown(args.positional[0])!r} in the lane {shown(text)!r} is not a flag."
        raise UsageError(what, "Write a lane as [LABEL=][RECIPE] [FLAGS].")
    for item in args.occurrences:
        if item.flag.group == "option" and item.flag.dest not in _LANE_OPTIONS:
            what = f"{item.word} cannot stand inside a lane."
            raise UsageError(what, f"Write {item.word} outside --lane.")


def _lane_part(outside: ParsedArgs) -> ParsedArgs:
    """The flags outside that concern lanes; notes on the others were given already."""
    every = {flag.dest for flag in OPTION_FLAGS} - _LANE_OPTIONS
    return ParsedArgs.of(
        item
        for item in outside.occurrences
        if item.flag.group != "elsewhere"
        and not (item.flag.group == "option" and item.flag.dest in every)
    )
