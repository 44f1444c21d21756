"""The sentence of the difference strip."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_sentence import Word, difference_sentences, plain
from qwqdesk.sampling.differences import differences
from tests.unit.sampling.chain_strategies import CHAINS

_STEPS = ("top_k", "top_p", "temperature")
_SHARED: dict[str, object] = {
    "top_k": 40,
    "top_p": 0.95,
    "temperature": 0.6,
    "seed": 3407,
}


def _chain(samplers: Iterable[str] = _STEPS, **values: object) -> SamplerChain:
    return SamplerChain.of(samplers, **{**_SHARED, **values})


def _sentence(*others: SamplerChain) -> str:
    lanes = zip("ABCD", (_chain(), *others), strict=False)
    return plain(difference_sentences(list(lanes))[0])


def test_two_lanes_say_what_the_second_does() -> None:
    first = ("penalties", *_STEPS)
    said = _sentence(_chain(samplers=first, repeat_penalty=1.1))
    assert said == "B runs penalties first with repeat penalty 1.1; A has no penalties."


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"temperature": 0.8}, "B has temperature 0.8 (A: 0.6)."),
        ({"samplers": ("top_k", "temperature")}, "B has no top_p."),
        ({"samplers": ("temperature", "top_k", "top_p")}, "B runs temperature before top_k."),
        ({"seed": -1}, "B has seed random (A: 3407)."),
        ({}, "Same settings in both lanes."),
    ],
)
def test_one_difference(values: dict[str, Any], said: str) -> None:
    assert _sentence(_chain(**values)) == said


def test_several_values_share_a_verb() -> None:
    said = _sentence(_chain(samplers=("top_k", "temperature"), temperature=0.8, top_k=20))
    assert said == "B has no top_p and has temperature 0.8 (A: 0.6) and top-k 20 (A: 40)."


def test_names_and_letters_stand_out() -> None:
    words = difference_sentences([("A", _chain()), ("B", _chain(samplers=("top_k", "top_p")))])[0]
    assert Word("B", "lane") in words
    assert Word("temperature", "name") in words


def test_more_lanes_say_only_in_what_they_differ() -> None:
    other = _chain(samplers=("temperature", "top_k", "top_p"))
    long, short = difference_sentences(
        [("A", _chain()), ("B", other), ("C", _chain(temperature=0.8))]
    )
    assert plain(long) == (
        "Same prompt, model and seed. "
        "The lanes differ in the order of the chain and the temperature."
    )
    assert plain(short) == "Same prompt, model and seed. Order and temperature differ."


def test_equal_lanes_and_other_seeds_and_models() -> None:
    assert _sentence(_chain(), _chain()) == "Same settings in all lanes."
    assert _sentence(_chain(), _chain(seed=1)).startswith("Same prompt and model.")
    three = [("A", _chain()), ("B", _chain(seed=1)), ("C", _chain())]
    long, short = difference_sentences(three, same_history=False)
    assert plain(long) == "Same message and model. The lanes differ in the seed and the history."
    assert plain(short) == "Same message and model. Seed and history differ."
    lanes = [("A", _chain()), ("B", _chain())]
    said = plain(difference_sentences(lanes, same_model=False)[0])
    assert said == "Same prompt and seed. The lanes differ in the model."


def test_lanes_with_different_histories_never_count_as_the_same() -> None:
    for count, said in ((2, "both"), (3, "all")):
        lanes = [(label, _chain()) for label in "ABC"[:count]]
        (same,) = difference_sentences(lanes)
        assert plain(same) == f"Same settings in {said} lanes."
        (other,) = difference_sentences(lanes, same_history=False)
        assert plain(other) == "Same settings, different histories."
    two = [("A", _chain()), ("B", _chain(top_k=5))]
    long, short = difference_sentences(two, same_history=False)
    assert plain(long) == f"{plain(short)} The histories differ."
    (without,) = difference_sentences(two)
    assert without == short


@given(CHAINS, CHAINS)
def test_every_pair_of_chains_has_a_sentence(a: SamplerChain, b: SamplerChain) -> None:
    (said,) = difference_sentences([("A", a), ("B", b)])
    assert plain(said).endswith(".")
    assert (plain(said) == "Same settings in both lanes.") == (not differences(a, b))
    assert len(difference_sentences([("A", a), ("B", b), ("C", a)])) in (1, 2)
