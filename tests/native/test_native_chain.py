"""The native chain is the effective chain: same steps, same order, same `?`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.llama import LlamaModel
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.effective import effective_chain, native_name
from qwqdesk.sampling.samplers import DEFAULT_ORDER, STEPS
from tests.native.driving import drain, ends_of, lanes_of, run_lanes
from tests.tiny_model import VOCABULARY
from tests.unit.sampling.chain_strategies import CHAINS

N_CTX = 512
PROMPT = (*range(40, 60), *range(40, 60))
MODES: tuple[Mode, ...] = ("exact", "fast")


@pytest.fixture(scope="module")
def loaded(models: dict[str, Path]) -> Iterator[Engine]:
    """An engine with the F16 model."""
    engine = Engine(extra_buffers_safe=lambda: False)
    settings = EngineSettings(n_ctx=N_CTX, n_gpu_layers=0, n_threads=1)
    drain(engine.load(LoadRequest(models["F16"], settings, quantized=False)))
    yield engine
    assert engine.close()


def native_names(model: LlamaModel, chain: SamplerChain) -> list[str]:
    native = model.chain(chain.with_context(N_CTX))
    try:
        return list(native.names())
    finally:
        native.close()


def expected_names(chain: SamplerChain) -> list[str]:
    names = (native_name(step) for step in effective_chain(chain).steps)
    return [name for name in names if name is not None]


@settings(max_examples=80)
@given(CHAINS)
def test_llama_cpp_reports_the_effective_chain(
    native_model: LlamaModel, chain: SamplerChain
) -> None:
    known = tuple((token, bias) for token, bias in chain.logit_bias if token < VOCABULARY)
    chain = chain.with_values(logit_bias=known)
    assert native_names(native_model, chain) == expected_names(chain)


def test_the_default_chain(native_model: LlamaModel) -> None:
    assert native_names(native_model, SamplerChain.of()) == [
        "?penalties",
        "?dry",
        "?top-n-sigma",
        "top-k",
        "?typical",
        "top-p",
        "min-p",
        "?xtc",
        "temp-ext",
        "dist",
    ]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"mirostat": 1}, ["temp", "mirostat"]),
        ({"mirostat": 2, "temperature": 1.0}, ["?temp", "mirostat-v2"]),
        ({"mirostat": 2, "ignore_eos": True}, ["logit-bias", "temp", "mirostat-v2"]),
        ({"samplers": ["top_k", "adaptive_p"]}, ["top-k", "adaptive-p"]),
        (
            {"samplers": ["temperature"], "temperature": 1.0, "dynatemp_range": 0.5},
            ["temp-ext", "dist"],
        ),
        ({"samplers": [], "logit_bias": [(5, 1.0)]}, ["logit-bias", "dist"]),
        ({"samplers": []}, ["dist"]),
    ],
)
def test_chains_with_another_end_or_beginning(
    native_model: LlamaModel, values: dict[str, object], names: list[str]
) -> None:
    chain = SamplerChain.from_json(values)
    assert native_names(native_model, chain) == names
    assert expected_names(chain) == names


def test_every_step_of_the_table_can_be_built_anywhere(native_model: LlamaModel) -> None:
    active = {
        "repeat_penalty": 1.1,
        "dry_multiplier": 0.5,
        "top_n_sigma": 1.0,
        "typical_p": 0.9,
        "xtc_probability": 0.5,
    }
    order = DEFAULT_ORDER[::-1]
    by_name = {sampler.name: sampler.native for sampler in STEPS}
    names = native_names(native_model, SamplerChain.of(order, **active))
    assert names == [*(by_name[name] for name in order), "dist"]


def test_a_bias_for_a_token_that_the_model_lacks_is_left_out(native_model: LlamaModel) -> None:
    chain = SamplerChain.of([], logit_bias=[(10**6, 5.0)])
    assert native_names(native_model, chain) == ["dist"]


@settings(max_examples=40)
@given(CHAINS, CHAINS)
def test_no_allowed_chain_ends_the_process(
    loaded: Engine, one: SamplerChain, two: SamplerChain
) -> None:
    """llama.cpp aborts where an assertion fails: every allowed value must be safe."""
    chains = [chain.with_values(n_predict=3).with_context(N_CTX) for chain in (one, two)]
    for mode in MODES:
        ends = ends_of(run_lanes(loaded, lanes_of(chains, PROMPT), mode))
        assert {end.reason for end in ends} <= {"length", "stop"}
