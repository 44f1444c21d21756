"""Exact mode's promise: a lane's tokens depend on nothing but its own settings."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Event, RunRequest
from qwqdesk.sampling.chain import SamplerChain
from tests.fidelity.random_chains import random_chain
from tests.native.driving import drain, lanes_of, run_lanes, tokens_of

Load = Callable[[str], Engine]
LENGTH = 40
SHORT = tuple(range(40, 60))
LONG = tuple(random.Random(5).choices(range(256), k=700))


def chains(count: int = 4, seed: int = 0) -> list[SamplerChain]:
    """Different chains that all draw at random."""
    rng = random.Random(seed)
    return [random_chain(rng, n_predict=LENGTH).with_values(ignore_eos=True) for _ in range(count)]


def alone(engine: Engine, prompt: Sequence[int]) -> list[list[int]]:
    """Each chain's tokens when it runs by itself."""
    return [tokens_of(run_lanes(engine, lanes_of([chain], prompt))) for chain in chains()]


@pytest.mark.parametrize("kind", ["F16", "Q8_0"])
@pytest.mark.parametrize("prompt", [SHORT, LONG], ids=["short", "long"])
def test_a_lane_writes_the_same_alone_and_among_four(
    load: Load, kind: str, prompt: Sequence[int]
) -> None:
    engine = load(kind)
    expected = alone(engine, prompt)
    assert all(len(tokens) == LENGTH for tokens in expected)
    assert len({tuple(tokens) for tokens in expected}) == 4
    lanes = lanes_of(chains(), prompt)
    together = run_lanes(engine, lanes)
    one_by_one = run_lanes(engine, lanes, sequential=True)
    reversed_lanes = run_lanes(engine, lanes_of(chains()[::-1], prompt))
    for number in range(4):
        assert tokens_of(together, number) == expected[number]
        assert tokens_of(one_by_one, number) == expected[number]
        assert tokens_of(reversed_lanes, 3 - number) == expected[number]


def test_lanes_with_different_prompts_write_what_they_write_alone(load: Load) -> None:
    engine = load("F16")
    one, two = chains(2)
    lanes = (*lanes_of([one, two], SHORT), *lanes_of([one, two], LONG))
    events = run_lanes(engine, lanes)
    for number, lane in enumerate(lanes):
        assert tokens_of(events, number) == tokens_of(run_lanes(engine, [lane]))


def test_what_ran_before_changes_nothing(load: Load) -> None:
    engine = load("Q8_0")
    lanes = lanes_of(chains(), SHORT)
    first = [tokens_of(run_lanes(engine, lanes), number) for number in range(4)]
    # A run that is cancelled, one in fast mode, many others, another model.
    stream = engine.run(RunRequest(lanes_of(chains(2, seed=9), LONG)))
    assert stream.wait_batch(60)
    stream.cancel()
    drain(stream)
    run_lanes(engine, lanes, "fast")
    for seed in range(5):
        run_lanes(engine, lanes_of(chains(1, seed=seed), SHORT))
    load("other")
    run_lanes(engine, lanes)
    load("Q8_0")
    again = run_lanes(engine, lanes)
    assert [tokens_of(again, number) for number in range(4)] == first


def test_a_stopped_lane_leaves_the_others_tokens_alone(load: Load) -> None:
    engine = load("F16")
    expected = alone(engine, SHORT)
    stream = engine.run(RunRequest(lanes_of(chains(), SHORT)))
    stream.stop_lane(1)
    events = drain(stream)
    for number in (0, 2, 3):
        assert tokens_of(events, number) == expected[number]
    assert tokens_of(events, 1) == expected[1][: len(tokens_of(events, 1))]


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_equal_lanes_stopped_together_at_any_moment_have_the_same_tokens(
    load: Load, mode: Mode
) -> None:
    engine, rng = load("F16"), random.Random(7)
    one, other = (chain.with_values(n_predict=-1) for chain in chains(2))
    lengths = set()
    for _ in range(40):
        stream = engine.run(RunRequest(lanes_of([one, other, one, one], SHORT), mode))
        wanted, events = rng.randrange(1, 160), list[Event]()
        while len(events) < wanted and (batch := stream.wait_batch(60)):
            events += batch
        stream.cancel()
        events += drain(stream)
        found = [tokens_of(events, number) for number in range(4)]
        lengths.add(len(found[0]))
        assert len(found[0]) == len(found[2]) == len(found[3])
        if mode == "exact":  # the other mode does not promise that equal lanes write the same
            assert found[0] == found[2] == found[3]
    assert len(lengths) > 5


def test_fast_mode_repeats_itself_for_the_first_run_of_a_prompt(load: Load) -> None:
    """Fast mode promises less, but its lanes must be whole and its first token the same."""
    engine = load("F16")
    lanes = lanes_of(chains(), SHORT)
    exact, fast = run_lanes(engine, lanes), run_lanes(engine, lanes, "fast")
    for number in range(4):
        assert len(tokens_of(fast, number)) == LENGTH
        assert tokens_of(fast, number)[0] == tokens_of(exact, number)[0]
