"""Lanes on different models: one message, one conversation, one model after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import LaneFinished, Loaded, Output
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_failure import failure_error, may_work_now
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_turns import (
    LanePlace,
    ModelTurns,
    SameThought,
    TurnBegan,
    TurnEvent,
    TurnFailed,
)
from qwqdesk.run_plan import MessageSaved, RunBegan, RunOptions
from qwqdesk.session import Session
from qwqdesk.store.history import History

SETTINGS = EngineSettings(n_ctx=512, n_gpu_layers=0, n_threads=1)


@pytest.fixture
def session() -> Iterator[Session]:
    engine, history = Engine(extra_buffers_safe=lambda: False), History(None)
    yield Session(engine, history)
    history.close()
    assert engine.close()


def place(label: str, model: Path, **user: object) -> LanePlace:
    values = {"n_predict": 4, "ignore_eos": True, **user}
    setup = LaneSetup(label, user=values, model=str(model))
    return LanePlace(setup, model, SETTINGS, RunOptions())


async def collect(turns: ModelTurns, text: str = "hi") -> list[TurnEvent]:
    return [event async for batch in turns.send(text) for event in batch]


def finished(events: list[TurnEvent]) -> list[tuple[int, str]]:
    """Each lane that ended, by its number among all lanes, and why."""
    found: list[tuple[int, str]] = []
    lanes: tuple[int, ...] = ()
    for event in events:
        if isinstance(event, TurnBegan):
            lanes = event.lanes
        elif isinstance(event, LaneFinished):
            found.append((lanes[event.lane], event.reason))
    return found


def history_of(session: Session) -> History:
    assert session.history is not None
    return session.history


def test_each_model_is_loaded_once_and_all_lanes_answer_one_message(
    session: Session, models: dict[str, Path]
) -> None:
    a, b = models["F16"], models["Q8_0"]
    turns = ModelTurns(session, [place("A", a), place("B", b), place("C", a, top_k=3)])
    events = asyncio.run(collect(turns))
    began = [event for event in events if isinstance(event, TurnBegan)]
    assert [(turn.number, turn.turns, turn.lanes) for turn in began] == [
        (1, 2, (0, 2)),
        (2, 2, (1,)),
    ]
    assert sum(isinstance(event, Loaded) for event in events) == 2
    assert finished(events) == [(0, "length"), (2, "length"), (1, "length")]
    conversation = history_of(session).load(1)
    assert [entry["label"] for entry in conversation.lanes] == ["A", "B", "C"]
    replies = conversation.messages[0].replies
    assert len(conversation.messages) == 1
    assert {reply.lane: Path(reply.manifest["model"]["path"]) for reply in replies} == {
        "A": a,
        "B": b,
        "C": a,
    }
    seeds = {reply.sampling["seed"] for reply in replies}
    assert len(seeds) == 1


def test_the_loaded_model_goes_first(session: Session, models: dict[str, Path]) -> None:
    async def run() -> list[TurnEvent]:
        async for _ in session.load(models["Q8_0"], SETTINGS):
            pass
        return await collect(
            ModelTurns(session, [place("A", models["F16"]), place("B", models["Q8_0"])])
        )

    assert [lane for lane, _ in finished(asyncio.run(run()))] == [1, 0]


def test_a_model_that_is_gone_costs_its_own_lanes_only(
    session: Session, models: dict[str, Path]
) -> None:
    gone = models["F16"].with_name("gone.gguf")
    turns = ModelTurns(session, [place("A", gone), place("B", models["F16"])])
    events = asyncio.run(collect(turns))
    failed = [event for event in events if isinstance(event, TurnFailed)]
    assert [event.lanes for event in failed] == [(0,)]
    assert "gone.gguf" in failed[0].error.what
    assert finished(events) == [(1, "length")]
    (message,) = history_of(session).load(1).messages
    assert message.failures == {"A": failed[0].failure}
    kept = message.failures["A"]
    assert kept.code == "not_found"
    assert failure_error(kept).what == f"There is no file {gone}."
    assert not may_work_now(kept, str(gone)), "it is still gone"
    assert may_work_now(kept, str(models["F16"])), "on another model"
    gone.write_bytes(b"")
    assert may_work_now(kept, str(gone)), "something is there now"


def test_a_failure_is_forgotten_when_the_lane_answers(
    session: Session, models: dict[str, Path]
) -> None:
    gone = models["F16"].with_name("gone.gguf")
    asyncio.run(collect(ModelTurns(session, [place("A", gone), place("B", models["F16"])])))
    (message,) = history_of(session).load(1).messages
    assert set(message.failures) == {"A"}

    async def again() -> None:
        async for _ in ModelTurns(session, [place("A", models["F16"])]).answer(1, message.id):
            pass

    asyncio.run(again())
    (message,) = history_of(session).load(1).messages
    assert not message.failures
    assert [reply.lane for reply in message.replies] == ["B", "A"]


def left_out(turns: ModelTurns, lane: int, *, after: type[TurnEvent]) -> list[TurnEvent]:
    """All events of a message from which a lane is taken at each event of one kind."""

    async def run() -> list[TurnEvent]:
        events: list[TurnEvent] = []
        async for batch in turns.send("hi"):
            events += batch
            if any(isinstance(event, after) for event in batch):
                turns.leave_out(lane)
        return events

    return asyncio.run(run())


def test_a_lane_that_is_left_out_before_its_turn_is_never_asked(
    session: Session, models: dict[str, Path]
) -> None:
    places = [place("A", models["F16"]), place("B", models["Q8_0"]), place("C", models["other"])]
    turns = ModelTurns(session, places)
    events = left_out(turns, 1, after=LaneFinished)
    assert finished(events) == [(0, "length"), (2, "length")]
    loads = [event.model.path for event in events if isinstance(event, Loaded)]
    assert str(models["Q8_0"]) not in loads
    (message,) = history_of(session).load(1).messages
    assert [reply.lane for reply in message.replies] == ["A", "C"]
    assert not message.failures


def test_a_lane_that_is_left_out_while_its_model_is_loaded_is_not_asked(
    session: Session, models: dict[str, Path]
) -> None:
    places = [place("A", models["F16"]), place("B", models["F16"])]
    turns = ModelTurns(session, places)
    events = left_out(turns, 0, after=Loaded)
    began = [event.lanes for event in events if isinstance(event, TurnBegan)]
    assert began == [(0, 1), (1,)]
    assert finished(events) == [(1, "length")]
    conversation = history_of(session).load(1)
    assert [entry["label"] for entry in conversation.lanes] == ["B"]
    assert [reply.lane for reply in conversation.messages[0].replies] == ["B"]


def test_a_load_that_nobody_wants_any_more_is_given_up(
    session: Session, models: dict[str, Path]
) -> None:
    turns = ModelTurns(session, [place("A", models["F16"]), place("B", models["Q8_0"])])

    async def run() -> list[TurnEvent]:
        events: list[TurnEvent] = []
        async for batch in turns.send("hi"):
            events += batch
            if isinstance(batch[0], TurnBegan) and batch[0].lanes == (0,):
                turns.leave_out(0)
        return events

    events = asyncio.run(run())
    assert finished(events) == [(1, "length")]
    (message,) = history_of(session).load(1).messages
    assert [reply.lane for reply in message.replies] == ["B"]


@pytest.mark.parametrize("moment", [MessageSaved, RunBegan, Output])
def test_a_lane_that_is_left_out_in_its_turn_is_stopped(
    session: Session, models: dict[str, Path], moment: type
) -> None:
    model = models["F16"]
    turns = ModelTurns(session, [place("A", model, n_predict=400), place("B", model)])

    async def run() -> list[TurnEvent]:
        events: list[TurnEvent] = []
        async for batch in turns.send("hi"):
            events += batch
            if any(isinstance(event, moment) for event in batch):
                turns.leave_out(0)
        return events

    assert sorted(finished(asyncio.run(run()))) == [(0, "cancelled"), (1, "length")]


def test_when_nothing_can_run_the_error_is_raised(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        asyncio.run(collect(ModelTurns(session, [place("A", tmp_path / "gone.gguf")])))


def test_stopping_begins_no_other_turn(session: Session, models: dict[str, Path]) -> None:
    turns = ModelTurns(
        session, [place("A", models["F16"], n_predict=400), place("B", models["Q8_0"])]
    )

    async def run() -> list[TurnEvent]:
        events: list[TurnEvent] = []
        async for batch in turns.send("hi"):
            events += batch
            if any(type(event).__name__ == "Output" for event in batch):
                turns.stop()
        return events

    events = asyncio.run(run())
    assert finished(events) == [(0, "cancelled")]
    assert sum(isinstance(event, TurnBegan) for event in events) == 1


def test_what_a_crash_left_out_is_answered_later(session: Session, models: dict[str, Path]) -> None:
    both = [place("A", models["F16"]), place("B", models["Q8_0"])]

    async def run() -> None:
        async with aclosing(ModelTurns(session, both).send("hi")) as batches:
            async for batch in batches:
                if any(isinstance(event, LaneFinished) for event in batch):
                    break  # as if the program had died here
        conversation = history_of(session).load(1)
        assert [entry["label"] for entry in conversation.lanes] == ["A", "B"]
        message = conversation.messages[0]
        assert {reply.lane for reply in message.replies} == {"A"}
        async for _ in ModelTurns(session, both[1:]).answer(1, message.id):
            pass

    asyncio.run(run())
    conversation = history_of(session).load(1)
    assert {reply.lane for reply in conversation.messages[0].replies} == {"A", "B"}
    assert [entry["label"] for entry in conversation.lanes] == ["A", "B"]


def test_every_model_answers_from_one_lanes_thought(
    session: Session, models: dict[str, Path]
) -> None:
    a, b = models["F16"], models["Q8_0"]
    places = [place("A", a), place("B", b)]
    asyncio.run(collect(ModelTurns(session, places)))
    (message,) = history_of(session).load(1).messages
    thought = SameThought(message.replies[0].id, "I know it.", times=2)

    async def again() -> list[TurnEvent]:
        batches = ModelTurns(session, places).answer_again(1, message.id, thought)
        return [event async for batch in batches for event in batch]

    events = asyncio.run(again())
    assert [event.lanes for event in events if isinstance(event, TurnBegan)] == [(1,), (0,)]
    (message,) = history_of(session).load(1).messages
    new = message.replies[2:]
    assert [reply.lane for reply in new] == ["B", "B", "A", "A"]
    assert all((reply.reasoning or "").strip() == "I know it." for reply in new)


def test_a_turn_that_fails_behind_the_saved_message_leaves_one_message(
    session: Session, models: dict[str, Path]
) -> None:
    short, long = place("A", models["F16"]), place("B", models["F16"])
    long = replace(long, settings=replace(SETTINGS, n_ctx=4096))
    events = asyncio.run(collect(ModelTurns(session, [short, long]), "word " * 600))
    assert [event.lanes for event in events if isinstance(event, TurnFailed)] == [(0,)]
    assert finished(events) == [(1, "length")]
    (conversation,) = history_of(session).conversations()
    found = history_of(session).load(conversation.id)
    assert [len(message.replies) for message in found.messages] == [1]
    assert events.count(MessageSaved(found.id, found.messages[0].id)) == 1
    assert [entry["label"] for entry in found.lanes] == ["A", "B"]
