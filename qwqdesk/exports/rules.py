"""What a lane of a document has beside its chain: constraints, the answer's chain, budget, guard.

A file that somebody else wrote is not trusted: what cannot be read counts as not set.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from qwqdesk.analysis.numbers import counted
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.differences import differences
from qwqdesk.sampling.formats.constraint_args import constraint_words
from qwqdesk.sampling.formats.export_args import to_llama_args

_GUARDS: Final = ("off", "mark", "stop", "close")
_NONE: Final = "none"


def rule_differences(first: Mapping[str, Any], lane: Mapping[str, Any]) -> tuple[str, ...]:
    """How a lane differs from the first one beside its chain, a sentence for each."""
    there, here = _rules(first), _rules(lane)
    found = []
    for name, (key, words) in here.items():
        other_key, other_words = there[name]
        if key != other_key:
            words = words if words != other_words else "other ones"
            found.append(f"{name}: {words} (first lane: {other_words})")
    return tuple(found)


def rule_arguments(lane: Mapping[str, Any]) -> str:
    """The same as arguments of `qwqdesk ask`; empty without any."""
    return " ".join(map(shlex.quote, _arguments(lane)))


def _arguments(lane: Mapping[str, Any]) -> Iterator[str]:
    manifest = _map(lane.get("manifest"))
    constraints, answer = _constraints(lane), _answer(lane)
    if constraints is not None:
        yield from constraint_words(constraints)
    if answer is not None:
        yield from ("--answer-chain", to_llama_args(answer))
    if (budget := _budget(manifest)) is not None:
        yield from ("--reasoning-budget", str(budget))
        message = manifest.get("reasoning_budget_message")
        if isinstance(message, str) and message:
            yield from ("--reasoning-budget-message", message)
    if (guard := _guard(manifest)) != "mark":
        yield from ("--loop-guard", guard)


def _rules(lane: Mapping[str, Any]) -> dict[str, tuple[object, str]]:
    """For each topic what is compared, and what it is called."""
    manifest = _map(lane.get("manifest"))
    constraints, answer = _constraints(lane), _answer(lane)
    chain, budget, guard = _chain(lane.get("sampling")), _budget(manifest), _guard(manifest)
    again = ", ".join(each.text for each in differences(chain, answer)) if chain and answer else ""
    return {
        "constraints": (constraints, _limited(constraints)),
        "the answer's chain": (answer if again else None, again or "as the reasoning"),
        "reasoning budget": (budget, _NONE if budget is None else counted(budget, "token")),
        "loop guard": (guard, guard),
    }


def _limited(limits: Constraints | None) -> str:
    if limits is None:
        return _NONE
    kinds = (
        ("JSON schema", limits.json_schema),
        ("grammar", limits.grammar),
        ("banned strings", limits.banned_strings),
        ("biases by text", limits.text_biases),
    )
    return ", ".join(words for words, value in kinds if value) or _NONE


def _constraints(lane: Mapping[str, Any]) -> Constraints | None:
    try:
        found = Constraints.from_json(_map(lane.get("constraints")))
    except UserError:
        return None
    return found or None


def _answer(lane: Mapping[str, Any]) -> SamplerChain | None:
    return _chain(lane.get("answer_sampling"))


def _chain(data: object) -> SamplerChain | None:
    if not isinstance(data, Mapping):
        return None
    try:
        return SamplerChain.from_json(data)
    except UserError:
        return None


def _budget(manifest: Mapping[str, Any]) -> int | None:
    budget = manifest.get("reasoning_budget")
    return budget if type(budget) is int and budget >= 0 else None


def _guard(manifest: Mapping[str, Any]) -> str:
    guard = manifest.get("loop_guard")
    return guard if guard in _GUARDS else "mark"


def _map(data: object) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}
