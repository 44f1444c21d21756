"""The comparison that is one click away at the first start: prompt, seed and two lanes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwqdesk.conversation import LANE_LABELS
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.resources import resource
from qwqdesk.sampling.formats.llama_args import parse_args
from qwqdesk.sampling.formats.shell_words import split_words
from qwqdesk.sampling.recipes import Recipe

_FALLBACK: dict[str, Any] = {
    "prompt_file": "flappy_bird.txt",
    "seed": 1,
    "lanes": ["qwen", "llama.cpp+1.5"],
}


@dataclass(frozen=True)
class Comparison:
    """What will be sent."""

    prompt: str
    lanes: tuple[LaneSetup, ...]


def first_comparison(recipes: Mapping[str, Recipe]) -> Comparison:
    """The shipped comparison, see `resources/prompts/first_comparison.json`.

    Raises:
        UserError: when the files are missing from this installation.
    """
    try:
        data = json.loads(resource("prompts", "first_comparison.json").read_text("utf-8"))
    except FileNotFoundError:
        data = _FALLBACK
    try:
        prompt = resource("prompts", data["prompt_file"]).read_text("utf-8").strip()
    except OSError as error:
        raise UserError(
            "The prompt of the first comparison is missing from this installation.",
            "Install the program again, or write a prompt of your own.",
            code="not_found",
        ) from error
    seed = int(data.get("seed", -1))
    lanes = [
        _lane(label, entry, recipes, seed)
        for label, entry in zip(LANE_LABELS, data["lanes"], strict=False)
    ]
    return Comparison(prompt, tuple(lanes))


def _lane(
    label: str, entry: str | Mapping[str, Any], recipes: Mapping[str, Recipe], seed: int
) -> LaneSetup:
    if isinstance(entry, str):
        return LaneSetup(label, recipes.get(entry), {"seed": seed})
    recipe = recipes.get(str(entry.get("recipe")))
    return LaneSetup(label, recipe, {**_values(entry.get("flags", "")), "seed": seed})


def _values(flags: str | Sequence[str]) -> dict[str, Any]:
    words = split_words(flags) if isinstance(flags, str) else list(flags)
    return dict(parse_args(words).sampling)
