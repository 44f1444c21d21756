"""What is said of the processor, in words, in the run's document and in its manifest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import get_args

import pytest

from qwqdesk.conversation import Reply
from qwqdesk.engine.events import Event, LoadPhase, LoadProgress, ProcessorShared, ThreadsUsed
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import threads_of
from qwqdesk.processor_words import (
    fewer_help,
    fewer_threads_words,
    load_words,
    shared_words,
    thread_warnings,
)
from qwqdesk.run_json import FinishedRun, run_json
from qwqdesk.run_plan import RunOptions, SessionEvent
from qwqdesk.run_record import RunRecord
from qwqdesk.store.history import History
from qwqdesk.stored_document import document_of
from tests.fake_engine import FakeEngine, began_of, fake_session, finished, output


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        (ProcessorShared(2, 1, 3.04), "with 1 thread the next run would be about 3 times faster."),
        (ProcessorShared(8, 6, 1.44), "with 6 threads the next run would be about 1.4 times"),
        (ProcessorShared(2, 1, 1.99), "about 2 times faster."),
        (ProcessorShared(4, 1, 17.2), "more than 5 times faster."),
        (ProcessorShared(2), "Other programs use the processor, which slows this run down."),
        (ProcessorShared(2, 2, 1.0), "fewer threads would not be faster."),
        (ProcessorShared(2, 1, 1.05), "fewer threads would not be faster."),
    ],
)
def test_what_other_programs_do_to_a_run(shared: ProcessorShared, words: str) -> None:
    assert words in shared_words(shared)
    assert fewer_help(shared) == ("next run" in shared_words(shared))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({2: 10, 1: 118}, "118 of 128 steps were decoded with 1 thread instead of 2"),
        ({8: 1000, 7: 500, 4: 1}, "501 of 1,501 steps were decoded with 4 to 7 threads"),
    ],
)
def test_which_steps_had_fewer_threads(steps: dict[int, int], words: str) -> None:
    used = ThreadsUsed(min(steps), max(steps), steps)
    assert words in fewer_threads_words(used)
    assert [warning.code for warning in thread_warnings(used)] == ["fewer-threads"]
    assert not thread_warnings(None)


def test_every_phase_of_a_load_has_words_and_only_reading_weights_has_a_share() -> None:
    for phase in get_args(LoadPhase):
        words = load_words(LoadProgress(0.4, phase))
        assert ("40 %" in words) == (phase == "weights")
    assert load_words(LoadProgress(1.0, "gpu")) == "Preparing the GPU"
    assert load_words(LoadProgress(0.0)) == "Loading"


@pytest.fixture
def history() -> Iterator[History]:
    history = History(None)
    yield history
    history.close()


def run_fast(history: History, *events: Event) -> tuple[FinishedRun, Reply]:
    """One lane that writes "Hello" in fast mode, with more events of the engine."""
    engine = FakeEngine()
    engine.script.append([output(0, "Hello"), *events, finished(0)])
    session = fake_session(engine, history)

    async def collect() -> list[SessionEvent]:
        batches = session.send("Hi", [LaneSetup("A")], RunOptions(mode="fast"))
        return [event async for batch in batches for event in batch]

    found = asyncio.run(collect())
    began, record = began_of(found), RunRecord([2])
    for event in found:
        if isinstance(event, Event):
            record.add(event)
    assert session.loaded is not None
    return FinishedRun(session.loaded, began, record), history.reply(began.reply_ids[0])


def test_a_fast_run_with_fewer_threads_says_so_everywhere(history: History) -> None:
    run, reply = run_fast(history, ThreadsUsed(1, 2, {2: 1, 1: 4}))
    for document in (run_json([run], [(0, 0)]), document_of([reply])):
        [lane] = document["lanes"]
        assert "fewer-threads" in [warning["code"] for warning in lane["warnings"]]
        assert lane["manifest"]["threads_used"] == {"1": 4, "2": 1}


def test_a_run_with_all_threads_says_nothing(history: History) -> None:
    run, reply = run_fast(history)
    for document in (run_json([run], [(0, 0)]), document_of([reply])):
        [lane] = document["lanes"]
        assert "fewer-threads" not in [warning["code"] for warning in lane["warnings"]]
        assert "threads_used" not in lane["manifest"]


@pytest.mark.parametrize(
    "steps", [None, [], "1", {}, {"x": 1}, {"1": "many"}, {"1": None}, {1.5: 2}]
)
def test_a_strangers_manifest_may_say_anything(steps: object) -> None:
    assert threads_of({"engine": {"n_threads": 2}, "threads_used": steps}) is None
    assert threads_of({"engine": None, "threads_used": {"1": 2}}) is None
