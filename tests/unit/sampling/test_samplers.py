"""The sampler table: names, aliases, defaults and the check of values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.sampling.samplers import (
    DEFAULT_ORDER,
    PARAMS,
    SAMPLERS,
    STEPS,
    order_from_letters,
    order_from_text,
    sampler_named,
)
from tests.unit.sampling.chain_strategies import JSON

# fmt: off
INTERFACE_NAMES = {
    "seed", "temperature", "dynatemp_range", "dynatemp_exponent", "top_k", "top_p", "min_p",
    "top_n_sigma", "xtc_probability", "xtc_threshold", "typical_p", "repeat_last_n",
    "repeat_penalty", "presence_penalty", "frequency_penalty", "dry_multiplier", "dry_base",
    "dry_allowed_length", "dry_penalty_last_n", "dry_sequence_breakers", "mirostat",
    "mirostat_tau", "mirostat_eta", "adaptive_target", "adaptive_decay", "min_keep",
    "logit_bias", "ignore_eos", "n_predict", "stop",
}
# fmt: on


def test_the_table_has_exactly_the_names_of_the_interface() -> None:
    assert set(PARAMS) == INTERFACE_NAMES


def test_every_default_and_neutral_value_is_allowed() -> None:
    for param in PARAMS.values():
        assert param.check(param.default) == param.default
        if param.neutral is not None:
            assert param.check(param.neutral) == param.neutral


def test_every_entry_is_explained() -> None:
    for sampler in SAMPLERS:
        assert sampler.title
        assert sampler.meaning.endswith(".")
        assert sampler.source
        for param in sampler.params:
            assert param.title
            assert param.meaning.endswith(".")
            assert all(flag.startswith("-") for flag in param.flags)


def test_llama_cpps_letters_and_default_order() -> None:
    assert "".join(s.letter for s in STEPS) == "edskypmxta"
    assert order_from_letters("edskypmxt") == DEFAULT_ORDER
    assert order_from_text(";".join(DEFAULT_ORDER)) == DEFAULT_ORDER


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("TOP_K", "top_k"),
        ("top-k", "top_k"),
        ("topk", "top_k"),
        ("nucleus", "top_p"),
        ("temp", "temperature"),
        ("typ", "typ_p"),
        ("typ-p", "typ_p"),
        ("top-n-sigma", "top_n_sigma"),
        ("topnsigma", "top_n_sigma"),
        ("adaptive-p", "adaptive_p"),
        (" Min_P ", "min_p"),
    ],
)
def test_aliases_of_llama_cpp(text: str, name: str) -> None:
    assert sampler_named(text).name == name


@pytest.mark.parametrize("text", ["typical_p", "typical-p", "repetition_penalty", "", "infill"])
def test_names_that_llama_cpp_would_skip_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="no sampler named"):
        sampler_named(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_p", 1.4),
        ("top_p", -0.1),
        ("top_p", math.nan),
        ("temperature", -1),
        ("temperature", math.inf),
        ("temperature", 1e39),
        ("temperature", True),
        ("temperature", "0.6"),
        ("temperature", 10**400),
        ("top_k", 2**31),
        ("top_k", 1.5),
        ("top_k", True),
        ("repeat_penalty", 0),
        ("repeat_penalty", 1e-40),
        ("repeat_last_n", -2),
        ("dry_base", 0.9),
        ("adaptive_decay", 1.0),
        ("mirostat", 3),
        ("seed", 2**32),
        ("stop", "text"),
        ("stop", [""]),
        ("stop", ["a\0b"]),
        ("stop", ["\ud800"]),
        ("logit_bias", [[1, math.inf]]),
        ("logit_bias", [[1, math.nan]]),
        ("logit_bias", [[1, True]]),
        ("logit_bias", [[-1, 1.0]]),
        ("logit_bias", [[True, 1.0]]),
        ("logit_bias", [[1, 2, 3]]),
        ("ignore_eos", 1),
    ],
)
def test_a_refused_value_is_named_with_what_is_allowed(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        PARAMS[name].check(value)
    assert caught.value.what.startswith(f"{name} cannot be ")
    assert PARAMS[name].allowed in caught.value.what


def test_a_number_too_long_to_print_is_refused_all_the_same() -> None:
    with pytest.raises(UserError, match="top_k cannot be a number that large"):
        PARAMS["top_k"].check(10**5000)


def test_values_become_canonical() -> None:
    assert PARAMS["top_k"].check(40.0) == 40
    assert isinstance(PARAMS["temperature"].check(1), float)
    assert str(PARAMS["presence_penalty"].check(-0.0)) == "0.0"
    assert PARAMS["logit_bias"].check({"5": False, 7: 1}) == ((5, -math.inf), (7, 1.0))
    assert PARAMS["logit_bias"].check([{"token": 5, "bias": 2}]) == ((5, 2.0),)


@pytest.mark.parametrize("text", ["nan", "inf", "0x10", "1_0", "", "1,5", "٣", "0.5abc"])
def test_only_decimal_numbers_are_read(text: str) -> None:
    with pytest.raises(UserError):
        PARAMS["temperature"].parse(text)


def test_numbers_of_a_command_line() -> None:
    assert PARAMS["top_n_sigma"].parse("-1e0") == -1.0
    assert PARAMS["temperature"].parse(".5") == 0.5
    assert PARAMS["seed"].parse("-1") == -1


@given(st.sampled_from(sorted(PARAMS)), JSON)
def test_hostile_values_only_ever_raise_user_errors(name: str, value: object) -> None:
    try:
        checked = PARAMS[name].check(value)
    except UserError:
        return
    assert PARAMS[name].check(checked) == checked
