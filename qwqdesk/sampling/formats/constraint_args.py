"""Constraints on a command line: read from flags, and written as flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints, TextBias
from qwqdesk.sampling.formats.escapes import with_escapes
from qwqdesk.sampling.formats.llama_args import ParsedArgs
from qwqdesk.sampling.formats.readers import UsageError

CONSTRAINT_DESTS: Final = frozenset({"form", "banned_strings", "ban_in_reasoning", "text_biases"})


def constraints_from(
    args: ParsedArgs, base: Constraints = NO_CONSTRAINTS, read_file: Callable[[str], str] = str
) -> Constraints | None:
    """What the flags say on top of `base`, the recipe's; None when they say nothing.

    ``--grammar ""`` takes the recipe's grammar away.

    Args:
        args: the command line.
        base: constraints that the flags change.
        read_file: the text of a file by its name, for ``--grammar-file``.

    Raises:
        UsageError: for a bias that is not TEXT=BIAS.
        UserError: for a grammar or schema that is wrong, or a file that cannot be read.
    """
    if not any(dest in args.options for dest in CONSTRAINT_DESTS):
        return None
    found = base
    if "form" in args.options:
        kind, text = args.options["form"]
        if kind.endswith("-file"):
            text = read_file(text).removeprefix("\ufeff")
        is_schema = kind.startswith("json-schema")
        found = found.with_json_schema(text) if is_schema else found.with_grammar(text)
    changes: dict[str, Any] = {}
    if "banned_strings" in args.options:
        changes["banned_strings"] = args.listed("banned_strings")
    if "text_biases" in args.options:
        changes["text_biases"] = _biases(args)
    if "ban_in_reasoning" in args.options:
        changes["ban_in_reasoning"] = args.switch("ban_in_reasoning")
    return replace(found, **changes)


def _biases(args: ParsedArgs) -> tuple[TextBias, ...]:
    try:
        return tuple(TextBias.read(text) for text in args.listed("text_biases"))
    except UserError as error:
        raise UsageError(f"--logit-bias-text: {error.what}", error.what_to_do) from None


def constraint_words(constraints: Constraints) -> Iterator[str]:
    """The words of a command line that `constraints_from` reads back."""
    if constraints.grammar:
        yield from ("--grammar", constraints.grammar)
    if constraints.json_schema:
        yield from ("--json-schema", constraints.json_schema)
    for text in constraints.banned_strings:
        yield from ("--banned-string", with_escapes(text))
    if constraints.ban_in_reasoning:
        yield "--ban-in-reasoning"
    for bias in constraints.text_biases:
        yield from ("--logit-bias-text", with_escapes(bias.written()))
