"""The comparison that is one click away at the first start: prompt, seed and two lanes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from qwqdesk.conversation import LANE_LABELS
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.resources import resource
from qwqdesk.sampling.recipes import Recipe


@dataclass(frozen=True)
class Comparison:
    """What will be sent."""

    prompt: str
    lanes: tuple[LaneSetup, ...]


def first_comparison(recipes: Mapping[str, Recipe]) -> Comparison:
    """The shipped comparison, see `resources/prompts/first_comparison.json`.

    It is chosen by measuring, so that what README says is what is seen: the same values in two
    orders, one right answer and one wrong one.

    Raises:
        UserError: when the file is missing from this installation.
    """
    try:
        text = resource("prompts", "first_comparison.json").read_text("utf-8")
    except OSError as error:
        raise UserError(
            "The first comparison is missing from this installation.",
            "Install the program again, or write a prompt of your own.",
            code="not_found",
        ) from error
    data = json.loads(text)
    lanes = zip(LANE_LABELS, data["lanes"], strict=False)
    seed = {"seed": int(data["seed"])}
    return Comparison(
        data["prompt"], tuple(LaneSetup(label, recipes[name], seed) for label, name in lanes)
    )
