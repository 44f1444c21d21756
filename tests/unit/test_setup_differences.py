"""In what two lanes differ beside their chains, and what a person writes and reads of the rules."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.rule_words import budget_of, budget_text, rules_in_short
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.difference_sentence import difference_sentences, plain
from qwqdesk.sampling.param import INT32_MAX
from qwqdesk.setup_differences import other_differences, set_parts, setup_differences, setup_lines

A = LaneSetup("A")
B = replace(A, label="B")
COOL = AnswerSetup(None, {"temperature": 0.2})


def said(*lanes: LaneSetup) -> str:
    chains = [(lane.label, lane.resolved().chain) for lane in lanes]
    return plain(difference_sentences(chains, others=other_differences(lanes))[0])


def test_lanes_with_the_same_setup_do_not_differ() -> None:
    assert setup_differences(A, B) == ()
    assert said(A, B) == "Same settings in both lanes."


def test_a_second_chain_that_is_a_copy_is_no_difference() -> None:
    assert setup_differences(A, replace(B, answer=AnswerSetup())) == ()


def test_the_strip_names_what_no_chain_shows() -> None:
    b = replace(B, answer=COOL, reasoning_budget=2000, loop_guard="stop")
    assert said(A, b) == (
        "B has temperature 0.2 for the answer, reasoning budget 2,000 and loop guard stop."
    )
    assert said(replace(A, reasoning_budget=9), b).endswith(
        "reasoning budget 2,000 (A: 9) and loop guard stop."
    )
    three = said(A, b, replace(A, label="C"))
    assert "the answer's chain, the reasoning budget and the loop guard" in three
    assert "B: budget 2,000; A: budget as in Settings" in setup_lines([A, b])


def test_what_differs_behind_the_same_words_is_still_told() -> None:
    a = replace(A, constraints=Constraints(grammar='root ::= "a"'))
    b = replace(B, constraints=Constraints(grammar='root ::= "b"'))
    (found,) = setup_differences(a, b)
    assert (found.part, found.a, found.b) == ("constraints", "grammar", "others")


def test_the_chips_of_a_lane_alone() -> None:
    lane = replace(A, model="/models/x.gguf", answer=COOL, reasoning_budget=0)
    assert [part.text for part in set_parts(lane)] == ["answer: temperature 0.2", "budget 0"]
    assert rules_in_short(lane) == "two chains, budget 0 tokens"


@given(st.one_of(st.none(), st.integers(-1, INT32_MAX)))
def test_a_budget_is_read_as_it_is_shown(budget: int | None) -> None:
    assert budget_of(budget_text(budget)) == budget


@given(st.text(max_size=30))
def test_any_text_is_a_budget_or_is_refused_in_words(text: str) -> None:
    with suppress(UserError):
        budget = budget_of(text)
        assert budget is None or -1 <= budget <= INT32_MAX


@pytest.mark.parametrize("text", ["12x", "-2", "1.5", "99999999999", "many"])
def test_what_is_no_number_of_tokens(text: str) -> None:
    with pytest.raises(UserError):
        budget_of(text)
