"""A second chain, for a lane's answer alone: what the user chose for it, and what comes of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.resolve import Resolved, resolve

OF_THE_LANE: Final = ("n_predict", "stop")
"""Values that count for a whole reply, so that the answer's chain cannot have its own."""


@dataclass(frozen=True)
class AnswerSetup:
    """The chain of a lane's answer: with a recipe it starts from that, else from the lane's chain.

    `user` holds only what the user set for the answer, by name, "samplers" included.
    """

    recipe: Recipe | None = None
    user: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def between(cls, lane: SamplerChain, answer: SamplerChain) -> AnswerSetup:
        """The setup that makes `answer` of a lane with the chain `lane`."""
        user: dict[str, Any] = {
            name: value
            for name, value in answer.values.items()
            if name not in OF_THE_LANE and value != lane.value(name)
        }
        if answer.samplers != lane.samplers:
            user["samplers"] = list(answer.samplers)
        return cls(None, user)

    def resolved(self, lane: Resolved) -> Resolved:
        """All values with their sources; the seed is the lane's unless the user set one here.

        Raises:
            UserError: for a value outside its range, or one of `OF_THE_LANE`.
        """
        for name in OF_THE_LANE:
            if name in self.user:
                raise UserError(
                    f"{name} applies to the whole reply, not to the answer alone.",
                    "Set it for the lane.",
                    code="value",
                )
        values = {**lane.chain.values, "samplers": lane.chain.samplers}
        shared = (*OF_THE_LANE, "seed") if self.recipe is not None else tuple(values)
        given = {name: values[name] for name in shared if name not in self.user}
        found = resolve({**given, **self.user}, self.recipe)
        return replace(found, sources={**found.sources, **{n: lane.sources[n] for n in given}})

    def to_json(self) -> dict[str, Any]:
        """For the conversation's record."""
        shown = resolve(self.user, self.recipe).chain.to_json()
        return {
            "recipe": self.recipe.id if self.recipe else None,
            "user": {name: shown[name] for name in self.user},
        }

    @classmethod
    def from_json(cls, data: object, recipes: Mapping[str, Recipe]) -> AnswerSetup | None:
        """A setup read from a conversation's record; None for what is none."""
        if not isinstance(data, Mapping):
            return None
        user = data.get("user")
        recipe = recipes.get(str(data.get("recipe")))
        return cls(recipe, dict(user) if isinstance(user, Mapping) else {})
