"""Token probabilities: the model's own softmax, for every token, whatever the chain does."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable

import numpy as np
import pytest

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Event, Output
from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.engine.llama_probability import TokenProbability
from qwqdesk.sampling.chain import SamplerChain
from tests.native.driving import lanes_of, run_lanes, tokens_of

Load = Callable[[str], Engine]
PROMPT = tuple(range(40, 60))
MODES: tuple[Mode, ...] = ("exact", "fast")


def probabilities_of(events: list[Event], lane: int) -> list[float]:
    outputs = [event for event in events if isinstance(event, Output) and event.lane == lane]
    return [value for output in outputs for value in output.probabilities]


@pytest.mark.parametrize("mode", MODES)
def test_every_token_of_every_lane_has_one(load: Load, mode: Mode) -> None:
    chains = [
        SamplerChain.of(["temperature"], seed=5, n_predict=9, ignore_eos=True),
        SamplerChain.of(["top_k"], seed=5, top_k=1, n_predict=9, ignore_eos=True),
    ]
    events = run_lanes(load("F16"), lanes_of(chains, PROMPT), mode)
    for lane in range(2):
        values = probabilities_of(events, lane)
        assert len(values) == len(tokens_of(events, lane)) == 9
        assert all(0 < value <= 1 for value in values)


def test_they_are_the_softmax_of_the_raw_logits(native_model: LlamaModel) -> None:
    context = LlamaContext(native_model, streams=1, lanes=1, unified=False)
    try:
        context.clear()
        context.prefill(0, PROMPT, 0, last=True)
        values = [context.probability(token, -1) for token in range(native_model.n_vocab)]
        pointer = native_model.library.api.llama_get_logits_ith(context.handle, -1)
        logits = np.array(pointer[: native_model.n_vocab], np.float64)
    finally:
        context.close()
    exact = np.exp(logits - logits.max())
    exact /= exact.sum()
    assert math.fsum(values) == pytest.approx(1, abs=1e-5)
    assert values == pytest.approx(list(exact), rel=1e-4)


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([0.0, 0.0], 0.5),
        ([90.0, -90.0], 1.0),
        ([-math.inf, 0.0], 0.0),
        ([math.inf, 0.0], 0.0),
        ([math.nan, 0.0], 0.0),
    ],
)
def test_it_is_always_a_number_above_zero(logits: list[float], expected: float) -> None:

    row = (ctypes.c_float * 2)(*logits)

    class Api:
        def llama_get_logits_ith(self, context: object, number: int) -> object:
            return ctypes.cast(row, ctypes.POINTER(ctypes.c_float))

    value = TokenProbability(Api(), None, 2).of(-1, 0)
    assert 0 < value <= 1
    assert value == pytest.approx(expected)
