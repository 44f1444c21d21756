"""Every native step, and every draw, against numpy on random logits."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qwqdesk.engine.llama import LlamaModel
from qwqdesk.engine.llama_sampler import NativeChain
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.samplers import DEFAULT_ORDER
from tests.native.numpy_samplers import Array, NumpyChain, TooCloseError

SMALL, LARGE = 50, 1000
DRAWS = 6
LETTERS = [ord(letter) for letter in "aab:\n*cab"]


class Native:
    """A native chain applied to logits that the test made up."""

    def __init__(self, model: LlamaModel, chain: SamplerChain) -> None:
        self._api: Any = model.library.api
        self.chain: NativeChain = model.chain(chain)

    def apply(self, logits: Array, *, steps: int | None = None) -> tuple[list[int], Array, int]:
        """Ids and logits behind the first `steps` steps (None: all), and the selected id."""
        api = self._api
        data = (api.llama_token_data * len(logits))()
        for i, value in enumerate(logits):
            data[i].id, data[i].logit = i, value
        array = api.llama_token_data_array(data, len(logits), -1, False)
        pointer = ctypes.byref(array)
        if steps is None:
            api.llama_sampler_apply(self.chain.handle, pointer)
        else:
            for i in range(steps):
                api.llama_sampler_apply(api.llama_sampler_chain_get(self.chain.handle, i), pointer)
        found = [array.data[i] for i in range(array.size)]
        chosen = found[array.selected].id if array.selected >= 0 else -1
        return [c.id for c in found], np.array([c.logit for c in found]), chosen


@contextmanager
def native(model: LlamaModel, chain: SamplerChain) -> Iterator[Native]:
    made = Native(model, chain)
    try:
        yield made
    finally:
        made.chain.close()


def logits_for(seed: int, size: int, spread: float) -> Array:
    """Random logits in single precision."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, spread, size).astype(np.float32).astype(np.float64)


SEEDS = st.integers(0, 2**32 - 2)
SPREADS = st.sampled_from([0.5, 2.0, 5.0])
SIZES = st.sampled_from([2, SMALL, SMALL, LARGE])
HISTORIES = st.lists(st.integers(0, 12), max_size=80) | st.lists(st.integers(0, SMALL), max_size=40)
SHARES = st.floats(0.02, 0.98).map(lambda number: round(number, 3))
KEEP = st.sampled_from([0, 0, 1, 3, 20])


def check_filter(
    model: LlamaModel, chain: SamplerChain, logits: Array, history: Sequence[int] = ()
) -> None:
    """The same candidates with the same logits, in the same order."""
    reference = NumpyChain(chain)
    reference.history = list(history)
    try:
        expected = reference.filtered(logits)
    except TooCloseError:
        assume(False)
    with native(model, chain) as made:
        made.chain.accept(history)
        first = int(bool(chain.logit_bias))
        ids, found, _ = made.apply(logits, steps=first + len(chain.samplers))
    if ids != expected.ids.tolist():  # equal but for rounding: either may come first
        close = np.isclose(found, expected.logits, rtol=2e-4, atol=2e-4)
        assume(not (sorted(ids) == sorted(expected.ids.tolist()) and bool(np.all(close))))
    assert ids == expected.ids.tolist()
    np.testing.assert_allclose(found, expected.logits, rtol=2e-4, atol=2e-4)


@given(
    SEEDS, SPREADS, HISTORIES,
    st.sampled_from([0.5, 1.0, 1.1, 1.5]), st.sampled_from([0.0, 0.3, -0.2]),
    st.sampled_from([0.0, 0.1, -0.4]), st.sampled_from([0, 1, 5, 64]),
)  # fmt: skip
def test_penalties(
    native_model: LlamaModel,
    seed: int,
    spread: float,
    history: list[int],
    repeat: float,
    presence: float,
    frequency: float,
    last_n: int,
) -> None:
    chain = SamplerChain.of(
        ["penalties"],
        repeat_penalty=repeat,
        presence_penalty=presence,
        frequency_penalty=frequency,
        repeat_last_n=last_n,
    )
    check_filter(native_model, chain, logits_for(seed, SMALL, spread), history)


@given(
    SEEDS,
    st.lists(st.sampled_from(LETTERS), max_size=60),
    st.sampled_from([0.0, 0.5, 0.8, 3.0]),
    st.sampled_from([1.0, 1.2, 1.75, 3.0]),
    st.integers(0, 5),
    st.sampled_from([0, 1, 8, 30, 64]),
    st.sampled_from([(), ("\n", ":", '"', "*"), ("*",), ("ab",), ("a*", "b")]),
)
def test_dry(
    native_model: LlamaModel,
    seed: int,
    history: list[int],
    multiplier: float,
    base: float,
    allowed: int,
    last_n: int,
    breakers: tuple[str, ...],
) -> None:
    chain = SamplerChain.of(
        ["dry"],
        dry_multiplier=multiplier,
        dry_base=base,
        dry_allowed_length=allowed,
        dry_penalty_last_n=last_n,
        dry_sequence_breakers=breakers,
    )
    check_filter(native_model, chain, logits_for(seed, 128, 2.0), history)


@given(SEEDS, SIZES, SPREADS, st.sampled_from([-1.0, 0.0, 0.3, 1.0, 2.5]))
def test_top_n_sigma(
    native_model: LlamaModel, seed: int, size: int, spread: float, sigmas: float
) -> None:
    chain = SamplerChain.of(["top_n_sigma"], top_n_sigma=sigmas)
    check_filter(native_model, chain, logits_for(seed, size, spread))


@given(SEEDS, SIZES, SPREADS, st.sampled_from([-1, 0, 1, 2, 40, 128, 400, 5000]))
def test_top_k(native_model: LlamaModel, seed: int, size: int, spread: float, k: int) -> None:
    check_filter(native_model, SamplerChain.of(["top_k"], top_k=k), logits_for(seed, size, spread))


@pytest.mark.parametrize(
    ("step", "name"), [("top_p", "top_p"), ("min_p", "min_p"), ("typ_p", "typical_p")]
)
@given(seed=SEEDS, size=SIZES, spread=SPREADS, share=SHARES, min_keep=KEEP)
def test_steps_that_keep_a_share(
    native_model: LlamaModel,
    step: str,
    name: str,
    seed: int,
    size: int,
    spread: float,
    share: float,
    min_keep: int,
) -> None:
    chain = SamplerChain.of([step], min_keep=min_keep, **{name: share})
    check_filter(native_model, chain, logits_for(seed, size, spread))


@given(
    SEEDS, SIZES, SPREADS,
    st.sampled_from([0.0, 0.1, 0.6, 1.0, 1.7]), st.sampled_from([0.0, 0.1, 0.6, 2.0]),
    st.sampled_from([0.5, 1.0, 2.0]),
)  # fmt: skip
def test_temperature(
    native_model: LlamaModel,
    seed: int,
    size: int,
    spread: float,
    number: float,
    dynamic: float,
    exponent: float,
) -> None:
    chain = SamplerChain.of(
        ["temperature"], temperature=number, dynatemp_range=dynamic, dynatemp_exponent=exponent
    )
    check_filter(native_model, chain, logits_for(seed, size, spread))


@given(SEEDS, SPREADS, st.lists(st.tuples(st.integers(0, SMALL - 1), st.floats(-9, 9)), max_size=4))
def test_logit_bias(
    native_model: LlamaModel, seed: int, spread: float, biases: list[tuple[int, float]]
) -> None:
    own = dict(biases)
    chain = SamplerChain.of([], logit_bias=[*own.items(), (3, float("-inf"))])
    check_filter(native_model, chain, logits_for(seed, SMALL, spread))


def check_draws(
    model: LlamaModel, chain: SamplerChain, seed: int, size: int, spread: float
) -> None:
    """Several tokens in a row: the random numbers and what the chain remembers go on."""
    reference = NumpyChain(chain)
    drawn = 0
    with native(model, chain) as made:
        for number in range(DRAWS):
            logits = logits_for(seed + number, size, spread)
            try:
                expected = reference.draw(logits)
            except TooCloseError:
                break
            _, _, chosen = made.apply(logits)
            assert chosen == expected
            made.chain.accept([chosen])
            drawn += 1
    assume(drawn)


@given(SEEDS, SEEDS, SIZES, SPREADS)
def test_dist(native_model: LlamaModel, seed: int, logits: int, size: int, spread: float) -> None:
    check_draws(native_model, SamplerChain.of([], seed=seed), logits, size, spread)


@given(SEEDS, SEEDS, SPREADS, SHARES, st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.6]), KEEP)
def test_xtc(
    native_model: LlamaModel,
    seed: int,
    logits: int,
    spread: float,
    probability: float,
    threshold: float,
    min_keep: int,
) -> None:
    chain = SamplerChain.of(
        ["xtc"],
        seed=seed,
        xtc_probability=probability,
        xtc_threshold=threshold,
        min_keep=min_keep,
    )
    check_draws(native_model, chain, logits, SMALL, spread)


@given(
    SEEDS, SEEDS, SIZES, SPREADS,
    st.sampled_from([-1.0, 0.0, 0.2, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 0.9, 0.99]),
)  # fmt: skip
def test_adaptive_p(
    native_model: LlamaModel,
    seed: int,
    logits: int,
    size: int,
    spread: float,
    target: float,
    decay: float,
) -> None:
    chain = SamplerChain.of(
        ["top_k", "adaptive_p"], seed=seed, adaptive_target=target, adaptive_decay=decay
    )
    check_draws(native_model, chain, logits, size, spread)


@pytest.mark.parametrize("version", [1, 2])
@given(
    seed=SEEDS,
    logits=SEEDS,
    size=st.sampled_from([SMALL, LARGE]),
    spread=SPREADS,
    tau=st.sampled_from([1.0, 3.0, 5.0]),
    eta=st.sampled_from([0.05, 0.1, 0.5]),
    heat=st.sampled_from([0.6, 1.0]),
)
def test_mirostat(
    native_model: LlamaModel,
    version: int,
    seed: int,
    logits: int,
    size: int,
    spread: float,
    tau: float,
    eta: float,
    heat: float,
) -> None:
    chain = SamplerChain.of(
        None, seed=seed, mirostat=version, mirostat_tau=tau, mirostat_eta=eta, temperature=heat
    )
    check_draws(native_model, chain, logits, size, spread)


ACTIVE = st.fixed_dictionaries(
    {
        "seed": SEEDS,
        "temperature": st.sampled_from([0.4, 0.8, 1.3]),
        "dynatemp_range": st.sampled_from([0.0, 0.3]),
        "top_k": st.sampled_from([0, 5, 30]),
        "top_p": st.sampled_from([0.7, 0.95]),
        "min_p": st.sampled_from([0.02, 0.1]),
        "typical_p": st.sampled_from([0.8, 1.0]),
        "top_n_sigma": st.sampled_from([-1.0, 1.5]),
        "xtc_probability": st.sampled_from([0.0, 0.5]),
        "xtc_threshold": st.sampled_from([0.05, 0.2]),
        "repeat_penalty": st.sampled_from([1.0, 1.2]),
        "presence_penalty": st.sampled_from([0.0, 0.3]),
        "dry_multiplier": st.sampled_from([0.0, 0.8]),
        "dry_sequence_breakers": st.just(()),
        "adaptive_target": st.sampled_from([0.3, 0.6]),
        "min_keep": st.sampled_from([0, 2]),
    }
)


@settings(max_examples=200)
@given(
    st.permutations(DEFAULT_ORDER),
    st.integers(1, 9),
    st.booleans(),
    ACTIVE,
    SEEDS,
    st.sampled_from([SMALL, SMALL, LARGE]),
)
def test_whole_chains_in_any_order_draw_the_same_tokens(
    native_model: LlamaModel,
    order: list[str],
    count: int,
    adaptive: bool,
    values: dict[str, Any],
    logits: int,
    size: int,
) -> None:
    steps = [*order[:count], *(["adaptive_p"] if adaptive else [])]
    check_draws(native_model, SamplerChain.of(steps, **values), logits, size, 3.0)
