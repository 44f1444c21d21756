"""The differences strip: short sentences that name both sides."""

from __future__ import annotations

from hypothesis import given

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_words import difference_lines, worded_differences
from qwqdesk.sampling.differences import differences
from tests.unit.sampling.chain_strategies import CHAINS

PLAIN = SamplerChain.of(("top_k", "temperature"))


def _lines(b: SamplerChain, a: SamplerChain = PLAIN) -> list[str]:
    return list(difference_lines([("A", a), ("B", b)]))


def test_an_added_penalty_says_where_it_stands() -> None:
    b = PLAIN.with_step("penalties", 0).with_values(repeat_penalty=1.1)
    assert _lines(b) == ["B: repeat penalty 1.1 before top-k; A: none"]
    assert _lines(PLAIN, b) == ["B: none; A: repeat penalty 1.1 before top-k"]


def test_a_listed_step_without_effect_counts_as_none() -> None:
    a = PLAIN.with_step("penalties", 0)
    b = a.with_values(repeat_penalty=1.1, repeat_last_n=256)
    expected = "B: repeat penalty 1.1, repeat last n 256 before top-k; A: none"
    assert _lines(b, a) == [expected]


def test_values_and_order() -> None:
    b = PLAIN.moved("temperature", 0).with_values(temperature=0.6, top_k=20)
    assert _lines(b) == [
        "B: order temperature, top-k; A: order top-k, temperature",
        "B: temperature 0.6; A: temperature 0.8",
        "B: top-k 20; A: top-k 40",
    ]


def test_values_of_the_run() -> None:
    b = PLAIN.with_values(seed=3, n_predict=50, stop=["x"], ignore_eos=True)
    assert _lines(b) == [
        "B: ignore eos on; A: none",
        "B: seed 3; A: seed random",
        "B: length 50; A: length without limit",
        "B: stop strings 'x'; A: none",
    ]


def test_every_lane_is_compared_with_the_first() -> None:
    warm = PLAIN.with_values(temperature=1.5)
    lanes = [("A", PLAIN), ("B", warm), ("C", PLAIN), ("D", warm)]
    assert [line.split(":")[0] for line in difference_lines(lanes)] == ["B", "D"]
    assert difference_lines([]) == ()


@given(CHAINS, CHAINS)
def test_whatever_differs_is_told_with_two_different_sides(
    a: SamplerChain, b: SamplerChain
) -> None:
    found = worded_differences(a, b)
    assert bool(found) == bool(differences(a, b))
    for worded in found:
        assert worded.a
        assert worded.b
        assert worded.a != worded.b
    assert worded_differences(a, a) == ()
