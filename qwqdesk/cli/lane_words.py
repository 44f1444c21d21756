"""From a lane's flags to its setup: recipe, values, the answer's chain, the rules; and thoughts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, cast

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.cli.output import note_pipe, printable, to_stderr
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints
from qwqdesk.sampling.formats.answer_chain import parse_answer_chain
from qwqdesk.sampling.formats.constraint_args import constraints_from
from qwqdesk.sampling.formats.llama_args import ParsedArgs, UsageError
from qwqdesk.sampling.recipe_files import RecipeList, read_text
from qwqdesk.sampling.recipes import Recipe

MAX_THOUGHT_BYTES: Final = 32 << 20


def lane_setup(
    label: str, recipe: str | None, args: ParsedArgs, recipes: RecipeList, *, where: str = ""
) -> LaneSetup:
    """The lane that these flags describe.

    Args:
        where: stands before what is wrong with the answer's chain, for example "Lane B: ".

    Raises:
        UserError: for a recipe that is not there, or a grammar or schema that is wrong.
        UsageError: for an answer chain that cannot be read.
    """
    budget = args.options.get("reasoning_budget")
    base = recipes.named(recipe) if recipe else None
    return LaneSetup(
        label,
        base,
        args.sampling,
        answer=_answer(args.option("answer_chain"), recipes, where),
        loop_guard=cast("LoopGuard | None", args.option("loop_guard")),
        reasoning_budget=budget if isinstance(budget, int) else None,
        reasoning_budget_message=args.option("reasoning_budget_message"),
        constraints=_constraints(args, base, where),
        variables=args.variables,
        warnings=args.warnings,
    )


def _constraints(args: ParsedArgs, recipe: Recipe | None, where: str) -> Constraints | None:
    base = recipe.constraints if recipe is not None else NO_CONSTRAINTS
    try:
        return constraints_from(args, base, read_text)
    except UserError as error:
        if not where:
            raise
        raise UserError(f"{where}{error.what}", error.what_to_do, code=error.code) from None


def _answer(text: str | None, recipes: RecipeList, where: str) -> AnswerSetup | None:
    if not text or not text.strip():
        return None
    try:
        spec = parse_answer_chain(text)
        setup = AnswerSetup(recipes.named(spec.recipe) if spec.recipe else None, spec.sampling)
        setup.resolved(LaneSetup("A").resolved())  # what the answer cannot have is said here
    except UserError as error:
        what = f"{where}--answer-chain: {error.what}"
        raise UsageError(what, error.what_to_do) from None
    for note in (*spec.notes, *(warning.text for warning in spec.warnings)):
        to_stderr(printable(f"note: {where}--answer-chain: {note}"))
    return setup


def read_thought(args: ParsedArgs) -> str | None:
    """The text of ``--thought``: a text file, or a run's document, whose first reasoning counts.

    Raises:
        UserError: code "file", when it cannot be read or the run has no reasoning.
    """
    name = args.option("thought")
    if name is None:
        return None
    note_pipe(name)
    try:
        with Path(name).open("rb") as file:
            raw = file.read(MAX_THOUGHT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        what = f"{name} cannot be read: {reason}."
        raise UserError(what, "Check the file and its rights.", code="file") from None
    if len(raw) > MAX_THOUGHT_BYTES:
        what = f"{name} is larger than {MAX_THOUGHT_BYTES >> 20} MiB."
        raise UserError(what, "Shorten the thought.", code="file")
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    document = _run_document(text)
    return text.removesuffix("\n") if document is None else _reasoning_of(document, name)


def _run_document(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_run = isinstance(data, dict) and data.get("format") == "qwqdesk.run"
    return data if is_run else None


def _reasoning_of(document: dict[str, Any], name: str) -> str:
    lanes = document.get("lanes")
    for lane in lanes if isinstance(lanes, list) else []:
        reasoning = lane.get("reasoning") if isinstance(lane, dict) else None
        if isinstance(reasoning, str):
            return reasoning
    what = f"No lane of {name} has reasoning."
    raise UserError(what, "Choose another run, or a text file.", code="file")
