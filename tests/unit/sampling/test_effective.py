"""The effective chain and the differences between two chains."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.differences import differences
from qwqdesk.sampling.effective import EffectiveChain, effective_chain, native_name
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, recipe_named
from qwqdesk.sampling.resolve import resolve
from qwqdesk.sampling.samplers import DEFAULT_ORDER
from tests.unit.sampling.chain_strategies import CHAINS

UNSLOTH = recipe_named("unsloth", BUILTIN_RECIPES)


def names(effective: EffectiveChain) -> list[str | None]:
    return [native_name(step) for step in effective.steps]


def codes(effective: EffectiveChain) -> list[str]:
    return [warning.code for warning in effective.warnings]


def state(chain: SamplerChain, sampler: str) -> str | None:
    step = effective_chain(chain).step(sampler)
    return step.state if step else None


def test_unsloths_penalty_is_inert() -> None:
    resolved = resolve({}, UNSLOTH)
    effective = effective_chain(resolved.chain, resolved.sources)
    assert names(effective) == [
        *("top-k", "top-p", "min-p", "temp-ext", "dry", "?typical", "?xtc", "dist"),
        None,
    ]
    penalties = effective.step("penalties")
    assert penalties is not None
    assert (penalties.state, penalties.position) == ("absent", None)
    assert "by the recipe" in penalties.why
    assert codes(effective) == ["penalties-not-in-chain"]
    assert effective.warnings[0].text == (
        "repeat_penalty 1.1 is set, but penalties is not in the chain: it has no effect."
    )


def test_llama_cpps_default_chain() -> None:
    effective = effective_chain(SamplerChain.of())
    assert names(effective) == [
        *("?penalties", "?dry", "?top-n-sigma", "top-k", "?typical", "top-p", "min-p", "?xtc"),
        *("temp-ext", "dist"),
    ]
    assert [step.position for step in effective.steps] == list(range(10))
    assert effective.warnings == ()


@pytest.mark.parametrize(
    ("sampler", "values", "expected"),
    [
        ("penalties", {"repeat_penalty": 1.1}, "active"),
        ("penalties", {"repeat_penalty": 1.1, "repeat_last_n": 0}, "neutral"),
        ("penalties", {"repeat_penalty": 1.1, "repeat_last_n": -1}, "active"),
        ("penalties", {"presence_penalty": 0.5}, "active"),
        ("penalties", {"frequency_penalty": -0.5}, "active"),
        ("penalties", {"repeat_penalty": 1.00000001}, "neutral"),
        ("dry", {"dry_multiplier": 0.5}, "active"),
        ("dry", {"dry_multiplier": 0.5, "dry_penalty_last_n": 0}, "neutral"),
        ("dry", {"dry_multiplier": 1e-60}, "neutral"),
        ("top_n_sigma", {"top_n_sigma": 0.0}, "neutral"),
        ("top_n_sigma", {"top_n_sigma": 1.0}, "active"),
        ("top_k", {"top_k": 0}, "neutral"),
        ("top_k", {"top_k": -1}, "neutral"),
        ("typ_p", {"typical_p": 0.99999999999}, "neutral"),
        ("typ_p", {"typical_p": 0.9}, "active"),
        ("top_p", {"top_p": 1.0}, "neutral"),
        ("min_p", {"min_p": 0.0}, "neutral"),
        ("xtc", {"xtc_probability": 0.5}, "active"),
        ("xtc", {"xtc_probability": 0.5, "xtc_threshold": 0.5}, "active"),
        ("xtc", {"xtc_probability": 0.5, "xtc_threshold": 0.51}, "neutral"),
        ("temperature", {"temperature": 1.0}, "neutral"),
        ("temperature", {"temperature": 1.0, "dynatemp_range": 0.2}, "active"),
        ("temperature", {"temperature": 0.0}, "active"),
    ],
)
def test_neutral_as_in_llama_cpp(sampler: str, values: dict[str, object], expected: str) -> None:
    assert state(SamplerChain.of([sampler], **values), sampler) == expected


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"repeat_penalty": 1.1}, "penalties-not-in-chain"),
        ({"dry_multiplier": 0.5}, "dry-not-in-chain"),
        ({"top_n_sigma": 1.0}, "top_n_sigma-not-in-chain"),
        ({"top_k": 20}, "top_k-not-in-chain"),
        ({"typical_p": 0.5}, "typ_p-not-in-chain"),
        ({"min_p": 0.2}, "min_p-not-in-chain"),
        ({"xtc_probability": 0.5}, "xtc-not-in-chain"),
        ({"temperature": 0.6}, "temperature-not-in-chain"),
        ({"adaptive_target": 0.3}, "adaptive_p-not-in-chain"),
    ],
)
def test_values_whose_step_is_missing(values: dict[str, object], code: str) -> None:
    resolved = resolve({**values, "samplers": ["top_p"]})
    assert codes(effective_chain(resolved.chain, resolved.sources)) == [code]
    assert codes(effective_chain(resolved.chain)) == [code]


def test_a_default_is_not_a_value_somebody_set() -> None:
    resolved = resolve({"samplers": ["temperature"], "repeat_penalty": 1.0})
    assert effective_chain(resolved.chain, resolved.sources).warnings == ()
    set_to_default = resolve({"samplers": ["temperature"], "top_k": 40})
    effective = effective_chain(set_to_default.chain, set_to_default.sources)
    assert codes(effective) == ["top_k-not-in-chain"]


def test_mirostat_replaces_the_chain() -> None:
    effective = effective_chain(SamplerChain.of(mirostat=2, logit_bias=[[1, False]]))
    assert names(effective)[:3] == ["logit-bias", "temp", "mirostat-v2"]
    absent = [step.sampler for step in effective.steps if step.state == "absent"]
    assert absent == list(DEFAULT_ORDER)
    assert codes(effective) == ["mirostat-replaces-chain"]
    assert names(effective_chain(SamplerChain.of(mirostat=1, temperature=1.0)))[:2] == [
        "?temp",
        "mirostat",
    ]


def test_adaptive_p_takes_the_place_of_the_draw() -> None:
    effective = effective_chain(SamplerChain.of(["top_k", "adaptive_p"]))
    assert names(effective) == ["top-k", "adaptive-p"]
    assert effective.steps[-1].state == "selecting"


def test_logit_bias_stands_first_when_it_is_set() -> None:
    first = effective_chain(SamplerChain.of(ignore_eos=True)).steps[0]
    assert (first.sampler, first.position, first.state) == ("logit_bias", 0, "active")
    assert effective_chain(SamplerChain.of()).step("logit_bias") is None


def test_temperature_zero_is_explained() -> None:
    draw = effective_chain(SamplerChain.of(temperature=0.0)).step("dist")
    assert draw is not None
    assert "seed has no effect" in draw.why


@pytest.mark.parametrize(
    ("order", "values", "warned"),
    [
        (None, {"top_n_sigma": 1.0}, True),
        (None, {"ignore_eos": True}, True),
        (None, {"logit_bias": [[1, False]]}, True),
        (None, {"logit_bias": [[1, -5.0]]}, False),
        (["temperature", "typ_p"], {"temperature": 0.0}, True),
        (["typ_p", "temperature"], {"temperature": 0.0}, False),
        (["typ_p", "top_n_sigma"], {"top_n_sigma": 1.0}, False),
        (None, {}, False),
    ],
)
def test_typical_after_masking(
    order: list[str] | None, values: dict[str, object], warned: bool
) -> None:
    chain = SamplerChain.of(order, typical_p=0.9, **values)
    assert ("typ_p-after-masking" in codes(effective_chain(chain))) == warned
    neutral = chain.with_values(typical_p=1.0)
    assert "typ_p-after-masking" not in codes(effective_chain(neutral))


@given(CHAINS)
def test_every_chain_can_be_explained(chain: SamplerChain) -> None:
    effective = effective_chain(chain)
    written = effective.to_json()
    json.dumps(written, allow_nan=False)
    assert set(written) == {"chain", "warnings", "samplers", "llama_args"}
    run = [step for step in effective.steps if step.state != "absent"]
    assert [step.position for step in run] == list(range(len(run)))
    assert [step.state for step in run].count("selecting") == 1
    assert run[-1].state == "selecting"
    assert all(step.why.endswith(".") for step in effective.steps)
    assert all(native_name(step) for step in run)
    assert differences(chain, chain) == ()


def texts(a: SamplerChain, b: SamplerChain) -> list[str]:
    return [difference.text for difference in differences(a, b)]


def test_the_chips_of_the_guides_comparison() -> None:
    failing = recipe_named("llama.cpp+1.1", BUILTIN_RECIPES)
    assert texts(UNSLOTH.chain, failing.chain) == ["penalties added", "order"]
    assert texts(failing.chain, UNSLOTH.chain) == ["penalties missing", "order"]
    fixed = recipe_named("unsloth+penalties", BUILTIN_RECIPES)
    assert texts(UNSLOTH.chain, fixed.chain) == ["penalties added"]


def test_the_most_important_difference_comes_first() -> None:
    a = SamplerChain.of(["top_k", "top_p", "min_p"], seed=1)
    b = SamplerChain.of(["top_p", "top_k", "temperature"], seed=2, top_k=7, n_predict=9)
    assert [d.kind for d in differences(a, b)] == [
        *("missing", "added", "order", "value", "value", "value"),
    ]
    assert texts(a, b)[-3:] == ["top_k 7", "seed 2", "n_predict 9"]


def test_what_has_no_effect_on_either_side_is_left_out() -> None:
    a = SamplerChain.of(["top_k"], repeat_penalty=1.1, seed=-1)
    b = SamplerChain.of(["typ_p", "top_k", "xtc"], repeat_penalty=1.5, xtc_threshold=0.3)
    assert texts(a, b) == []
    assert texts(SamplerChain.of(min_keep=1), SamplerChain.of(min_keep=2)) == ["min_keep 2"]
    assert texts(SamplerChain.of(["top_k"]), SamplerChain.of(["top_k"], min_keep=2)) == []


def test_values_that_come_to_life() -> None:
    a, b = SamplerChain.of(), SamplerChain.of(dry_multiplier=0.5, mirostat_tau=3.0)
    assert texts(a, b) == ["dry_multiplier 0.5"]


def test_mirostat_is_one_difference() -> None:
    assert texts(SamplerChain.of(), SamplerChain.of(mirostat=2)) == ["mirostat 2"]
    both = SamplerChain.of(mirostat=2, mirostat_tau=3.0, top_k=5)
    assert texts(SamplerChain.of(mirostat=2), both) == ["mirostat_tau 3.0"]
