"""Endless repetition is found, honest repetition is left alone, whatever the tokens are."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.loops import LoopDetector, find_loop, needed_length
from qwqdesk.conversation import Loop


def first(tokens: list[int]) -> tuple[int, Loop | None]:
    detector = LoopDetector()
    for count, token in enumerate(tokens, 1):
        loop = detector.push(token)
        if loop is not None:
            return count, loop
    return len(tokens), None


def noise(count: int, seed: int = 1, kinds: int = 5000) -> list[int]:
    draw = random.Random(seed)
    return [draw.randrange(kinds) for _ in range(count)]


@pytest.mark.parametrize("period", [1, 2, 3, 7, 20, 50, 100, 137, 400])
def test_an_exact_loop_is_found_with_its_place_and_period(period: int) -> None:
    block = list(range(10_000, 10_000 + period))
    count, loop = first(noise(300) + block * (1500 // period + 4))
    assert loop is not None
    assert loop.period == period
    assert loop.from_token == 300
    assert count - 300 <= needed_length(period) + 1
    assert loop.repeats >= 3


def test_a_loop_is_reported_once_and_keeps_growing() -> None:
    detector = LoopDetector()
    found = [detector.push(token) for token in [5, 6] * 500]
    assert sum(loop is not None for loop in found) == 1
    assert detector.loop is not None
    assert detector.loop.repeats == 500


def test_indices_count_from_the_start_that_was_given() -> None:
    detector = LoopDetector(start=1000)
    for token in [*noise(50), *[1, 2, 3, 4, 5] * 100]:
        detector.push(token)
    assert detector.loop is not None
    assert detector.loop.from_token == 1050


@pytest.mark.parametrize("length", [25, 60, 120])
def test_a_loop_with_a_changing_counter_is_found(length: int) -> None:
    rounds = [[*range(100, 100 + length), 10_000 + i] for i in range(4000 // length)]
    count, loop = first([token for block in rounds for token in block])
    assert loop is not None
    assert abs(loop.period - length - 1) <= 1
    assert count <= 2500


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param([7] * 80, id="a rule of dashes"),
        pytest.param(noise(2000, kinds=2), id="random bits"),
        pytest.param(list(range(5000)), id="counting"),
        pytest.param(noise(1200) * 2, id="a program drafted and then written"),
        pytest.param([*noise(300), 1, 2] * 2, id="the same again at once"),
        pytest.param(
            [t for i in range(100) for t in (1, 2, 3, 1000 + i, 4, 2000 + i * i, 5)],
            id="a hundred similar lines",
        ),
        pytest.param(
            [t for bit in noise(784, kinds=2) for t in (100 + bit, 50)], id="a matrix of bits"
        ),
    ],
)
def test_honest_repetition_is_left_alone(tokens: list[int]) -> None:
    assert first(tokens)[1] is None


@given(st.lists(st.integers(0, 3), max_size=300))
def test_the_place_of_a_found_loop_is_true(tokens: list[int]) -> None:
    loop = find_loop(tokens)
    if loop is not None and loop.repeats >= needed_length(loop.period) / loop.period:
        part = tokens[loop.from_token : loop.from_token + int(loop.repeats * loop.period)]
        assert part[loop.period :] == part[: -loop.period]


def test_one_repeated_reply_of_any_length_costs_little() -> None:
    detector = LoopDetector()
    begun = time.perf_counter()
    for token in noise(16_000, kinds=60):
        detector.push(token)
    assert time.perf_counter() - begun < 16_000 * 40e-6
