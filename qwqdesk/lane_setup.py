"""What a lane is before it runs: a recipe and what the user changed of it.

A lane may have a second chain for its answer, and rules of its own for loops and reasoning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import NO_BUDGET
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.param import INT32_MAX
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.resolve import Resolved, resolve
from qwqdesk.template_variables import TemplateVariables

MAX_PATH: Final = 4096


@dataclass(frozen=True)
class LaneSetup:
    """One lane's settings. `user` holds only what the user set, by name, "samplers" included.

    `model_values` are the model's own sampling values, when the user chose to use them. `model` is
    the path of the file that the lane runs on; None is whatever is loaded. `answer` is the chain
    of its answer; None is one chain for all. `constraints` are the user's in place of the recipe's;
    None leaves those. The rest are its own rules (see `LaneRules`); None leaves them to the run's
    options. `variables` are the lane's own for the chat template; None are the chat's. `warnings`
    are about how the settings were written, and no setting.
    """

    label: str
    recipe: Recipe | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    model_values: Mapping[str, Any] | None = None
    model: str | None = None
    answer: AnswerSetup | None = None
    loop_guard: LoopGuard | None = None
    reasoning_budget: int | None = None
    reasoning_budget_message: str | None = None
    constraints: Constraints | None = None
    variables: TemplateVariables | None = None
    warnings: tuple[ChainWarning, ...] = field(default=(), compare=False)

    def resolved(self) -> Resolved:
        """All values with their sources, those of the answer's chain in `answer`.

        Raises:
            UserError: for a value outside its range.
        """
        found = resolve(self.user, self.recipe, self.model_values)
        answer = self.answer.resolved(found) if self.answer is not None else None
        return replace(found, answer=answer, constraints=self.limits)

    @property
    def limits(self) -> Constraints:
        """What holds for the lane's text."""
        own = self.constraints
        return own if own is not None else self._recipe_limits

    @property
    def _recipe_limits(self) -> Constraints:
        return self.recipe.constraints if self.recipe is not None else NO_CONSTRAINTS

    def with_chain(self, chain: SamplerChain) -> LaneSetup:
        """The setup whose resolved chain is `chain`: what differs from the rest is the user's."""
        base = resolve({}, self.recipe, self.model_values).chain
        user: dict[str, Any] = {
            name: value for name, value in chain.values.items() if value != base.value(name)
        }
        if chain.samplers != base.samplers:
            user["samplers"] = list(chain.samplers)
        return replace(self, user=user)

    def with_seed(self, seed: int) -> LaneSetup:
        """The setup with this seed, whatever its recipe names."""
        return replace(self, user={**self.user, "seed": seed})

    def with_recipe(self, recipe: Recipe | None) -> LaneSetup:
        """The setup with another recipe and none of the user's changes."""
        return replace(self, recipe=recipe, user={}, constraints=None)

    @property
    def edited(self) -> bool:
        """Whether the user changed something of the recipe (the seed does not count)."""
        limited = self.limits != self._recipe_limits
        return limited or any(name != "seed" for name in self.user)

    def to_json(self) -> dict[str, Any]:
        """For the conversation's record; values as INTERFACE's `sampling` object writes them."""
        shown = self.resolved().chain.to_json()
        own = {
            "model": self.model or None,
            "answer": self.answer.to_json() if self.answer is not None else None,
            "loop_guard": self.loop_guard,
            "reasoning_budget": self.reasoning_budget,
            "reasoning_budget_message": self.reasoning_budget_message,
            "constraints": self.constraints.to_json() if self.constraints is not None else None,
            "template_variables": self.variables.values if self.variables is not None else None,
        }
        if self.recipe is not None and not self.recipe.builtin:
            # The user may delete the recipe, and the lane must go on meaning the same.
            own["sampling"] = shown
            if self.limits:
                own["constraints"] = self.limits.to_json()
        return {
            "label": self.label,
            "recipe": self.recipe.id if self.recipe else None,
            "user": {name: shown[name] for name in self.user},
            **{name: value for name, value in own.items() if value is not None},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], recipes: Mapping[str, Recipe]) -> LaneSetup:
        """A setup read from a conversation's record; what cannot be read falls back."""
        user, model, guard = data.get("user"), data.get("model"), data.get("loop_guard")
        budget, message = data.get("reasoning_budget"), data.get("reasoning_budget_message")
        setup = cls(
            label=str(data.get("label", "A")),
            recipe=recipes.get(str(data.get("recipe"))),
            user=dict(user) if isinstance(user, Mapping) else {},
            model=model if isinstance(model, str) and 0 < len(model) <= MAX_PATH else None,
            answer=AnswerSetup.from_json(data.get("answer"), recipes),
            loop_guard=guard if guard in get_args(LoopGuard) else None,
            reasoning_budget=budget if _is_budget(budget) else None,
            reasoning_budget_message=message if isinstance(message, str) else None,
            constraints=_constraints(data.get("constraints")),
            variables=_variables(data.get("template_variables")),
        )
        if setup.recipe is None and data.get("recipe") is not None and "sampling" in data:
            with contextlib.suppress(UserError):
                setup = setup.with_chain(SamplerChain.from_json(data["sampling"]))
        for usable in (setup, replace(setup, answer=None)):
            with contextlib.suppress(UserError):
                usable.resolved()
                return usable
        return replace(setup, user={}, answer=None)


def asked_lanes(lanes: Sequence[LaneSetup], message_id: int) -> list[dict[str, Any]]:
    """The lanes as a conversation keeps them that were asked this message.

    `asked` tells them from lanes that a user adds later and that nobody has asked yet.
    """
    return [{**lane.to_json(), "asked": message_id} for lane in lanes]


def _variables(data: object) -> TemplateVariables | None:
    return None if data is None else TemplateVariables.from_json(data)


def _is_budget(value: object) -> bool:
    return type(value) is int and NO_BUDGET <= value <= INT32_MAX


def _constraints(data: object) -> Constraints | None:
    """Stored constraints; what cannot be read falls back to the recipe's."""
    if data is not None:
        with contextlib.suppress(UserError):
            return Constraints.from_json(data)
    return None
