"""Repetitions of what may be empty: llama.cpp walks every way to tell them apart.

Where a symbol that may be empty is repeated n times, a text of k characters can be divided among
the n in as many ways as k of n can be chosen. To refuse a token llama.cpp walks all of them
(src/llama-grammar.cpp, `llama_grammar_reject_candidates_for_stack`), in one call that nobody can
stop. Measured with the demo model's vocabulary, whose tokens have up to 46 characters:
``([^"]?){12}`` takes 5 ms a token, 16 times 110 ms, 20 times 1.6 s, 50 times hours.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.grammar_reader import TERMINAL, Alternates, GrammarReader, Repetition
from qwqdesk.sampling.grammar_recursion import Start, may_be_empty, parts

MAX_EMPTY: Final = 12
"""How often, all in all, something that may be empty may be repeated."""
LOOP: Final = 4
"""What ``*`` counts: it can take any part of a token, not only a character or nothing."""

_MANY: Final = 2000

Error = Callable[[int, str, str], UserError]
_FOUND: Final = f"something that may be empty is repeated more than {MAX_EMPTY} times"
_TODO: Final = (
    "llama.cpp would try every way to divide a text among them. "
    "Repeat what is not empty: (x?){50} says the same as x{0,50}."
)


def refuse_ambiguity(reader: GrammarReader, at_place: Error, at_rule: Error) -> None:
    """Refuse a grammar that has more than `MAX_EMPTY` in one place.

    Args:
        reader: has read the whole text; no rule of it begins with itself.
        at_place: makes the message for an index of the text.
        at_rule: makes it for a rule.

    Raises:
        UserError: from one of them.
    """
    empty = may_be_empty(reader.rules)
    weights = _weights(reader, empty)
    within = _within(reader.rules, weights)
    for repetition in reader.repetitions:
        if repetition.item <= TERMINAL:
            continue
        if repetition.item in empty:
            heavy = _repeated(repetition, weights) > MAX_EMPTY
        else:  # what stands between may be too like what is left out to keep them apart
            inner = within[repetition.item]
            times = repetition.times + (LOOP if repetition.is_open else 0)
            heavy = inner > LOOP and inner * times > MAX_EMPTY
        if heavy:
            raise at_place(repetition.at, _FOUND, _TODO)
    for number, weight in weights.items():
        if weight > MAX_EMPTY:
            raise at_rule(number, _FOUND, _TODO)


def _repeated(repetition: Repetition, weights: Mapping[int, int]) -> int:
    weight = repetition.times * weights.get(repetition.item, LOOP)
    return weight + LOOP if repetition.is_open else weight


def _within(rules: Mapping[int, Alternates], weights: Mapping[int, int]) -> dict[int, int]:
    """For every rule the highest weight of it and of the rules that it leads to."""
    inside = _inside(rules, rules)
    part = parts(inside)
    highest: dict[int, int] = {}
    for number in sorted(rules, key=part.__getitem__):
        known = (highest.get(part[start.rule], 0) for start in inside[number])
        own = max(weights[number], *known, highest.get(part[number], 0), 0)
        highest[part[number]] = own
    return {number: highest[part[number]] for number in rules}


def _weights(reader: GrammarReader, empty: set[int]) -> dict[int, int]:
    """For every rule: how often something that may be empty is repeated in one place of it."""
    rules = reader.rules
    inside = _inside(rules, empty)
    part = parts(inside)
    optional = {each.rule: each for each in reader.repetitions if each.rule is not None}
    weights: dict[int, int] = {}
    for number in sorted(rules, key=part.__getitem__):
        turns = any(part[start.rule] == part[number] for start in inside[number])
        known = {start.rule: weights.get(start.rule, LOOP) for start in inside[number]}
        weight = max(LOOP if turns else 1, _heaviest(rules[number], known, reader.same))
        if (repetition := optional.get(number)) is not None and repetition.item in empty:
            weight = max(weight, _repeated(repetition, weights))
        weights[number] = min(weight, _MANY)
    return weights


def _inside(rules: Mapping[int, Alternates], those: Container[int]) -> dict[int, tuple[Start, ...]]:
    """The rules in the alternates of each rule, as far as they are among `those`."""
    return {
        number: tuple(
            Start(item, followed=False)
            for item in dict.fromkeys(item for alternate in alternates for item in alternate)
            if item in those
        )
        for number, alternates in rules.items()
    }


def _heaviest(alternates: Alternates, weights: Mapping[int, int], same: Mapping[int, int]) -> int:
    """The most that items without anything certain between them come to.

    Equal items add up, and unlike ones where each is repeated by itself; `a* b* c*` does not.
    """
    heaviest = 0
    for alternate in alternates:
        sums: dict[int, int] = {}
        repeated = 0
        for item in alternate:
            if item <= TERMINAL or item not in weights:
                sums, repeated = {}, 0
                continue
            key = same.get(item, item)
            before = sums.get(key, 0)
            sums[key] = before + weights[item]
            if sums[key] > LOOP:
                repeated += sums[key] - (before if before > LOOP else 0)
            heaviest = max(heaviest, sums[key], repeated)
    return heaviest
