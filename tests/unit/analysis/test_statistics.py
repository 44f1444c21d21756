"""Repetition measures, against their definitions."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.statistics import compression_ratio, distinct_n, longest_repeat, seq_rep_n

TOKENS = st.lists(st.integers(0, 3), max_size=30)


def _longest(tokens: list[int]) -> int:
    size = len(tokens)
    return max(
        (
            length
            for length in range(1, size)
            for a in range(size - length)
            if any(
                tokens[a : a + length] == tokens[b : b + length]
                for b in range(a + 1, size - length + 1)
            )
        ),
        default=0,
    )


@given(TOKENS)
def test_the_longest_repeat_is_the_longest_and_stands_at_both_places(tokens: list[int]) -> None:
    found = longest_repeat(tokens)
    assert (found.length if found else 0) == _longest(tokens)
    if found is not None:
        assert found.first < found.second
        spans = [tokens[at : at + found.length] for at in (found.first, found.second)]
        assert spans[0] == spans[1]
        assert len(spans[1]) == found.length


@given(TOKENS, st.integers(1, 5))
def test_distinct_n_counts_different_grams(tokens: list[int], n: int) -> None:
    grams = [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
    expected = len(set(grams)) / len(grams) if grams else None
    assert distinct_n(tokens, n) == expected
    repeated = seq_rep_n(tokens, n)
    assert repeated == (None if expected is None else 1 - expected)


def test_a_loop_repeats_and_compresses_and_a_plain_text_does_not() -> None:
    assert seq_rep_n([1, 2, 3, 4, 5] * 100) == pytest.approx(1 - 5 / 497)
    assert seq_rep_n(list(range(500))) == 0.0
    loop, plain = compression_ratio("again and " * 500), compression_ratio("One short sentence.")
    assert loop is not None
    assert plain is not None
    assert loop > 50 > 2 > plain
    assert compression_ratio("") is None
    assert compression_ratio("\ud800") is not None


@pytest.mark.parametrize("period", [1, 7, 5000, 20000])
def test_twenty_thousand_tokens_take_no_visible_time(period: int) -> None:
    tokens = [at % period for at in range(20_000)]
    start = time.process_time()
    found = longest_repeat(tokens)
    assert time.process_time() - start < 1.0
    assert (found.length if found else 0) == 20_000 - period
