"""Recipes: named chains that state every value. Those that ship with the program, and lookup.

Where the values come from is told in each recipe's `source`; QwQ's guides are Qwen's model card
and Unsloth's tutorial "How to run QwQ-32B effectively".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints
from qwqdesk.sampling.param import Value, shown
from qwqdesk.sampling.samplers import order_from_text

FORMAT: Final = "qwqdesk.recipe"
VERSION: Final = 1
MAX_ID: Final = 64
_MAX_TEXT: Final = 2000
_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(10)]
)


@dataclass(frozen=True)
class Recipe:
    """A named chain. `id` is what ``--recipe`` takes and, for a user's recipe, its file's name.

    Raises:
        UserError: when the id is not one that `recipe_id` could have made, or a value is wrong.
    """

    id: str
    title: str
    source: str
    samplers: tuple[str, ...]
    values: Mapping[str, Value]
    meaning: str = ""
    builtin: bool = False
    constraints: Constraints = NO_CONSTRAINTS

    def __post_init__(self) -> None:
        if not self.id or recipe_id(self.id) != self.id:
            what = f"{shown(self.id)!r} cannot be the name of a recipe."
            todo = f"Use at most {MAX_ID} small letters, digits and the signs . + - _ instead."
            raise UserError(what, todo, code="recipe-name")
        chain = SamplerChain(self.samplers, self.values)
        object.__setattr__(self, "samplers", chain.samplers)
        object.__setattr__(self, "values", chain.values)
        for field in ("title", "source", "meaning"):
            object.__setattr__(self, field, one_line(getattr(self, field)))

    def __hash__(self) -> int:
        return hash((self.id, self.chain, self.constraints))

    @property
    def chain(self) -> SamplerChain:
        """The recipe's chain."""
        return SamplerChain(self.samplers, self.values)

    @classmethod
    def of(
        cls,
        chain: SamplerChain,
        title: str,
        *,
        source: str = "",
        name: str = "",
        constraints: Constraints = NO_CONSTRAINTS,
    ) -> Recipe:
        """A user's recipe from a chain; without `name` its id is made from the title."""
        made, values = recipe_id(name or title), chain.values
        return cls(made, title, source, chain.samplers, values, constraints=constraints)

    def to_json(self) -> dict[str, Any]:
        """The recipe as its file holds it: strict JSON with every value."""
        limits = self.constraints.to_json()
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.id,
            "title": self.title,
            "source": self.source,
            "meaning": self.meaning,
            "sampling": self.chain.to_json(),
            **({"constraints": limits} if limits else {}),
        }

    @classmethod
    def from_json(cls, data: object, name: str = "") -> Recipe:
        """The recipe that `to_json` wrote; `name` replaces the one it states.

        Raises:
            UserError: for anything else, also for a newer version.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            what = "This is not a recipe of QwQ Desk."
            raise UserError(what, f'Its format must be "{FORMAT}".', code="recipe")
        if data.get("version") != VERSION:
            what = f"The recipe has version {shown(data.get('version'))}; {VERSION} can be read."
            raise UserError(what, "Update QwQ Desk to read it.", code="recipe")
        chain = SamplerChain.from_json(data.get("sampling"))
        texts = {key: data.get(key, "") for key in ("name", "title", "source", "meaning")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise UserError("A text of the recipe is not a text.", "Fix the file.", code="recipe")
        made = recipe_id(name or texts["name"] or texts["title"])
        title = texts["title"] or made
        source, meaning = texts["source"], texts["meaning"]
        limits = Constraints.from_json(data.get("constraints", {}))
        values = chain.values
        return cls(made, title, source, chain.samplers, values, meaning, constraints=limits)


def one_line(text: str) -> str:
    """Foreign text for one line of the screen: no control characters, not endless."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(clean.encode("utf-8", "replace").decode("utf-8").split())[:_MAX_TEXT]


def recipe_id(text: str) -> str:
    """A name that is safe as a file name everywhere and needs no quotes in a ``--lane``.

    Letters of any script stay, in lower case; anything else becomes a hyphen.
    """
    # Long runs of combining signs take a time that grows with the square of their number.
    start = text[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
    folded = unicodedata.normalize("NFKC", start)
    kept = "".join(c if c.isalnum() or c in "._+-" else "-" for c in folded.lower())
    while "--" in kept:
        kept = kept.replace("--", "-")
    name = unicodedata.normalize("NFC", kept)[:MAX_ID]
    while len(name.encode("utf-8")) > MAX_ID * 3:
        name = name[:-1]
    name = name.strip("-. ") or "recipe"
    return f"recipe-{name}" if name.split(".")[0] in _RESERVED else name


def free_title(title: str, recipes: Iterable[Recipe]) -> str:
    """The title, with a number where one of the recipes has the id that it would get."""
    taken = {recipe.id for recipe in recipes}
    made, number = title, 1
    while recipe_id(made) in taken:
        number += 1
        made = f"{title} {number}"
        if recipe_id(made) == recipe_id(title):  # too long: the number at its end is cut off
            made = f"{number} {title}"
    return made


def recipe_named(text: str, recipes: Iterable[Recipe]) -> Recipe:
    """The recipe with this id or title, in any case.

    Raises:
        UserError: listing the names that exist.
    """
    every = tuple(recipes)
    wanted = text.strip().casefold()
    for recipe in every:
        if recipe.id.casefold() == wanted:
            return recipe
    for recipe in every:
        if recipe.title.casefold() == wanted:
            return recipe
    what = f"There is no recipe named {shown(text)!r}."
    known = ", ".join(recipe.id for recipe in every)
    raise UserError(what, f"The recipes are: {known}.", code="recipe-unknown")


_UNSLOTH_ORDER: Final = "top_k;top_p;min_p;temperature;dry;typ_p;xtc"
_UNSLOTH_VALUES: Final[Mapping[str, object]] = {
    "temperature": 0.6,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.1,
    "repeat_penalty": 1.1,
    "dry_multiplier": 0.5,
    "seed": 3407,
}
_UNSLOTH: Final = "Unsloth, How to run QwQ-32B effectively"
_LLAMA_CPP: Final = "llama.cpp, common/common.h"
_LLAMA_CPP_ORDER: Final = (
    "The guide's failing case: its values (temperature 0.6, min-p 0.1, DRY 0.5) in llama.cpp's own "
    "order, where penalties come first and see the whole vocabulary."
)
_WITH_PENALTY: Final = (
    "What llama.cpp does unasked, and a repeat penalty of {}, which comes first and sees the whole "
    "vocabulary."
)


def _builtin(
    name: str, title: str, source: str, meaning: str, order: str | None, **values: object
) -> Recipe:
    steps = None if order is None else order_from_text(order)
    chain = SamplerChain.of(steps, **values)
    return Recipe(name, title, source, chain.samplers, chain.values, meaning, builtin=True)


BUILTIN_RECIPES: Final[tuple[Recipe, ...]] = (
    _builtin(
        "qwen",
        "Qwen official",
        "Qwen, model card of QwQ-32B",
        "Temperature 0.6, top-k 40, top-p 0.95, min-p 0.1, no penalty, in llama.cpp's order.",
        None,
        temperature=0.6,
        top_k=40,
        top_p=0.95,
        min_p=0.1,
    ),
    _builtin(
        "unsloth",
        "Unsloth for llama.cpp",
        _UNSLOTH,
        "The guide's command as it stands. Its order does not name penalties, so its repeat "
        "penalty of 1.1 has no effect.",
        _UNSLOTH_ORDER,
        **_UNSLOTH_VALUES,
    ),
    _builtin(
        "unsloth+penalties",
        "Unsloth with penalties",
        f"{_UNSLOTH}, with penalties added to the order",
        "The guide's order with penalties where it puts DRY: after the truncating steps, so that "
        "the repeat penalty of 1.1 acts, but only on tokens that were likely without it.",
        "top_k;top_p;min_p;temperature;penalties;dry;typ_p;xtc",
        **_UNSLOTH_VALUES,
    ),
    _builtin("llama.cpp", "llama.cpp default", _LLAMA_CPP, "What llama.cpp does unasked.", None),
    _builtin(
        "llama.cpp+1.1",
        "Unsloth's values, llama.cpp's order, penalty 1.1",
        f"{_UNSLOTH}: its run without the order",
        _LLAMA_CPP_ORDER,
        None,
        **_UNSLOTH_VALUES,
    ),
    _builtin(
        "llama.cpp+1.5",
        "Unsloth's values, llama.cpp's order, penalty 1.5",
        f"{_UNSLOTH}: worse still",
        "As llama.cpp+1.1 with a repeat penalty of 1.5.",
        None,
        **{**_UNSLOTH_VALUES, "repeat_penalty": 1.5},
    ),
    _builtin(
        "llama.cpp-default+1.1",
        "llama.cpp default + penalty 1.1",
        f"{_LLAMA_CPP}, with a repeat penalty",
        _WITH_PENALTY.format(1.1),
        None,
        repeat_penalty=1.1,
    ),
    _builtin(
        "llama.cpp-default+1.5",
        "llama.cpp default + penalty 1.5",
        f"{_LLAMA_CPP}, with a repeat penalty",
        _WITH_PENALTY.format(1.5),
        None,
        repeat_penalty=1.5,
    ),
    _builtin(
        "greedy",
        "Greedy",
        "llama.cpp",
        "Always the likeliest token; the seed has no effect.",
        "top_k;temperature",
        temperature=0.0,
        top_k=1,
        top_p=1.0,
        min_p=0.0,
    ),
)
