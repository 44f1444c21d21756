"""Rates: the interval that says how little a few trials prove."""

from __future__ import annotations

import pytest

from qwqdesk.analysis.rates import Rate


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    # Newcombe 1998, table I, method 3 (the score interval).
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(
    passed: int, total: int, low: float, high: float
) -> None:
    found = Rate(passed, total).interval
    assert found == pytest.approx((low, high), abs=5e-5)


def test_nothing_tried_says_nothing() -> None:
    assert Rate(0, 0).share is None
    assert Rate(0, 0).interval == (0.0, 1.0)
