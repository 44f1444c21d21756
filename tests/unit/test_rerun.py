"""Running a stored run again: the verdict, token by token, and what has changed since."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from qwqdesk.engine.events import Event, LaneFinished, Output, Span
from qwqdesk.errors import UserError
from qwqdesk.fairness import FAIR, SelfTests, judge, self_test
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.rerun import LaneOutcome, RerunResult, present_conditions, run_stored
from qwqdesk.run_conditions import chain_changes, changes
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.session import Session
from qwqdesk.store.history import History
from qwqdesk.stored_run import StoredLane, stored_lane
from tests.fake_engine import ENGINE, FakeEngine, began_of, fake_session, finished


def written(lane: int, text: str, first: int = 0) -> Output:
    """One token for each character; equal characters have equal tokens."""
    ends = tuple(first + n + 1 for n in range(len(text)))
    tokens = tuple(ord(c) for c in text)
    return Output(lane, (Span("answer", text),), tokens, ends=ends)


def run_of(*texts: str) -> list[Event]:
    events: list[Event] = [written(lane, text) for lane, text in enumerate(texts)]
    return [*events, *(finished(lane, tokens=len(t)) for lane, t in enumerate(texts))]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def history() -> Iterator[History]:
    history = History(None)
    yield history
    history.close()


@pytest.fixture
def session(engine: FakeEngine, history: History) -> Session:
    return fake_session(engine, history)


async def store(session: Session, lanes: Sequence[LaneSetup], **options: Any) -> list[StoredLane]:  # noqa: ANN401
    """Send to the end; the lanes as the history has them."""
    assert session.history is not None
    batches = session.send("hi", lanes, RunOptions(raw=True, **options))
    events = [event async for batch in batches for event in batch]
    return [stored_lane(session.history.reply(reply)) for reply in began_of(events).reply_ids]


def rerun(session: Session, engine: FakeEngine, then: str, now: str, **options: Any) -> RerunResult:  # noqa: ANN401
    async def journey() -> RerunResult:
        engine.script = [run_of(then), run_of(now)]
        return await run_stored(session, await store(session, [LaneSetup("A")], **options))

    return asyncio.run(journey())


def test_equal_tokens_are_a_reproduction(session: Session, engine: FakeEngine) -> None:
    result = rerun(session, engine, "the same text", "the same text")
    assert result.reproduced
    assert [lane.words for lane in result.lanes] == ["equal, 13 tokens"]
    assert result.sentence == "Reproduced: every token is the same."
    assert result.changed == ()


def test_the_first_other_token_is_named(session: Session, engine: FakeEngine) -> None:
    result = rerun(session, engine, "the same text", "the same tent")
    (lane,) = result.lanes
    assert (lane.differs_at, lane.then, lane.now) == (11, "x", "n")
    assert lane.words == "differs from token 11: 'n' instead of 'x'"
    assert "Nothing that is known has changed" in result.reason


def test_tokens_with_the_same_text_are_told_apart_by_their_numbers() -> None:
    lane = LaneOutcome("A", 3, 2, then=" user", now=" user", ids=(17, 321))
    assert lane.words == "differs from token 2: token 321 instead of 17, both ' user'"


def test_ending_earlier_or_going_on_is_a_difference(session: Session, engine: FakeEngine) -> None:
    shorter = rerun(session, engine, "abcdef", "abc").lanes[0]
    assert (shorter.differs_at, shorter.ended_now) == (3, True)
    longer = rerun(session, engine, "abc", "abcdef").lanes[0]
    assert (longer.differs_at, longer.ended_then) == (3, True)


def test_where_a_limit_ended_it_what_is_written_behind_is_no_difference(
    session: Session, engine: FakeEngine
) -> None:
    """A lane is stopped at its last token, and may have written more until it hears of that."""

    async def journey() -> RerunResult:
        engine.script = [[written(0, "abc"), finished(0, "length", tokens=3)], run_of("abcdef")]
        return await run_stored(session, await store(session, [LaneSetup("A")]))

    result = asyncio.run(journey())
    assert result.reproduced
    assert [lane.words for lane in result.lanes] == ["equal, 3 tokens"]


def test_a_lane_stops_as_soon_as_it_differs(session: Session, engine: FakeEngine) -> None:
    rerun(session, engine, "abcdef", "abX")
    assert engine.streams[-1].asked_to_stop(0)


def test_the_run_is_made_of_stated_values_and_stored_tokens(
    session: Session, engine: FakeEngine
) -> None:
    rerun(session, engine, "abc", "abc", seed=77)
    first, again = (run.lanes[0] for run in engine.runs)
    assert again.prompt_tokens == first.prompt_tokens
    assert again.chain.integer("seed") == 77
    assert again.chain.integer("n_predict") == 4  # one more, to see that it ends
    assert engine.runs[1].mode == engine.runs[0].mode


def test_nothing_of_a_rerun_is_saved(
    session: Session, engine: FakeEngine, history: History
) -> None:
    rerun(session, engine, "abc", "abc")
    (summary,) = history.conversations()
    assert len(history.load(summary.id).messages[0].replies) == 1


def test_what_changed_is_said_in_words(session: Session, engine: FakeEngine) -> None:
    async def journey() -> RerunResult:
        engine.script = [run_of("abc")]
        lanes = await store(session, [LaneSetup("A")])
        before = copy.deepcopy(lanes[0].engine)
        then = {**before, "n_threads": 8, "llama_cpp_python": "0.3.1", "type_k": "q8_0"}
        engine.script = [run_of("xyz")]
        return await run_stored(session, [replace(lanes[0], engine=then)])

    result = asyncio.run(journey())
    assert not result.expected
    assert list(result.changed) == [
        "Engine build: llama-cpp-python 0.3.1 then, llama-cpp-python 0.3.36 now.",
        "Threads: 8 then, 1 now.",
        "K cache type: q8_0 then, f16 now.",
    ]
    assert result.reason.startswith("Changed since the run: Engine build")


def test_fast_mode_was_not_expected_to_reproduce(session: Session, engine: FakeEngine) -> None:
    result = rerun(session, engine, "abc", "abX", mode="fast")
    assert result.sentence == "Not the same, as expected: in fast mode lanes share batches."
    assert not result.expected


def test_a_run_without_tokens_cannot_be_compared(session: Session, engine: FakeEngine) -> None:
    async def journey() -> None:
        engine.script = [[finished(0, "cancelled")]]
        await run_stored(session, await store(session, [LaneSetup("A")]))

    with pytest.raises(UserError, match="no tokens to compare"):
        asyncio.run(journey())


# ---------------------------------------------------------------- A = A


def check(
    session: Session, engine: FakeEngine, then: str, *now: str, limit: int = 256
) -> int | None:
    async def journey() -> int | None:
        engine.script = [run_of(then), run_of(*now)]
        lanes = await store(session, [LaneSetup("A")])
        found = await self_test(session, lanes[0], limit=limit)
        assert found is not None
        return found.differs_at

    return asyncio.run(journey())


def test_the_same_twice_is_fair(session: Session, engine: FakeEngine) -> None:
    assert check(session, engine, "abc", "abc", "abc") is None
    assert len(engine.runs[-1].lanes) == 2


def test_a_difference_between_the_two_or_to_the_run_is_found(
    session: Session, engine: FakeEngine
) -> None:
    assert check(session, engine, "abcd", "abcd", "abXd") == 2
    assert check(session, engine, "abcd", "aXcd", "aXcd") == 1


def test_a_long_reply_is_checked_in_part(session: Session, engine: FakeEngine) -> None:
    assert check(session, engine, "abcdefgh", "abcd", "abcd", limit=4) is None
    assert {lane.chain.integer("n_predict") for lane in engine.runs[-1].lanes} == {4}


def test_a_result_holds_for_its_conditions_only(
    session: Session,
    engine: FakeEngine,
    tmp_path: Any,  # noqa: ANN401
) -> None:
    async def journey() -> None:
        engine.script = [run_of("abc"), run_of("abc", "abc")]
        lanes = await store(session, [LaneSetup("A")])
        found = await self_test(session, lanes[0])
        assert found is not None
        tests = SelfTests(tmp_path / "tests.json")
        tests.add(found)
        again = SelfTests(tmp_path / "tests.json")
        now = present_conditions(session, "exact")
        assert again.find(now) is not None
        assert judge("exact", again.find(now)) is FAIR
        assert again.find(replace(now, engine={**now.engine, "n_threads": 2})) is None
        assert again.find(replace(now, model=replace(now.model, path="/other.gguf"))) is None
        assert again.find(replace(now, mode="fast")) is None

    asyncio.run(journey())


def test_a_broken_file_of_results_is_empty(tmp_path: Any) -> None:  # noqa: ANN401
    path = tmp_path / "tests.json"
    for text in ("", "[", '{"a": 1}', "[1, {}, null]", '[{"mode": "exact", "when": "x"}]'):
        path.write_text(text)
        assert SelfTests(path)._tests == []


# ---------------------------------------------------------------- changes


def test_the_number_of_streams_and_free_memory_are_no_changes(session: Session) -> None:
    now = present_conditions(session, "exact")
    assert changes(now, replace(now, engine={**now.engine, "kv_streams": 4})) == ()
    assert changes(now, now) == ()
    assert ENGINE.n_threads == 1


def test_changed_values_of_a_chain_have_names(session: Session) -> None:
    then = LaneSetup("A", user={"seed": 5}).resolved().chain
    now = then.with_values(temperature=0.1).with_samplers(["temperature"])
    assert [words.split(":")[0] for words in chain_changes(then, now)] == ["Order", "temperature"]
    assert chain_changes(then, then.with_seed(-1)) == ()
    assert chain_changes(then, then.with_seed(6)) == ("seed: 5 then, 6 now.",)


def test_a_stopped_lane_is_no_verdict(session: Session, engine: FakeEngine) -> None:
    async def journey() -> RerunResult:
        engine.script = [run_of("abcdef"), [written(0, "abc"), _cancelled(0)]]
        return await run_stored(session, await store(session, [LaneSetup("A")]))

    result = asyncio.run(journey())
    assert result.stopped
    assert not result.reproduced


def _cancelled(lane: int) -> LaneFinished:
    return finished(lane, "cancelled", tokens=3)


def test_constraints_hold_again(session: Session, engine: FakeEngine) -> None:
    limits = Constraints(grammar='root ::= "a"', banned_strings=("b",))

    async def journey() -> None:
        engine.script = [run_of("a"), run_of("a")]
        lanes = await store(session, [LaneSetup("A", constraints=limits)])
        assert (await run_stored(session, lanes)).reproduced

    asyncio.run(journey())
    whole = replace(limits, from_first_token=True)  # the prompt was raw
    assert [run.lanes[0].constraints for run in engine.runs] == [whole, whole]


def on_another_model(session: Session, lanes: Sequence[StoredLane]) -> list[StoredLane]:
    """The lanes as if a model of another size had written them."""
    return [replace(lane, model=replace(lane.model, size_bytes=7)) for lane in lanes]


def test_another_quantization_gets_the_same_prompt_tokens(
    session: Session, engine: FakeEngine
) -> None:
    async def journey() -> RerunResult:
        engine.script = [run_of("abc"), run_of("abc")]
        lanes = on_another_model(session, await store(session, [LaneSetup("A")]))
        return await run_stored(session, lanes)

    result = asyncio.run(journey())
    assert result.notes == ()
    assert result.changed[0].startswith("Model: ")
    assert engine.runs[1].lanes[0].prompt_tokens == engine.runs[0].lanes[0].prompt_tokens


def test_a_model_with_another_vocabulary_gets_the_text_with_a_note(
    session: Session, engine: FakeEngine
) -> None:
    async def journey() -> RerunResult:
        engine.script = [run_of("abc"), run_of("abc")]
        (lane,) = on_another_model(session, await store(session, [LaneSetup("A")]))
        prompt = replace(lane.prompt, tokens=(100_000, 100_001, 100_002))
        return await run_stored(session, [replace(lane, prompt=prompt)])

    result = asyncio.run(journey())
    assert "tokenized again: 3 tokens then, 2 now" in result.notes[0]
    assert engine.runs[1].lanes[0].prompt_tokens == tuple(b"hi")
