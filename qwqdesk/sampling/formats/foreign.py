"""Collecting settings that come under another program's names.

What has no place here, or no value that this program takes, is listed by its foreign name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.samplers import DEFAULT_ORDER, PARAMS

Change = Callable[[Any], Any]
"""Turns a foreign value into ours; raises ValueError, TypeError or, for what is nested too deep,
RecursionError where it cannot read it."""


CONSTRAINT_KEYS: Final[Mapping[str, str]] = {
    "grammar": "grammar",
    "grammar_string": "grammar",
    "json_schema": "json_schema",
    "banned_strings": "banned_strings",
}
"""Other programs' names of constraints, and ours."""


def _same(value: object) -> object:
    return value


@dataclass(frozen=True)
class Imported:
    """A recipe made from foreign text; `unmapped` names what has no place in a recipe."""

    recipe: Recipe
    unmapped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The recipe's JSON with its unmapped names."""
        return {**self.recipe.to_json(), "unmapped": list(self.unmapped)}


@dataclass(frozen=True)
class Place:
    """Where a foreign value goes: our name, and how it is changed on the way."""

    name: str
    change: Change = _same


@dataclass
class Foreign:
    """The values of one foreign file as they are read.

    `defaults` are what the other program uses for values that its file leaves out.
    """

    defaults: Mapping[str, object] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    order: tuple[str, ...] | None = None
    constraints: Constraints = NO_CONSTRAINTS

    def leave(self, key: object) -> None:
        """List a foreign name as unmapped."""
        self.unmapped.append(shown(key))

    def set(self, place: Place, key: str, value: object) -> None:
        """Keep a foreign value, or list its name when it is not one we take."""
        try:
            self.values[place.name] = PARAMS[place.name].check(place.change(value))
        except (UserError, ValueError, TypeError, OverflowError, RecursionError):
            self.leave(key)

    def take(self, data: Mapping[Any, object], places: Mapping[str, Place]) -> None:
        """Keep every value that has a place, list every other name."""
        for key, value in data.items():
            if isinstance(key, str) and key in places:
                self.set(places[key], key, value)
            elif not self.limit(key, value):
                self.leave(key)

    def limit(self, key: object, value: object) -> bool:
        """Keep a grammar, schema or banned strings; False where it is none or cannot be used."""
        name = CONSTRAINT_KEYS.get(key) if isinstance(key, str) else None
        if name is None:
            return False
        if not value:
            return True  # an empty one limits nothing
        if name == "json_schema" and isinstance(value, Mapping):
            value = json.dumps(value, ensure_ascii=False)
        try:
            found = Constraints.from_json({**self.constraints.to_json(), name: value})
        except (UserError, ValueError, RecursionError):
            return False
        self.constraints = found
        return True

    def set_order(self, key: str, steps: Iterable[object], names: Mapping[object, str]) -> None:
        """Take an order in foreign names; a step that repeats one (ours is one) is dropped."""
        order: list[str] = []
        for step in steps:
            name = names.get(step) if isinstance(step, (str, int)) else None
            if name is None:
                self.leave(f"{key}: {shown(step)}")
            elif name not in order:
                order.append(name)
        if "adaptive_p" in order:  # it draws the token, so it stands last
            order.remove("adaptive_p")
            order.append("adaptive_p")
        self.order = tuple(order)

    def imported(self, title: str, source: str) -> Imported:
        """The recipe.

        Raises:
            UserError: when nothing at all was understood.
        """
        if not self.values and self.order is None:
            what = f"The text looks like {source}, but it has no sampling setting."
            raise UserError(what, "Export the settings again and import that.", code="recipe")
        order = DEFAULT_ORDER if self.order is None else self.order
        chain = SamplerChain.of(order, **{**self.defaults, **self.values})
        unmapped = tuple(dict.fromkeys(self.unmapped))
        recipe = Recipe.of(chain, title, source=source, constraints=self.constraints)
        return Imported(recipe, unmapped)


def sigma(value: object) -> object:
    """Others write 0 for a top-n sigma that is off, llama.cpp -1."""
    return -1.0 if value == 0 and not isinstance(value, bool) else value


def seed(value: object) -> object:
    """Every negative seed means: draw one."""
    return -1 if isinstance(value, int) and not isinstance(value, bool) and value < 0 else value


def places(names: Mapping[str, str], *more: tuple[str, Place]) -> Mapping[str, Place]:
    """A table of places from foreign name to our name, with some that need a change."""
    return {**{key: Place(name) for key, name in names.items()}, **dict(more)}


OUR_STEPS: Final[Mapping[object, str]] = {name: name for name in (*DEFAULT_ORDER, "adaptive_p")}
