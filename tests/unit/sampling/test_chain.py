"""SamplerChain: always whole and valid, changed only by copies, written as INTERFACE says."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.samplers import DEFAULT_ORDER, PARAMS
from tests.unit.sampling.chain_strategies import CHAINS, JSON


def test_defaults_are_llama_cpps() -> None:
    chain = SamplerChain.of()
    assert chain.samplers == DEFAULT_ORDER
    assert chain["temperature"] == 0.8
    assert chain["dry_sequence_breakers"] == ("\n", ":", '"', "*")
    assert chain.has_random_seed


def test_names_are_made_canonical() -> None:
    assert SamplerChain.of(["Top-K", "temp", "nucleus"]).order_text == "top_k;temperature;top_p"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (["top_k", "topk"], "top_k is listed twice"),
        (["adaptive_p", "top_k"], "adaptive_p must be the last step"),
        (["dist"], "dist is not a step"),
        (["mirostat"], "mirostat is not a step"),
        (["logit_bias"], "logit_bias is not a step"),
        (["top_z"], "no sampler named 'top_z'"),
    ],
)
def test_orders_that_are_refused_say_why(order: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        SamplerChain.of(order)


def test_a_chain_without_every_value_is_refused() -> None:
    with pytest.raises(UserError, match="lacks"):
        SamplerChain(("top_k",), {"top_k": 40})
    with pytest.raises(UserError, match="no sampling setting named 'heat'"):
        SamplerChain.of(heat=1)


def test_steps_move_without_losing_their_values() -> None:
    chain = SamplerChain.of(["top_k", "top_p", "temperature"], top_k=7)
    assert chain.moved("temperature", 0).samplers == ("temperature", "top_k", "top_p")
    assert chain.without_step("top_k")["top_k"] == 7
    assert chain.without_step("dry") == chain
    assert chain.with_step("dry", 1).samplers == ("top_k", "dry", "top_p", "temperature")
    last = chain.with_step("adaptive_p", 0)
    assert last.samplers[-1] == "adaptive_p"
    assert last.with_step("xtc").samplers[-2:] == ("xtc", "adaptive_p")


def test_minus_one_becomes_the_context() -> None:
    chain = SamplerChain.of(repeat_last_n=-1, dry_penalty_last_n=2**31 - 1).with_context(4096)
    assert (chain["repeat_last_n"], chain["dry_penalty_last_n"]) == (4096, 4096)
    assert SamplerChain.of(repeat_last_n=64).with_context(4096)["repeat_last_n"] == 64


@given(CHAINS)
def test_json_holds_everything(chain: SamplerChain) -> None:
    written = chain.to_json()
    assert set(written) == {*PARAMS, "samplers"}
    text = json.dumps(written, allow_nan=False)
    assert SamplerChain.from_json(json.loads(text)) == chain


@given(CHAINS)
def test_a_chain_travels_and_compares(chain: SamplerChain) -> None:
    again = pickle.loads(pickle.dumps(chain))
    assert again == chain
    assert hash(again) == hash(copy.deepcopy(chain))


def test_minus_infinity_is_written_false() -> None:
    chain = SamplerChain.of(logit_bias=[[5, False], [7, 1.5]])
    assert chain.to_json()["logit_bias"] == [[5, False], [7, 1.5]]


@given(JSON)
def test_hostile_json_only_ever_raises_user_errors(data: object) -> None:
    with contextlib.suppress(UserError):
        SamplerChain.from_json(data)


@given(st.dictionaries(st.sampled_from([*PARAMS, "samplers"]), JSON))
def test_hostile_values_under_known_names(data: dict[str, object]) -> None:
    try:
        chain = SamplerChain.from_json(data)
    except UserError:
        return
    json.dumps(chain.to_json(), allow_nan=False)
