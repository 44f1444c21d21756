"""Every decode path on a scripted context: order, independence, stopping, failing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.conversation import Mode
from qwqdesk.engine.decode import PrefixCache
from qwqdesk.engine.events import (
    FrozenThought,
    LaneFinished,
    LaneRequest,
    LoopFound,
    LoopGrew,
    PrefillProgress,
)
from qwqdesk.errors import UserError
from qwqdesk.sampling.constraints import Constraints
from tests.fakes import CLOSE, END, FakeContext, FakeModel, ids
from tests.unit.engine.decode_runner import PROMPT, Runner, lane

A, B, C, D = 11, 12, 13, 14


def reference(request: LaneRequest, n_ctx: int = 4096) -> list[int]:
    """What the lane writes when nothing else happens, computed without the engine."""
    model = FakeModel()
    chain = model.chain(request.chain)
    chain.accept(request.prompt_tokens)
    limit = request.chain.integer("n_predict")
    tokens: list[int] = []
    room = n_ctx - len(request.prompt_tokens)
    while (limit < 0 or len(tokens) < limit) and len(tokens) < room:
        token = chain.draw(chain.accepted)
        if token == END:
            break
        chain.accept([token])
        tokens.append(token)
    return tokens


def test_exact_mode_decodes_one_token_of_each_lane_in_turn() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("aaa"), B: ids("b")}))
    runner.run(lane(A), lane(B))
    assert runner.context.log == [
        ("clear",),
        ("prefill", 0, 0, 5, True),
        ("copy", 0, 1),
        ("sample", A),
        ("sample", B),
        ("decode", (0,)),
        ("sample", A),
        ("decode", (1,)),
        ("sample", B),  # the end token
        ("decode", (0,)),
        ("sample", A),
        ("decode", (0,)),
        ("sample", A),
    ]
    assert [runner.text(0), runner.text(1)] == ["aaa", "b"]


def test_fast_mode_decodes_all_live_lanes_in_one_batch() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("aaa"), B: ids("b"), C: ids("cc")}))
    runner.run(lane(A), lane(B), lane(C), mode="fast")
    decodes = [entry[1] for entry in runner.context.log if entry[0] == "decode"]
    assert decodes == [(0, 1, 2), (0, 2), (0,)]
    assert [runner.text(i) for i in range(3)] == ["aaa", "b", "cc"]


def test_sequential_lanes_run_cold_one_after_another_in_one_sequence() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("a"), B: ids("b")}))
    runner.run(lane(A), lane(B), sequential=True)
    one = [("clear",), ("prefill", 0, 0, 5, True)]
    assert runner.context.log == [
        *one,
        ("sample", A),
        ("decode", (0,)),
        ("sample", A),
        *one,
        ("sample", B),
        ("decode", (0,)),
        ("sample", B),
    ]


def test_a_long_prompt_is_read_in_chunks_of_512_and_shows_its_progress() -> None:
    runner = Runner()
    runner.run(lane(A, [7] * 1100, n_predict=1))
    prefills = [entry for entry in runner.context.log if entry[0] == "prefill"]
    assert prefills == [
        ("prefill", 0, 0, 512, False),
        ("prefill", 0, 512, 512, False),
        ("prefill", 0, 1024, 76, True),
    ]
    done = [(e.done, e.total) for e in runner.events if isinstance(e, PrefillProgress)]
    assert done == [(0, 1100), (512, 1100), (1024, 1100), (1100, 1100)]


def test_a_gpu_is_being_prepared_until_its_first_chunk_is_computed() -> None:
    """What was handed over is not computed: the sign of that is the next chunk, or a token."""
    runner = Runner()
    runner.gpu_is_new = True
    runner.run(lane(A, [7] * 1100, n_predict=1))
    told = [(e.done, e.prepares_gpu) for e in runner.events if isinstance(e, PrefillProgress)]
    assert told == [(0, True), (512, True), (1024, False), (1100, False)]
    runner.run(lane(A, [7] * 20, n_predict=1))
    told = [(e.done, e.prepares_gpu) for e in runner.events if isinstance(e, PrefillProgress)]
    assert told == [(0, True), (20, True)]


def test_lanes_with_one_prompt_share_its_prefill_and_others_have_their_own() -> None:
    runner = Runner()
    other = ids("other prompt")
    runner.run(lane(A, n_predict=2), lane(B, other, n_predict=2), lane(C, n_predict=2))
    prefills = [entry[1] for entry in runner.context.log if entry[0] == "prefill"]
    copies = [entry[1:3] for entry in runner.context.log if entry[0] == "copy"]
    assert prefills == [0, 1]
    assert copies == [(0, 2)]


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_lane_that_is_stopped_does_not_stop_the_others(mode: Mode) -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("a" * 20), B: ids("b" * 20)}))
    runner.context.before_call = lambda number: runner.stopped.add(0) if number == 4 else None
    runner.run(lane(A), lane(B), mode=mode)
    ends = runner.ends()
    assert ends[0].reason == "cancelled"
    assert 0 < len(runner.tokens(0)) < 6
    assert ends[1].reason == "stop"
    assert runner.text(1) == "b" * 20


LIMITED = Constraints(banned_strings=("ba",))


@given(
    st.lists(st.sampled_from([A, B]), min_size=2, max_size=4),
    st.integers(1, 60),
    st.sampled_from(["exact", "fast"]),
    st.booleans(),
)
def test_equal_lanes_that_are_stopped_together_end_at_the_same_token(
    seeds: list[int], moment: int, mode: Mode, banned: bool
) -> None:
    scripts = {A: ids("a" * 40), B: [*ids("aaaa"), *[ids("ba")[0], ids("c")[0]] * 9]}
    runner = Runner(model=FakeModel(scripts=scripts))
    runner.stop_at_question = moment
    lanes = [lane(seed) for seed in seeds]
    if banned:
        lanes = [replace(each, constraints=LIMITED) for each in lanes]
    runner.run(*lanes, mode=mode)
    ends = runner.ends()
    for a, b in combinations(range(len(seeds)), 2):
        if seeds[a] == seeds[b]:
            assert runner.tokens(a) == runner.tokens(b)
            assert ends[a].reason == ends[b].reason


def test_lanes_that_have_parted_wait_for_nothing_when_all_are_stopped() -> None:
    for moment in range(1, 40):
        runner = Runner(model=FakeModel(scripts={A: ids("a" * 40), B: ids("b" * 40)}))
        runner.context.before_call = lambda call, r=runner, m=moment: (  # type: ignore[misc]
            r.stopped.add(None) if call == m else None
        )
        runner.run(lane(A), lane(B))
        assert runner.context.calls == moment


def test_a_lane_that_is_stopped_alone_ends_at_once_though_another_is_equal() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("a" * 20)}))
    runner.context.before_call = lambda number: runner.stopped.add(1) if number == 4 else None
    runner.run(lane(A), lane(A))
    assert [len(runner.tokens(i)) for i in (0, 1)] == [20, 2]
    assert [runner.ends()[i].reason for i in (0, 1)] == ["stop", "cancelled"]


def test_an_equal_lane_ends_as_the_one_that_ended_while_all_were_stopped() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("aa")}))
    runner.context.before_call = lambda number: runner.stopped.add(None) if number == 4 else None
    runner.run(lane(A), lane(A))  # the fourth call is A's, which draws its end token
    assert [end.reason for end in runner.ends().values()] == ["stop", "stop"]


def test_cancelling_while_reading_the_prompt_stops_before_the_next_chunk() -> None:
    runner = Runner()
    runner.context.before_call = lambda number: runner.stopped.add(None) if number == 2 else None
    runner.run(lane(A, [7] * 5000), lane(B, [7] * 5000))
    assert runner.context.calls == 2
    assert [end.reason for end in runner.ends().values()] == ["cancelled"] * 2
    assert runner.tokens(0) == []


def test_cancelling_while_decoding_ends_within_one_step() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("a" * 50), B: ids("b" * 50)}))
    runner.context.before_call = lambda number: runner.stopped.add(None) if number == 6 else None
    runner.run(lane(A), lane(B))
    assert runner.context.calls == 6
    assert [end.reason for end in runner.ends().values()] == ["cancelled"] * 2


def test_a_failing_decode_gives_every_lane_one_end_with_the_reason() -> None:
    runner = Runner(FakeContext(fail_at=5), FakeModel(scripts={A: ids("a" * 9), B: ids("b" * 9)}))
    with pytest.raises(UserError):
        runner.run(lane(A), lane(B), lane(C, n_predict=0))
    ends = runner.ends()
    assert [ends[i].reason for i in range(3)] == ["error", "error", "length"]
    assert "could not decode" in str(ends[0].detail)
    assert runner.text(0) != ""
    assert all(chain.closed for chain in runner.model.chains)


@pytest.mark.parametrize(
    ("n_predict", "written", "reason"),
    [(0, "", "length"), (1, "a", "length"), (3, "aaa", "length"), (-1, "aaaaa", "stop")],
)
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_n_predict(n_predict: int, written: str, reason: str, mode: Mode) -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("aaaaa")}))
    runner.run(lane(A, n_predict=n_predict), mode=mode)
    end = runner.ends()[0]
    assert runner.text(0) == written
    assert end.reason == reason
    assert reason == "stop" or "n_predict" in str(end.detail)
    assert end.usage.answer_tokens == len(written)


def test_a_reply_that_ends_at_once_is_empty_and_stopped() -> None:
    runner = Runner(model=FakeModel(scripts={A: ()}))
    runner.run(lane(A))
    assert runner.ends()[0].reason == "stop"
    assert runner.tokens(0) == []


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_full_context_ends_with_length_and_both_numbers(mode: Mode) -> None:
    runner = Runner(FakeContext(n_ctx=20), FakeModel(scripts={A: ids("a" * 99), B: ids("b")}))
    runner.run(lane(A), lane(B), mode=mode)
    end = runner.ends()[0]
    assert end.reason == "length"
    assert "context full" in str(end.detail)
    assert "20" in str(end.detail)
    assert len(runner.tokens(0)) == 15


def test_a_stop_string_ends_the_lane_and_keeps_its_tokens() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("one STOP two")}))
    runner.run(lane(A, stop=["STOP"]))
    end = runner.ends()[0]
    assert end.reason == "stop"
    assert "STOP" in str(end.detail)
    assert runner.text(0) == "one "
    assert runner.tokens(0) == list(ids("one STOP"))


def test_the_guard_closes_the_reasoning_and_the_answer_follows() -> None:
    script = [*ids("ab" * 400), *ids("fine"), END]
    runner = Runner(model=FakeModel(scripts={A: script}))
    runner.run(lane(A, thinking=True, guard="close"))
    text = runner.text(0)
    assert "\n</think>\n\n" in text
    assert runner.ends()[0].reason in ("stop", "loop")
    assert any(isinstance(event, LoopFound) for event in runner.events)
    tokens = runner.tokens(0)
    at = tokens.index(CLOSE)
    # The forced tokens were shown to the chain and decoded like drawn ones.
    assert runner.model.chains[0].accepted[5 : 5 + len(tokens)] == tokens
    usage = runner.ends()[0].usage
    assert usage.reasoning_tokens + usage.answer_tokens == len(tokens)
    assert usage.reasoning_tokens >= at


def test_the_guard_closes_the_reasoning_once_and_stops_a_looping_answer() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("ab" * 2000)}))
    runner.run(lane(A, thinking=True, guard="close"))
    loops = [event.loop for event in runner.events if isinstance(event, LoopFound)]
    end = runner.ends()[0]
    assert end.reason == "loop"
    closed = runner.tokens(0).index(CLOSE)
    assert len(loops) == 2
    assert loops[0].from_token < closed < loops[1].from_token
    assert {loop.text for loop in loops} <= {"ab", "ba"}


def test_a_loop_that_goes_on_is_counted_in_whole_rounds() -> None:
    runner = Runner(model=FakeModel(scripts={A: [*ids("abcd" * 100), *ids("x" * 40), END]}))
    runner.run(lane(A, guard="mark"))
    (found,) = [event.loop for event in runner.events if isinstance(event, LoopFound)]
    rounds = [int(event.loop.repeats) for event in runner.events if isinstance(event, LoopGrew)]
    end = runner.ends()[0].loop
    assert rounds[0] > int(found.repeats)
    assert rounds == sorted(set(rounds))
    assert end is not None
    assert (end.from_token, rounds[-1], int(end.repeats)) == (found.from_token, 100, 100)


@pytest.mark.parametrize(("guard", "reason"), [("mark", "stop"), ("off", "stop"), ("stop", "loop")])
def test_the_other_guards(guard: str, reason: str) -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("ab" * 400)}))
    runner.run(lane(A, guard=guard))
    found = [event for event in runner.events if isinstance(event, LoopFound)]
    assert len(found) == (0 if guard == "off" else 1)
    assert runner.ends()[0].reason == reason


# ---------------------------------------------------------------- fast mode's reuse


def test_the_next_turn_reuses_what_the_last_one_decoded() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("reply"), B: ids("more")}))
    runner.run(lane(A), mode="fast")
    follow_up = (*PROMPT, *ids("reply"), END, *ids("and now?"))
    runner.run(lane(B, follow_up), mode="fast")
    prefills = [entry for entry in runner.context.log if entry[0] == "prefill"]
    # All of "hello" and "reply" was decoded: the end token was drawn from the last logits.
    assert prefills == [("prefill", 1, 10, 9, True)]
    assert runner.text(0) == "more"


def test_the_same_prompt_again_decodes_only_its_last_token() -> None:
    runner = Runner()
    runner.run(lane(A, n_predict=3), mode="fast")
    before = runner.tokens(0)
    runner.run(lane(A, n_predict=3), mode="fast")
    assert [e for e in runner.context.log if e[0] == "prefill"] == [("prefill", 1, 4, 1, True)]
    assert runner.tokens(0) == before


def test_sequences_alternate_between_two_halves_and_stay_in_them() -> None:
    runner = Runner()
    used = []
    for _ in range(5):
        runner.run(lane(A, n_predict=2), lane(B, n_predict=2), mode="fast")
        used.append({entry[1] for entry in runner.context.log if entry[0] == "prefill"})
    assert used == [{0}, {2}, {0}, {2}, {0}]
    held = {number for number, cells in runner.context.cells.items() if cells}
    assert held == {0, 1}


def reads(runner: Runner) -> list[tuple[object, ...]]:
    """What of prompts was read: sequence, first token, how many."""
    return [e[1:4] for e in runner.context.log if e[0] == "prefill"]


def test_a_memory_that_cannot_give_back_a_part_is_reused_as_a_whole() -> None:
    runner = Runner(FakeContext(goes_back=0), FakeModel(scripts={A: ids("reply")}))
    runner.run(lane(A), mode="fast")
    runner.run(lane(A, ids("xhelp!")), mode="fast")
    assert reads(runner) == [(1, 0, 2), (1, 2, 4)]
    whole = (*ids("xhelp!"), *ids("reply"))
    runner.run(lane(B, (*whole, END, *ids("next")), n_predict=2), mode="fast")
    assert reads(runner) == [(0, 11, 1), (0, 12, 4)]


@pytest.mark.parametrize("in_place", [False, True])
def test_a_memory_that_cannot_be_cut_goes_on_from_what_was_kept_of_a_prompt(in_place: bool) -> None:
    """The same prompt, the next turn without the reply's own thought, another last question."""
    runner = Runner(FakeContext(goes_back=0), in_place=in_place)
    first, second = ids("question one: "), ids("question one, two: ")
    runner.run(lane(A, first, n_predict=9), mode="fast")
    assert [each[1:] for each in reads(runner)] == [(0, 10), (10, 4)]
    runner.run(lane(A, first, n_predict=9), mode="fast")
    assert [each[1:] for each in reads(runner)] == [(10, 4)], "regenerate"
    runner.run(lane(A, (*first[:-3], *ids("reply"), *second), n_predict=9), mode="fast")
    assert [each[1:] for each in reads(runner)] == [(10, 21), (31, 4)]
    runner.run(lane(A, (*first[:-2], *ids("other than that")), n_predict=9), mode="fast")
    assert [each[1:] for each in reads(runner)] == [(10, 13), (23, 4)], "an earlier state"


def test_states_are_shared_by_lanes_and_bounded() -> None:
    runner = Runner(FakeContext(goes_back=0))
    runner.run(lane(A, n_predict=9), lane(B, n_predict=9), mode="fast")
    runner.run(lane(A, n_predict=9), lane(B, n_predict=9), mode="fast")
    assert not any(entry[0] == "keep" for entry in runner.context.log)
    assert reads(runner) == [(2, 1, 4)]
    for number in range(5):
        runner.run(lane(A, ids("hello" * (number + 2))), lane(B), mode="fast")
        assert all(len(states) <= 2 for states in runner.cache.states.values())


def test_a_state_that_is_too_large_is_not_kept() -> None:
    context = FakeContext(goes_back=0)
    context.state_bytes = 1 << 30
    runner = Runner(context)
    for _ in range(2):
        runner.run(lane(A, n_predict=9), mode="fast")
        assert reads(runner)[0][1] == 0
        assert not any(entry[0] == "keep" for entry in context.log)


def test_a_window_is_cut_where_it_still_reaches_and_read_again_where_not() -> None:
    context = FakeContext(goes_back=9)
    context.state_bytes = 1 << 30
    runner = Runner(context, FakeModel({A: ids("a reply of many tokens")}), in_place=True)
    runner.run(lane(A, n_predict=9), mode="fast")
    runner.run(lane(A, n_predict=20), mode="fast")
    assert reads(runner) == [(0, 4, 1)]
    runner.run(lane(A, n_predict=9), mode="fast")
    assert reads(runner) == [(0, 0, 1), (0, 1, 4)]


def test_what_is_reused_is_copied_whole_and_then_cut() -> None:
    runner = Runner(model=FakeModel(scripts={A: ids("reply"), B: ids("more")}))
    runner.run(lane(A), mode="fast")
    runner.run(lane(B, ids("help")), mode="fast")
    copied = [entry for entry in runner.context.log if entry[0] in ("copy", "cut")]
    assert copied == [("copy", 0, 1), ("cut", 1, 3), ("cut", 0, 0)]
    assert runner.context.cells[1][:4] == ids("help")


def test_in_place_each_lane_goes_on_with_its_own_cells() -> None:
    model = FakeModel(scripts={A: ids("reply"), B: ids("other")})
    runner = Runner(model=model, in_place=True)
    runner.run(lane(A), lane(B), mode="fast")
    turns = [(*PROMPT, *ids(said), END, *ids("and now?")) for said in ("reply", "other")]
    runner.run(lane(A, turns[0]), lane(B, turns[1]), mode="fast")
    log = runner.context.log
    assert [entry for entry in log if entry[0] in ("copy", "cut", "clear")] == []
    assert [entry[:3] for entry in log if entry[0] == "prefill"] == [
        ("prefill", 0, 10),
        ("prefill", 1, 10),
    ]
    assert runner.tokens(0) == list(ids("reply"))
    # Swapped, the lanes find only what the conversation has in common in their own sequences.
    runner.run(lane(A, turns[1]), lane(B, turns[0]), mode="fast")
    assert [entry[:3] for entry in log if entry[0] == "prefill"] == [
        ("prefill", 0, 5),
        ("prefill", 1, 5),
    ]
    assert runner.tokens(1) == list(ids("other"))


def test_what_was_cancelled_while_reading_is_reused_as_far_as_it_came() -> None:
    runner = Runner()
    runner.context.before_call = lambda number: runner.stopped.add(None) if number == 2 else None
    long = [7] * 2000
    runner.run(lane(A, long), mode="fast")
    runner.stopped.clear()
    runner.run(lane(A, long, n_predict=1), mode="fast")
    first = next(entry for entry in runner.context.log if entry[0] == "prefill")
    assert first == ("prefill", 1, 1024, 512, False)


# ---------------------------------------------------------------- any schedule

PROMPTS = (PROMPT, ids("help me"), ids("hello there"), tuple([9] * 700))
THOUGHTS = st.none() | st.builds(
    FrozenThought,
    st.sampled_from([(), ids("So it is"), (*ids("So"), CLOSE), ids("딸")[:2]]),
    st.sampled_from(["", "I know.", "Well</think>"]),
)
LANES = st.lists(
    st.builds(
        lane,
        st.integers(1, 6),
        st.sampled_from(PROMPTS),
        guard=st.sampled_from(["off", "mark", "stop", "close"]),
        thinking=st.booleans(),
        tags=st.booleans(),
        answer=st.none() | st.integers(1, 6),
        budget=st.sampled_from([None, None, -1, 0, 1, 12]),
        message=st.sampled_from(["", "Enough."]),
        thought=THOUGHTS,
        n_predict=st.sampled_from([-1, -1, 0, 1, 7, 30]),
    ),
    min_size=1,
    max_size=4,
)
WAYS = st.sampled_from([("exact", False), ("exact", True), ("fast", False)])
RUNS = st.lists(
    st.tuples(LANES, WAYS, st.dictionaries(st.integers(1, 40), st.sampled_from([0, 1, 2, 3]))),
    min_size=1,
    max_size=3,
)


def _stopping(runner: Runner, plan: dict[int, int]) -> Callable[[int], None]:
    first = runner.context.calls

    def before_call(number: int) -> None:
        if number - first in plan:
            what = plan[number - first]
            runner.stopped.add(None if what == 3 else what)

    return before_call


@given(RUNS, st.booleans(), st.none() | st.integers(1, 60))
def test_any_schedule_ends_every_lane_once_with_its_own_tokens(
    runs: list[tuple[list[LaneRequest], tuple[Mode, bool], dict[int, int]]],
    whole: bool,
    fail_at: int | None,
) -> None:
    runner = Runner(FakeContext(goes_back=0 if whole else None, fail_at=fail_at))
    halves = 0
    for lanes, (mode, sequential), plan in runs:
        if mode != "fast" or halves != len(lanes):  # the engine opens another context
            runner.cache = PrefixCache()
            runner.context.cells.clear()
        halves = len(lanes) if mode == "fast" else 0
        runner.stopped = set()
        runner.context.before_call = _stopping(runner, plan)
        failed = False
        try:
            runner.run(*lanes, mode=mode, sequential=sequential)
        except UserError:
            failed, halves = True, 0
        _check(runner, lanes, disturbed=failed or bool(plan))


def _draws_alone(request: LaneRequest) -> bool:
    """Whether every token is drawn, by chains that draw the same."""
    forced = request.loop_guard == "close" or request.reasoning_budget not in (None, -1)
    if request.thought is not None or (forced and request.tags):
        return False
    answer = request.answer_chain
    return answer is None or answer["seed"] == request.chain["seed"]


def _check(runner: Runner, lanes: Sequence[LaneRequest], *, disturbed: bool) -> None:
    ends = runner.ends()
    assert sorted(ends) == list(range(len(lanes)))
    assert all(chain.closed for chain in runner.model.chains)
    for number, request in enumerate(lanes):
        own = [e for e in runner.events if getattr(e, "lane", None) == number]
        assert isinstance(own[-1], LaneFinished), "nothing comes after a lane's end"
        tokens, expected = runner.tokens(number), reference(request)
        whole = ends[number].reason in ("stop", "length")
        if _draws_alone(request):
            assert tokens == (expected if whole else expected[: len(tokens)])
        assert whole or disturbed or ends[number].reason == "loop"
        usage = ends[number].usage
        assert usage.prompt_tokens == len(request.prompt_tokens)
        assert usage.reasoning_tokens + usage.answer_tokens == len(tokens)
        written = b"".join(map(runner.model.piece, tokens)).decode("utf-8", "replace")
        assert runner.text(number) == written
