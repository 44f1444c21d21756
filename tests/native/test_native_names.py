"""The effective chain against llama.cpp itself: what it calls every step, "?" for inert ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.llama_sampler import NativeChain
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.effective import effective_chain, native_name
from tests.tiny_model import write_tiny_model
from tests.unit.sampling.chain_strategies import ORDERS

Names = Callable[[SamplerChain], tuple[str, ...]]

# Values at and around the limits of every rule, also where only single precision decides.
EDGES: dict[str, list[object]] = {
    "temperature": [0, 1, 0.8, 1.00000001, 0.99999999, 1e-50],
    "dynatemp_range": [0, 0.2, 1e-50],
    "top_k": [-1, 0, 1, 40],
    "top_p": [0, 0.5, 1, 0.99999999, 0.9999],
    "min_p": [0, 1e-50, 1e-40, 0.1, 1],
    "typical_p": [0, 0.5, 1, 0.99999999],
    "top_n_sigma": [-1, -0.5, 0, 1e-50, 1e-44, 1],
    "xtc_probability": [0, 1e-50, 0.5, 1],
    "xtc_threshold": [0, 0.5, 0.50000001, 0.51, 1],
    "repeat_penalty": [1, 1.00000001, 1.1, 0.9],
    "repeat_last_n": [0, 1, 64, -1],
    "presence_penalty": [0, 1e-50, 0.5, -0.5],
    "frequency_penalty": [0, 1e-50, -1e-45, 0.2],
    "dry_multiplier": [0, 1e-50, 0.5],
    "dry_penalty_last_n": [0, 5, -1],
    "dry_sequence_breakers": [(), ("\n",)],
    "mirostat": [0, 0, 0, 1, 2],
    "logit_bias": [(), ((5, 1.0),)],
    "ignore_eos": [True, False],
    "adaptive_target": [-1, 0.5],
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Names]:
    """The names of a chain's steps in llama.cpp, with the vocabulary of a tiny model."""
    pytest.importorskip("llama_cpp")
    path: Path = write_tiny_model(tmp_path_factory.mktemp("vocabulary") / "tiny.gguf", "F16")
    api = LlamaLibrary().api
    params = api.llama_model_default_params()
    params.vocab_only = True
    model = api.llama_model_load_from_file(str(path).encode(), params)

    def read(chain: SamplerChain) -> tuple[str, ...]:
        native = NativeChain(api, api.llama_model_get_vocab(model), chain.with_context(512))
        try:
            return native.names()
        finally:
            native.close()

    yield read
    api.llama_model_free(model)


@settings(max_examples=300, deadline=None)
@given(ORDERS, st.fixed_dictionaries({n: st.sampled_from(v) for n, v in EDGES.items()}))
def test_every_step_is_named_as_llama_cpp_names_it(
    names: Names, order: tuple[str, ...], values: dict[str, object]
) -> None:
    chain = SamplerChain.of(order, seed=1, **values)
    steps = effective_chain(chain).steps
    expected = [native_name(step) for step in steps if step.state != "absent"]
    assert list(names(chain)) == expected
