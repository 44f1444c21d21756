"""resolve: user over recipe over model over default, and the source of each value."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, recipe_named
from qwqdesk.sampling.resolve import draw_seed, parse_model_sampling, resolve
from qwqdesk.sampling.samplers import DEFAULT_ORDER, PARAMS, RANDOM_SEEDS
from tests.unit.sampling.chain_strategies import JSON

UNSLOTH = recipe_named("unsloth", BUILTIN_RECIPES)
MODEL = {"temperature": 0.3, "top_k": 20, "samplers": ["temperature"]}


def test_defaults_when_nobody_says_anything() -> None:
    resolved = resolve({})
    assert resolved.chain.samplers == DEFAULT_ORDER
    assert set(resolved.sources) == {*PARAMS, "samplers"}
    assert set(resolved.sources.values()) == {"default"}
    assert not resolved.use_model


def test_precedence_name_by_name() -> None:
    resolved = resolve({"top_k": 5}, None, MODEL)
    assert (resolved.chain["top_k"], resolved.sources["top_k"]) == (5, "user")
    assert (resolved.chain["temperature"], resolved.sources["temperature"]) == (0.3, "model")
    assert (resolved.chain.samplers, resolved.sources["samplers"]) == (("temperature",), "model")
    assert (resolved.chain["min_p"], resolved.sources["min_p"]) == (0.05, "default")


def test_a_recipe_states_every_value_and_beats_the_model() -> None:
    resolved = resolve({"repeat_penalty": 1.2, "samplers": "top_k;penalties"}, UNSLOTH, MODEL)
    assert resolved.chain["temperature"] == 0.6
    assert resolved.chain.order_text == "top_k;penalties"
    kinds = {name: s for name, s in resolved.sources.items() if s != "recipe"}
    assert kinds == {"repeat_penalty": "user", "samplers": "user"}


@pytest.mark.parametrize("layer", [{"heat": 1}, {"top_p": 3}, {"samplers": 5}])
def test_wrong_layers_are_refused(layer: dict[str, object]) -> None:
    with pytest.raises(UserError):
        resolve(layer)


@pytest.mark.parametrize("seed", sorted(RANDOM_SEEDS))
def test_a_random_seed_is_drawn_once(seed: int) -> None:
    resolved = resolve({"seed": seed})
    drawn = resolved.with_drawn_seed()
    assert not drawn.chain.has_random_seed
    assert drawn.with_drawn_seed() == drawn
    assert resolved.with_drawn_seed(42).chain["seed"] == 42


def test_a_given_seed_stays() -> None:
    assert resolve({"seed": 3407}).with_drawn_seed(42).chain["seed"] == 3407


def test_drawn_seeds_have_32_bits() -> None:
    rng = random.Random(1)
    assert all(0 <= draw_seed(rng) < 2**32 - 1 for _ in range(100))


def test_a_models_own_values() -> None:
    found = parse_model_sampling(
        {
            "general.name": "x",
            "general.sampling.temp": 0.6000000238418579,
            "general.sampling.top_k": "20",
            "general.sampling.penalty_last_n": 128,
            "general.sampling.penalty_repeat": "1.05",
            "general.sampling.mirostat": 0,
            "general.sampling.sequence": "top_k;temperature",
        }
    )
    assert found.values == {
        "temperature": 0.6,
        "top_k": 20,
        "repeat_last_n": 128,
        "repeat_penalty": 1.05,
        "mirostat": 0,
        "samplers": ("top_k", "temperature"),
    }
    assert found.problems == ()


def test_hostile_metadata_is_reported_and_left_out() -> None:
    found = parse_model_sampling(
        {
            "general.sampling.top_p": "7",
            "general.sampling.temp": float("nan"),
            "general.sampling.sequence": "top_k;rm -rf",
            "general.sampling.surprise": 1,
        }
    )
    assert found.values == {}
    assert len(found.problems) == 4


@given(st.dictionaries(st.sampled_from([f"general.sampling.{n}" for n in PARAMS]), JSON))
def test_any_metadata_can_be_looked_at(metadata: dict[str, object]) -> None:
    found = parse_model_sampling(metadata)  # type: ignore[arg-type]
    resolve({}, None, found.values)
