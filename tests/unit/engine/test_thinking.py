"""Reasoning that is closed from outside, an answer with a chain of its own, a frozen thought."""

from __future__ import annotations

import math

import pytest

from qwqdesk.conversation import Mode, Usage
from qwqdesk.engine.engine import RunStream
from qwqdesk.engine.events import FrozenThought, LoopFound, ReasoningClosed
from qwqdesk.errors import UserError
from tests.fakes import CLOSE, END, OPEN, FakeContext, FakeModel, ids, probability_of
from tests.unit.engine.decode_runner import PROMPT, Runner, lane

A, B = 11, 12
MODES: tuple[Mode, ...] = ("exact", "fast")


def runner_for(first: list[int], second: list[int] | None = None) -> Runner:
    return Runner(model=FakeModel(scripts={A: first, B: second or []}))


def closed(runner: Runner) -> list[tuple[int, str]]:
    events = [event for event in runner.events if isinstance(event, ReasoningClosed)]
    return [(event.token, event.reason) for event in events]


# ---------------------------------------------------------------- the budget


@pytest.mark.parametrize("mode", MODES)
def test_reasoning_ends_at_its_budget_with_the_message_and_the_answer_goes_on(mode: Mode) -> None:
    runner = runner_for([*ids("abcdef"), *ids("yes"), END])
    runner.run(lane(A, thinking=True, budget=4, message="Enough."), mode=mode)
    # What the script would have drawn after the budget is drawn after the closing tag.
    assert runner.text(0) == "abcd\n\nEnough.\n</think>\n\nefyes"
    assert closed(runner) == [(4, "budget")]
    end = runner.ends()[0]
    assert (end.reason, end.detail) == (
        "stop",
        "the reasoning was closed at its budget of 4 tokens",
    )
    assert end.usage.reasoning_tokens == len("abcd\n\nEnough.\n") + 1


def test_a_generated_tag_does_not_count_for_the_budget() -> None:
    runner = runner_for([OPEN, *ids("abcd"), *ids("yes")])
    runner.run(lane(A, tags=True, budget=3))
    assert runner.text(0) == "<think>abc\n</think>\n\ndyes"


def test_a_budget_of_zero_closes_at_once() -> None:
    for request, text in (
        (lane(A, thinking=True, budget=0), "\n</think>\n\nyes"),
        (lane(B, tags=True, budget=0), "<think>\n</think>\n\nyes"),
    ):
        runner = runner_for(list(ids("yes")), [OPEN, *ids("yes")])
        runner.run(request)
        assert runner.text(0) == text


@pytest.mark.parametrize("budget", [None, -1, 4])
def test_a_budget_that_is_not_reached_changes_nothing(budget: int | None) -> None:
    runner = runner_for([*ids("abc"), CLOSE, *ids("yes")])
    runner.run(lane(A, thinking=True, budget=budget))
    assert runner.text(0) == "abc</think>yes"
    assert closed(runner) == []
    assert runner.ends()[0].detail is None


def test_a_second_block_of_reasoning_has_the_whole_budget_again() -> None:
    runner = runner_for([*ids("ab"), CLOSE, OPEN, *ids("cdef"), END])
    runner.run(lane(A, thinking=True, budget=3))
    assert runner.text(0) == "ab</think><think>cde\n</think>\n\nf"


def test_no_character_is_cut_by_the_budget() -> None:
    runner = runner_for([*ids("딸기"), *ids("yes")])
    runner.run(lane(A, thinking=True, budget=1))
    assert runner.text(0) == "딸\n</think>\n\n기yes"


def test_without_reasoning_the_budget_changes_nothing() -> None:
    runner = runner_for(list(ids("just an answer")))
    runner.run(lane(A, tags=True, budget=2))
    assert runner.text(0) == "just an answer"


# ---------------------------------------------------------------- answer now


@pytest.mark.parametrize("mode", MODES)
def test_a_lane_that_is_asked_to_answer_closes_its_reasoning_and_others_go_on(mode: Mode) -> None:
    runner = runner_for(list(ids("a" * 9)), list(ids("b" * 9)))
    runner.context.before_call = lambda number: runner.closing.add(0) if number == 4 else None
    lanes = lane(A, thinking=True, message="Now."), lane(B, thinking=True)
    runner.run(*lanes, mode=mode)
    assert "\n\nNow.\n</think>\n\n" in runner.text(0)
    assert runner.text(0).count("a") == 9
    assert runner.text(1) == "b" * 9
    assert [reason for _, reason in closed(runner)] == ["asked"]
    assert "on request" in str(runner.ends()[0].detail)


def test_asking_in_the_answer_does_nothing() -> None:
    runner = runner_for([*ids("ab"), CLOSE, *ids("yes"), OPEN, *ids("no")])
    runner.context.before_call = lambda number: runner.closing.add(0) if number > 3 else None
    runner.run(lane(A, thinking=True))
    assert runner.text(0) == "ab</think>yes<think>no"


def test_a_stream_hands_an_asking_over_once() -> None:
    stream = RunStream()
    stream.close_reasoning(1)
    assert not stream.take_asked_to_close(0)
    assert stream.take_asked_to_close(1)
    assert not stream.take_asked_to_close(1)


# ---------------------------------------------------------------- two chains


@pytest.mark.parametrize("mode", MODES)
def test_the_answers_chain_takes_over_behind_the_closing_tag(mode: Mode) -> None:
    runner = runner_for([*ids("hm"), CLOSE, *ids("never drawn")], list(ids("yes")))
    runner.run(lane(A, thinking=True, answer=B), mode=mode)
    assert runner.text(0) == "hm</think>yes"
    first, second = runner.model.chains
    assert first.drawn == 3
    # FakeChain checks at every draw that it was shown all tokens; here that it was in order.
    assert second.accepted == [*PROMPT, *ids("hm"), CLOSE, *ids("yes"), END]
    assert first.closed
    assert second.closed


@pytest.mark.parametrize(
    ("first", "text"),
    [
        (list(ids("no")), "yes"),  # the token that would begin the answer is drawn again
        ([*ids(" \n"), *ids("no")], " \nyes"),
        ([END], "yes"),
        ([OPEN, *ids("hm"), CLOSE, *ids("no")], "<think>hm</think>yes"),
        (list(ids("<think>hm</think>no")), "<think>hm</think>yes"),
        (list(ids("<thinner")), "<thinyes"),
    ],
)
def test_an_answer_without_reasoning_is_the_answers_chains_from_its_first_token(
    first: list[int], text: str
) -> None:
    runner = runner_for(first, list(ids("yes")))
    runner.run(lane(A, tags=True, answer=B))
    assert runner.text(0) == text


def test_where_reasoning_cannot_come_the_answers_chain_draws_all() -> None:
    runner = runner_for(list(ids("no")), list(ids("yes")))
    runner.run(lane(A, answer=B))
    assert runner.text(0) == "yes"


def test_a_forced_end_of_the_reasoning_hands_over_too() -> None:
    runner = runner_for(list(ids("abcdef")), list(ids("yes")))
    runner.run(lane(A, thinking=True, answer=B, budget=2))
    assert runner.text(0) == "ab\n</think>\n\nyes"


def test_a_lane_that_never_answers_never_builds_the_answers_state() -> None:
    runner = runner_for(list(ids("hm")), list(ids("yes")))
    runner.run(lane(A, thinking=True, answer=B))
    assert runner.text(0) == "hm"
    assert len(runner.model.chains) == 1


# ---------------------------------------------------------------- the same thought


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "thought",
    [
        FrozenThought((*ids("hm"), CLOSE)),
        FrozenThought(text="hm</think>"),
        FrozenThought(ids("h"), "m</think>"),
    ],
)
def test_a_thought_is_read_with_the_prompt_and_counts_as_generated(
    mode: Mode, thought: FrozenThought
) -> None:
    runner = runner_for(list(ids("yes")))
    runner.run(lane(A, thinking=True, thought=thought, n_predict=2), mode=mode)
    assert runner.text(0) == "hm</think>ye"
    assert runner.tokens(0) == [*ids("hm"), CLOSE, *ids("ye")]
    [prefill] = [entry for entry in runner.context.log if entry[0] == "prefill"]
    assert prefill[3] == len(PROMPT) + 3
    end = runner.ends()[0]
    assert end.usage == Usage(prompt_tokens=5, reasoning_tokens=3, answer_tokens=2)
    assert end.frozen_tokens == 3
    assert end.timing.tokens_per_second == pytest.approx(2 / end.timing.decode_s)


@pytest.mark.parametrize("thought", [FrozenThought(ids("h" * 400)), FrozenThought(text="h" * 400)])
def test_a_thought_that_leaves_no_room_is_refused_like_a_prompt(thought: FrozenThought) -> None:
    runner = Runner(FakeContext(n_ctx=256), FakeModel(scripts={A: ids("yes")}))
    with pytest.raises(UserError) as caught:
        runner.run(lane(A, thinking=True, thought=thought))
    assert (caught.value.code, runner.context.calls) == ("prompt_too_long", 0)
    assert "the context 256" in caught.value.what


def test_a_thought_that_stands_open_is_closed() -> None:
    for thought in (FrozenThought(ids("hm")), FrozenThought(text="hm")):
        runner = runner_for(list(ids("yes")))
        runner.run(lane(A, thinking=True, thought=thought))
        assert runner.text(0) == "hm\n</think>\n\nyes"


def test_lanes_with_one_thought_share_its_prefill_and_the_answers_chain_draws() -> None:
    runner = runner_for(list(ids("no")), list(ids("yes")))
    thought = FrozenThought((*ids("hm"), CLOSE))
    runner.run(
        lane(A, thinking=True, thought=thought),
        lane(A, thinking=True, answer=B, thought=thought),
        lane(A, thinking=True),
    )
    assert [runner.text(i) for i in range(3)] == ["hm</think>no", "hm</think>yes", "no"]
    assert sum(entry[0] == "prefill" for entry in runner.context.log) == 2


def test_probabilities_of_a_thought_are_those_known() -> None:
    runner = runner_for(list(ids("y")))
    thought = FrozenThought((*ids("h"), CLOSE), "!", (0.5, 0.25))
    runner.run(lane(A, thinking=True, thought=thought))
    known = runner.probabilities(0)
    assert known[:2] == [0.5, 0.25]
    assert math.isnan(known[2])
    cells = (*PROMPT, *ids("h"), CLOSE, *ids("!"))
    assert known[3:] == [probability_of(ids("y")[0], cells)]


def test_what_was_thought_before_stops_nothing() -> None:
    runner = runner_for(list(ids("yes")))
    thought = FrozenThought((*ids("ab" * 400), *ids("STOP"), CLOSE))
    runner.run(lane(A, thinking=True, guard="stop", thought=thought, stop=["STOP"], budget=3))
    assert runner.text(0).endswith("STOP</think>yes")
    assert not any(isinstance(event, LoopFound) for event in runner.events)


# ---------------------------------------------------------------- loops, in words


@pytest.mark.parametrize(
    ("guard", "reason"), [("mark", "stop"), ("stop", "loop"), ("close", "loop")]
)
def test_a_loop_is_told_in_words_with_its_place_and_rounds(guard: str, reason: str) -> None:
    runner = runner_for([*ids("Well, "), *ids("no. " * 100)])
    runner.run(lane(A, guard=guard))
    end = runner.ends()[0]
    assert end.reason == reason
    assert end.loop is not None
    assert str(end.detail).startswith("looped from token ")
    assert f" x {int(end.loop.repeats)}" in str(end.detail)
    if guard == "mark":
        assert end.loop.repeats > 90


def test_a_looping_thought_that_was_closed_says_both() -> None:
    runner = runner_for([*ids("ab" * 100), END])
    runner.run(lane(A, thinking=True, guard="close"))
    detail = str(runner.ends()[0].detail)
    assert "looped from token " in detail
    assert "so its reasoning was closed" in detail
    assert [reason for _, reason in closed(runner)] == ["loop"]
