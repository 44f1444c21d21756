"""Constraints on a real vocabulary: grammar, going back, random numbers that go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import BiasesFound, Event, Output
from qwqdesk.engine.llama import LlamaModel
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints, TextBias
from tests.native.driving import drain, ends_of, lanes_of, run_lanes, tokens_of

MODES: tuple[Mode, ...] = ("exact", "fast")
CHAIN = SamplerChain.of(seed=5, temperature=1.2, repeat_penalty=1.1, n_predict=40)


def text_of(events: list[Event], lane: int = 0) -> str:
    outputs = [event for event in events if isinstance(event, Output) and event.lane == lane]
    return "".join(span.text for output in outputs for span in output.spans)


def run(
    engine: Engine, *limits: Constraints, chain: SamplerChain = CHAIN, mode: Mode = "exact"
) -> list[Event]:
    prompt = drain(engine.tokenize("hello there"))[0]
    lanes = lanes_of([chain] * len(limits), prompt)
    pairs = zip(lanes, limits, strict=True)
    return run_lanes(engine, [replace(lane, constraints=own) for lane, own in pairs], mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_lane_keeps_to_its_grammar_and_others_do_not(
    load: Callable[[str], Engine], mode: Mode
) -> None:
    engine = load("F16")
    grammar = Constraints(grammar='root ::= "yes" | "no" | "maybe" " so"?')
    events = run(engine, grammar, Constraints(), mode=mode)
    assert text_of(events) in ("yes", "no", "maybe", "maybe so")
    assert ends_of(events)[0].reason == "stop"
    if mode == "exact":
        assert tokens_of(events, 1) == tokens_of(run(engine, Constraints()))


def test_an_answer_is_json_of_the_schema(load: Callable[[str], Engine]) -> None:
    schema = {
        "properties": {"a": {"type": "integer", "minimum": 3, "maximum": 42}, "b": {"enum": ["x"]}},
        "required": ["a", "b"],
    }
    limits = Constraints(json_schema=json.dumps(schema))
    found = json.loads(text_of(run(load("F16"), limits, chain=CHAIN.with_values(n_predict=400))))
    assert 3 <= found["a"] <= 42
    assert found["b"] == "x"


def test_when_no_end_may_come_a_grammar_that_is_done_ends_the_lane(
    load: Callable[[str], Engine],
) -> None:
    chain = CHAIN.with_values(ignore_eos=True)
    events = run(load("F16"), Constraints(grammar='root ::= "yes"'), chain=chain)
    assert text_of(events) == "yes"
    assert ends_of(events)[0].reason == "stop"
    assert ends_of(events)[0].detail


def test_a_token_that_the_model_has_not_is_refused_with_its_line(
    load: Callable[[str], Engine],
) -> None:
    engine = load("F16")
    with pytest.raises(UserError, match="line 2, column 5"):
        run(engine, Constraints(grammar='root ::= "a" |\n    <no such token>'))
    assert text_of(run(engine, Constraints()))  # the engine goes on


@pytest.mark.parametrize("mode", MODES)
def test_banned_strings_never_come_and_the_run_repeats(
    load: Callable[[str], Engine], mode: Mode
) -> None:
    engine = load("F16")
    chain = CHAIN.with_values(ignore_eos=True)
    free = text_of(run(engine, Constraints(), chain=chain))
    banned = tuple({free[2:4], free[6:9], free[12:14]})
    limits = Constraints(banned_strings=banned)
    events = run(engine, limits, chain=chain, mode=mode)
    assert not any(text.lower() in text_of(events).lower() for text in banned)
    assert len(tokens_of(events)) == 40
    assert tokens_of(events) == tokens_of(run(engine, limits, chain=chain, mode=mode))


def test_a_string_that_never_comes_changes_nothing(load: Callable[[str], Engine]) -> None:
    engine = load("F16")
    limits = Constraints(banned_strings=("a text that no model writes",))
    assert tokens_of(run(engine, limits)) == tokens_of(run(engine, Constraints()))


def test_biases_by_text_reach_the_chain(load: Callable[[str], Engine]) -> None:
    engine = load("F16")
    limits = Constraints(text_biases=(TextBias("a", 1000.0),))
    events = run(engine, limits, chain=CHAIN.with_values(n_predict=3))
    [found] = [event for event in events if isinstance(event, BiasesFound)]
    assert set(tokens_of(events)) <= {token.id for token in found.biases[0].tokens}


def test_a_copy_of_a_chain_draws_the_same_and_skipping_draws_another(
    native_model: LlamaModel,
) -> None:
    api = native_model.library.api
    chain = native_model.chain(SamplerChain.of(["temperature"], seed=3))

    def draw(handle: object) -> int:
        rows = (api.llama_token_data * 50)(*(api.llama_token_data(i, 0.0, 0.0) for i in range(50)))
        array = api.llama_token_data_array(rows, 50, -1, False)
        api.llama_sampler_apply(handle, array)
        return int(array.data[array.selected].id)

    copy, ahead = chain.clone(), chain.clone()
    ahead.skip(2)
    draws = [draw(chain.handle) for _ in range(6)]
    assert [draw(copy.handle) for _ in range(6)] == draws
    assert [draw(ahead.handle) for _ in range(4)] == draws[2:]
    for native in (chain, copy, ahead):
        native.close()
