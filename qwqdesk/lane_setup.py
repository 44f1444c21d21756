"""What a lane is before it runs: a recipe and what the user changed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.resolve import Resolved, resolve

MAX_PATH: Final = 4096


@dataclass(frozen=True)
class LaneSetup:
    """One lane's settings. `user` holds only what the user set, by name, "samplers" included.

    `model_values` are the model's own sampling values, when the user chose to use them. `model` is
    the path of the file that the lane runs on; None is whatever is loaded.
    """

    label: str
    recipe: Recipe | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    model_values: Mapping[str, Any] | None = None
    model: str | None = None

    def resolved(self) -> Resolved:
        """All values with their sources.

        Raises:
            UserError: for a value outside its range.
        """
        return resolve(self.user, self.recipe, self.model_values)

    def with_chain(self, chain: SamplerChain) -> LaneSetup:
        """The setup whose resolved chain is `chain`: what differs from the rest is the user's."""
        base = resolve({}, self.recipe, self.model_values).chain
        user: dict[str, Any] = {
            name: value for name, value in chain.values.items() if value != base.value(name)
        }
        if chain.samplers != base.samplers:
            user["samplers"] = list(chain.samplers)
        return replace(self, user=user)

    def with_recipe(self, recipe: Recipe | None) -> LaneSetup:
        """The setup with another recipe and none of the user's changes."""
        return replace(self, recipe=recipe, user={})

    @property
    def edited(self) -> bool:
        """Whether the user changed something of the recipe (the seed does not count)."""
        return any(name != "seed" for name in self.user)

    def to_json(self) -> dict[str, Any]:
        """For the conversation's record; values as INTERFACE's `sampling` object writes them."""
        shown = self.resolved().chain.to_json()
        own_model = {"model": self.model} if self.model else {}
        return {
            "label": self.label,
            "recipe": self.recipe.id if self.recipe else None,
            "user": {name: shown[name] for name in self.user},
            **own_model,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], recipes: Mapping[str, Recipe]) -> LaneSetup:
        """A setup read from a conversation's record; what cannot be read falls back."""
        user, model = data.get("user"), data.get("model")
        setup = cls(
            label=str(data.get("label", "A")),
            recipe=recipes.get(str(data.get("recipe"))),
            user=dict(user) if isinstance(user, Mapping) else {},
            model=model if isinstance(model, str) and 0 < len(model) <= MAX_PATH else None,
        )
        try:
            setup.resolved()
        except UserError:
            return replace(setup, user={})
        return setup
