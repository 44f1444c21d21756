"""A lane's setup: what the user changed of a recipe, and how it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from tests.unit.sampling.chain_strategies import CHAINS, JSON

RECIPES = {recipe.id: recipe for recipe in BUILTIN_RECIPES}


def test_only_what_differs_from_the_recipe_is_the_users() -> None:
    setup = LaneSetup("A", RECIPES["qwen"])
    chain = setup.resolved().chain.with_values(top_k=7)
    changed = setup.with_chain(chain)
    assert changed.user == {"top_k": 7}
    assert changed.edited
    assert changed.resolved().sources["top_k"] == "user"
    assert changed.resolved().sources["top_p"] == "recipe"
    assert not setup.edited
    assert changed.with_recipe(RECIPES["greedy"]).user == {}


def test_a_seed_is_no_edit() -> None:
    assert not LaneSetup("A", user={"seed": 3}).edited


def test_a_changed_order_is_the_users() -> None:
    setup = LaneSetup("A", RECIPES["unsloth"])
    changed = setup.with_chain(setup.resolved().chain.with_step("penalties", 0))
    assert list(changed.user) == ["samplers"]
    assert changed.resolved().chain.samplers[0] == "penalties"


@given(CHAINS)
def test_any_chain_comes_back_from_its_record(chain: SamplerChain) -> None:
    for recipe in (None, RECIPES["qwen"]):
        setup = LaneSetup("B", recipe).with_chain(chain)
        assert setup.resolved().chain == chain
        kept = json.loads(json.dumps(setup.to_json(), allow_nan=False))
        again = LaneSetup.from_json(kept, RECIPES)
        assert again.label == "B"
        assert again.resolved().chain == chain


@given(JSON)
def test_a_damaged_record_gives_a_setup_that_works(data: Any) -> None:  # noqa: ANN401
    record = data if isinstance(data, dict) else {"user": data, "recipe": data, "label": data}
    setup = LaneSetup.from_json(record, RECIPES)
    assert setup.resolved().chain.samplers
    assert isinstance(setup.label, str)


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match="min_p"):
        LaneSetup("A", user={"min_p": 3}).resolved()


def test_the_models_own_values_count_below_the_recipe_and_the_user() -> None:
    model = {"temperature": 0.33, "top_k": 11}
    resolved = LaneSetup("A", user={"top_k": 5}, model_values=model).resolved()
    assert resolved.chain["temperature"] == 0.33
    assert (resolved.chain["top_k"], resolved.sources["top_k"]) == (5, "user")
    assert resolved.sources["temperature"] == "model"
    with_recipe = LaneSetup("A", RECIPES["qwen"], model_values=model).resolved()
    assert with_recipe.sources["temperature"] == "recipe"


# ---------------------------------------------------------------- the answer's own chain


def test_an_answer_starts_from_the_lanes_values_and_says_where_they_are_from() -> None:
    lane = LaneSetup(
        "A", RECIPES["qwen"], {"top_k": 7, "seed": 3}, answer=AnswerSetup(user={"temperature": 0.0})
    )
    answer = lane.resolved().answer
    assert answer is not None
    chain = lane.resolved().chain
    assert answer.chain == chain.with_values(temperature=0.0)
    assert {answer.sources[name] for name in ("top_k", "temperature", "seed")} == {"user"}
    assert answer.sources["top_p"] == "recipe"


def test_an_answer_with_a_recipe_starts_from_that_and_keeps_the_lanes_seed_and_limits() -> None:
    lane = LaneSetup(
        "A",
        None,
        {"top_k": 7, "seed": 3, "n_predict": 50, "stop": ["END"]},
        answer=AnswerSetup(RECIPES["greedy"], {"min_p": 0.2}),
    )
    answer = lane.resolved().answer
    assert answer is not None
    kept = {"seed": 3, "n_predict": 50, "stop": ["END"], "min_p": 0.2}
    assert answer.chain == RECIPES["greedy"].chain.with_values(**kept)
    assert answer.sources["min_p"] == "user"
    assert answer.sources["top_k"] == "recipe"


def test_the_answers_random_seed_is_the_lanes() -> None:
    plain = LaneSetup("A", answer=AnswerSetup(user={"top_k": 3}))
    own = LaneSetup("A", answer=AnswerSetup(user={"seed": 4}))
    for lane, seed in ((plain, 99), (own, 4)):
        found = lane.resolved().with_drawn_seed(99)
        assert found.chain["seed"] == 99
        assert found.answer is not None
        assert found.answer.chain["seed"] == seed


@pytest.mark.parametrize("name", ["n_predict", "stop"])
def test_limits_of_the_reply_are_not_the_answers(name: str) -> None:
    answer = AnswerSetup(user={name: {"n_predict": 3, "stop": ["x"]}[name]})
    with pytest.raises(UserError, match="whole reply"):
        LaneSetup("A", answer=answer).resolved()


@given(CHAINS)
def test_a_lane_with_an_answer_and_rules_comes_back_from_its_record(chain: SamplerChain) -> None:
    values = LaneSetup("A").with_chain(chain).user
    answer = AnswerSetup(
        RECIPES["qwen"], {n: v for n, v in values.items() if n not in ("n_predict", "stop")}
    )
    lane = LaneSetup(
        "B", answer=answer, loop_guard="close", reasoning_budget=5, reasoning_budget_message="Now."
    )
    kept = json.loads(json.dumps(lane.to_json(), allow_nan=False))
    again = LaneSetup.from_json(kept, RECIPES)
    assert again.resolved() == lane.resolved()
    assert (again.loop_guard, again.reasoning_budget, again.reasoning_budget_message) == (
        "close",
        5,
        "Now.",
    )


def test_a_damaged_answer_costs_only_itself() -> None:
    record = {"label": "A", "user": {"top_k": 5}, "answer": {"user": {"min_p": 9}}}
    again = LaneSetup.from_json(record, RECIPES)
    assert (again.user, again.answer) == ({"top_k": 5}, None)
