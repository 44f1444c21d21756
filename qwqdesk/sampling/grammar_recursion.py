"""Rules that begin with themselves: llama.cpp cannot walk them.

It refuses a rule that can come back to its own beginning, as far as it sees which rules may be
empty. Where it does not see that, its stack would grow without end; such grammars are refused
here as well, and those with so many ways to begin that walking them would take for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.grammar_reader import TERMINAL, Alternates

MAX_PATHS: Final = 100_000
"""Ways to begin all rules together; llama.cpp walks them one after another."""
MAX_DEPTH: Final = 1000
"""Rules that begin with one another; llama.cpp walks them by recursion."""

Error = Callable[[int, str, str], UserError]
_TODO: Final = "Let the rule begin with a character, or put the repetition into * or +."


@dataclass(frozen=True)
class Start:
    """A rule that another one may begin with; `followed` says that more stands behind it."""

    rule: int
    followed: bool


def refuse_recursion(rules: Mapping[int, Alternates], error: Error) -> None:
    """Refuse rules that begin with themselves.

    Args:
        rules: alternates by number.
        error: makes the message for a rule from what is wrong and what to do.

    Raises:
        UserError: from `error`.
    """
    seen_empty = {number for number, alternates in rules.items() if [] in alternates}
    direct = {number: _starts(rules[number], seen_empty) for number in rules}
    for rule in _cycles(direct, only_followed=False):
        raise error(rule, "the rule begins with itself, which never ends", _TODO)
    empty = may_be_empty(rules)
    starts = {number: _starts(alternates, empty) for number, alternates in rules.items()}
    for rule in _cycles(starts, only_followed=True):
        found = "the rule begins with itself behind something that may be empty"
        raise error(rule, found, _TODO)
    _refuse_many(starts, error)


def may_be_empty(rules: Mapping[int, Alternates]) -> set[int]:
    """Rules that can stand for no text at all."""
    empty: set[int] = set()
    left: list[int] = []  # for each alternate, how many of its items are not known to be empty
    users: dict[int, list[tuple[int, int]]] = {}  # of each rule: rules and alternates with it
    todo: list[int] = []
    for number, alternates in rules.items():
        for alternate in alternates:
            items = set(alternate)
            for item in items:
                users.setdefault(item, []).append((number, len(left)))
            left.append(len(items))
            if not items:
                todo.append(number)
    while todo:
        number = todo.pop()
        if number in empty:
            continue
        empty.add(number)
        for user, alternate_number in users.get(number, ()):
            left[alternate_number] -= 1
            if not left[alternate_number]:
                todo.append(user)
    return empty


def _starts(alternates: Alternates, empty: set[int]) -> tuple[Start, ...]:
    found: list[Start] = []
    for alternate in alternates:
        for index, item in enumerate(alternate):
            if item <= TERMINAL:
                break
            found.append(Start(item, index + 1 < len(alternate)))
            if item not in empty:
                break
    return tuple(found)


def _cycles(starts: Mapping[int, Sequence[Start]], *, only_followed: bool) -> list[int]:
    """Rules that come back to themselves, with `only_followed` past something that stays behind."""
    part = parts(starts)
    sizes: dict[int, int] = {}
    for number in part.values():
        sizes[number] = sizes.get(number, 0) + 1
    found: list[int] = []
    for rule, nexts in starts.items():
        for start in nexts:
            inside = part[start.rule] == part[rule]
            turns = inside and (start.rule == rule or sizes[part[rule]] > 1)
            if turns and (start.followed or not only_followed):
                found.append(rule)
                break
    return found


def parts(starts: Mapping[int, Sequence[Start]]) -> dict[int, int]:
    """A number for each rule, equal for rules that reach one another (Kosaraju's two passes).

    Parts are numbered so that the rules that a rule begins with have the same or a lower number.
    """
    nexts = {rule: [start.rule for start in found] for rule, found in starts.items()}
    users: dict[int, list[int]] = {rule: [] for rule in starts}
    for rule, others in nexts.items():
        for other in others:
            users[other].append(rule)
    part: dict[int, int] = {}
    for number, rule in enumerate(reversed(_walked(nexts, nexts))):
        if rule not in part:
            reached = _walked(users, [rule], without=part)
            part.update(dict.fromkeys(reached, -number))
    return part


def _walked(
    nexts: Mapping[int, Sequence[int]], firsts: Iterable[int], without: Container[int] = ()
) -> list[int]:
    """What can be reached, each after all that it leads to; without recursion."""
    seen: set[int] = set()
    found: list[int] = []
    for first in firsts:
        todo = [(first, False)]
        while todo:
            rule, is_done = todo.pop()
            if is_done:
                found.append(rule)
            elif rule not in seen and rule not in without:
                seen.add(rule)
                todo.append((rule, True))
                todo.extend((other, False) for other in nexts[rule] if other not in seen)
    return found


def _refuse_many(starts: Mapping[int, Sequence[Start]], error: Error) -> None:
    part = parts(starts)
    paths: dict[int, int] = {}
    depth: dict[int, int] = {}
    total = 0
    for rule in sorted(starts, key=part.__getitem__):
        outside = [start.rule for start in starts[rule] if part[start.rule] != part[rule]]
        number = part[rule]
        paths[number] = paths.get(number, 1) + sum(paths[part[other]] for other in outside)
        deepest = max((depth[part[other]] for other in outside), default=0)
        depth[number] = max(depth.get(number, 0), deepest) + 1
        total = max(total, paths[number])
        if total > MAX_PATHS:
            found = f"there are more than {MAX_PATHS} ways to begin the rule"
            raise error(rule, found, "Use fewer alternatives that begin with other rules.")
        if depth[number] > MAX_DEPTH:
            found = f"more than {MAX_DEPTH} rules begin with one another"
            raise error(rule, found, "Put a character before some of them.")
