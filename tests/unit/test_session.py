"""The journeys on a scripted engine: what is saved when, what goes into the prompt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from qwqdesk.conversation import Loop, Message, Reply
from qwqdesk.conversation_path import lane_replies, path_to
from qwqdesk.engine.events import LoopFound
from qwqdesk.engine.template_chat import RenderedChat
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.models.memory import FreeMemory
from qwqdesk.run_plan import MessageSaved, RunBegan, RunOptions, SessionEvent
from qwqdesk.session import Session
from qwqdesk.store.history import History
from tests.fake_engine import (
    N_CTX,
    FakeEngine,
    began_of,
    fake_session,
    finished,
    output,
    until_began,
)

T = TypeVar("T")
A, B = LaneSetup("A"), LaneSetup("B", user={"temperature": 0.1})
FAST = RunOptions(mode="fast")


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


@pytest.fixture(autouse=True)
def plain_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that shows what it was given; the real one runs in a child process."""

    def render(_source: str, messages: Sequence[Message], **_: object) -> RenderedChat:
        return RenderedChat("".join(f"{_turn(message)}|" for message in messages))

    monkeypatch.setattr("qwqdesk.engine.template.render_with_notes", render)


def _turn(message: Message) -> str:
    thought = f"~{message.reasoning}" if message.reasoning else ""
    return f"{message.role}={message.content}{thought}"


async def collect(batches: AsyncGenerator[list[SessionEvent], None]) -> list[SessionEvent]:
    return [event async for batch in batches for event in batch]


def ask(
    session: Session,
    text: str = "hi",
    lanes: Sequence[LaneSetup] = (A,),
    options: RunOptions = FAST,
    conversation: int | None = None,
) -> RunBegan:
    """Send to the end; the run's beginning."""
    events = asyncio.run(collect(session.send(text, lanes, options, conversation_id=conversation)))
    return began_of(events)


def prompts(engine: FakeEngine) -> list[str]:
    """The newest run's prompts, by lane."""
    return [bytes(lane.prompt_tokens).decode() for lane in engine.runs[-1].lanes]


def reply_of(history: History, began: RunBegan, lane: int = 0) -> Reply:
    return history.reply(began.reply_ids[lane])


# ---------------------------------------------------------------- saving


def test_the_message_is_saved_before_inference(session: Session, history: History) -> None:
    async def first_event() -> RunBegan:
        batches = session.send("my question", [A, B], FAST)
        event = await until_began(batches)
        conversation = history.load(event.conversation_id)
        assert conversation.messages[0].text == "my question"
        assert [r.finish_reason for r in conversation.messages[0].replies] == [None, None]
        assert set(conversation.tips) == {"A", "B"}
        await batches.aclose()
        return event

    began = asyncio.run(first_event())
    assert reply_of(history, began).finish_reason == "cancelled"


def test_replies_are_saved_while_they_stream(
    session: Session, engine: FakeEngine, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwqdesk.run_saving.SAVE_EVERY_S", 0.0)
    engine.hold = True
    engine.script = [[output(0, "half of")]]

    async def run() -> None:
        batches = session.send("hi", [A], FAST)
        began = await until_began(batches)
        await anext(batches)
        reply = reply_of(history, began)
        assert (reply.text, reply.finish_reason) == ("half of", None)
        stream = engine.streams[-1]
        stream.put(output(0, " the answer"))
        stream.put(finished(0))
        stream.close()
        await collect(batches)
        reply = reply_of(history, began)
        assert (reply.text, reply.finish_reason) == ("half of the answer", "stop")

    asyncio.run(run())


def test_a_finished_reply_keeps_everything_that_it_depended_on(
    session: Session, engine: FakeEngine, history: History
) -> None:
    loop = Loop(2, 3, 4.0, "abc")
    engine.script = [
        [
            output(0, "why", "reasoning"),
            output(0, "</think>", "tag"),
            output(0, "because"),
            LoopFound(0, loop),
            finished(0, "length", "n_predict reached", tokens=18),
        ]
    ]
    lane = LaneSetup("A", user={"seed": 7, "top_k": 3})
    began = ask(session, lanes=[lane], options=RunOptions(mode="exact"))
    reply = reply_of(history, began)
    assert (reply.reasoning, reply.answer) == ("why", "because")
    assert reply.text == "why</think>because"
    assert (reply.finish_reason, reply.finish_detail) == ("length", "n_predict reached")
    assert (reply.mode, reply.loop, len(reply.tokens)) == ("exact", loop, 18)
    assert reply.sampling["top_k"] == 3
    assert reply.sampling["seed"] == 7
    assert (reply.sources["top_k"], reply.sources["top_p"]) == ("user", "default")
    assert reply.manifest["prompt"]["text"] == "user=hi|"
    assert reply.manifest["engine"]["n_threads"] == 1
    assert reply.manifest["model"]["name"] == "fake"


def test_an_error_marks_the_replies_that_had_not_ended(
    session: Session, engine: FakeEngine, history: History
) -> None:
    engine.script = [[output(0, "done"), finished(0), output(1, "half")]]
    engine.error = UserError("The device failed.", "Try again.", code="decode")
    began: list[RunBegan] = []

    async def run() -> None:
        async for batch in session.send("hi", [A, B], FAST):
            began.extend(event for event in batch if isinstance(event, RunBegan))

    with pytest.raises(UserError, match="device failed"):
        asyncio.run(run())
    ends = [reply_of(history, began[0], lane) for lane in range(2)]
    found = [(reply.text, reply.finish_reason) for reply in ends]
    assert found == [
        ("done", "stop"),
        ("half", "error"),
    ]
    assert "device failed" in str(ends[1].finish_detail)
    assert not session.running


def test_closing_the_iterator_cancels_and_keeps_what_there_is(
    session: Session, engine: FakeEngine, history: History
) -> None:
    engine.hold = True
    engine.script = [[output(0, "half")]]

    async def run() -> RunBegan:
        batches = session.send("hi", [A], FAST)
        began = await until_began(batches)
        await anext(batches)
        await batches.aclose()
        return began

    began = asyncio.run(run())
    assert engine.streams[-1].cancelled.is_set()
    reply = reply_of(history, began)
    assert (reply.text, reply.finish_reason) == ("half", "cancelled")


def test_that_the_message_is_saved_is_said_before_its_prompt_is_made(
    session: Session, engine: FakeEngine, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> RenderedChat:
        raise UserError("The template fails.", "Choose another.", code="template")

    began = ask(session, "one")
    monkeypatch.setattr("qwqdesk.engine.template.render_with_notes", fail)
    seen: list[SessionEvent] = []

    async def run() -> None:
        # Meanwhile another window begins a chat: it is not taken for this message's.
        history.add_user_message(history.create_conversation(), None, "theirs")
        async for batch in session.send("two", [A], FAST, conversation_id=began.conversation_id):
            seen.extend(batch)

    with pytest.raises(UserError, match="template fails"):
        asyncio.run(run())
    saved = history.load(began.conversation_id).messages[-1]
    assert saved.text == "two"
    assert seen == [MessageSaved(began.conversation_id, saved.id)]
    assert not session.running


@pytest.mark.parametrize("text", ["", "x" * 300])
def test_what_is_refused_as_such_is_never_said_to_be_saved(session: Session, text: str) -> None:
    options = replace(FAST, keep=not text)
    seen: list[SessionEvent] = []

    async def run() -> None:
        async for batch in session.send(text, [A], options):
            seen.extend(batch)

    with pytest.raises(UserError):
        asyncio.run(run())
    assert seen == []


# ---------------------------------------------------------------- one run at a time


def test_a_second_run_is_refused_while_one_is_under_way(
    session: Session, engine: FakeEngine
) -> None:
    async def second() -> None:
        engine.hold = True
        batches = session.send("hi", [A], FAST)
        await until_began(batches)
        assert session.running
        with pytest.raises(UserError, match="under way"):
            await collect(session.send("again", [A], FAST))
        with pytest.raises(UserError, match="under way"):
            await collect(session.regenerate(1, 1, A, FAST))
        await batches.aclose()

    asyncio.run(second())
    assert not session.running
    engine.hold = False
    ask(session)


def test_two_sends_at_once_make_one_run(session: Session, engine: FakeEngine) -> None:
    async def both() -> list[object]:
        sends = [collect(session.send("hi", [A], FAST)) for _ in range(2)]
        return list(await asyncio.gather(*sends, return_exceptions=True))

    results = asyncio.run(both())
    assert sum(isinstance(result, UserError) for result in results) == 1
    assert len(engine.runs) == 1


def test_stopping_while_the_prompt_is_made_cancels_the_run(
    session: Session, engine: FakeEngine, history: History
) -> None:
    async def run() -> list[SessionEvent]:
        task = asyncio.ensure_future(collect(session.send("hi", [A], FAST)))
        while not session.running:
            await asyncio.sleep(0)
        session.stop()
        return await task

    asyncio.run(run())
    assert engine.streams[-1].cancelled.is_set()


def test_stop_reaches_one_lane_or_the_whole_run(session: Session, engine: FakeEngine) -> None:
    engine.hold = True

    async def run() -> None:
        batches = session.send("hi", [A, B], FAST)
        await until_began(batches)
        await anext(batches)
        stream = engine.streams[-1]
        session.stop(1)
        assert [stream.asked_to_stop(lane) for lane in (0, 1, None)] == [False, True, False]
        session.stop()
        assert stream.asked_to_stop(None)
        stream.close()
        await collect(batches)

    asyncio.run(run())


def test_stop_without_a_run_does_nothing(session: Session) -> None:
    session.stop()
    session.stop(3)
    ask(session)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_no_message(session: Session, history: History, text: str) -> None:
    with pytest.raises(UserError, match="nothing to send"):
        ask(session, text)
    assert history.conversations() == []


def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(
    session: Session, engine: FakeEngine, history: History
) -> None:
    with pytest.raises(UserError) as caught:
        ask(session, "x" * 300)
    assert caught.value.code == "prompt_too_long"
    assert "306" in caught.value.what
    assert str(N_CTX) in caught.value.what
    assert engine.runs == []
    # The message is kept, but it does not stand in the way of the next one.
    conversation = history.conversations()[0].id
    began = ask(session, "short", conversation=conversation)
    assert began.conversation_id == conversation
    assert prompts(engine) == ["user=short|"]


def test_a_value_out_of_range_is_refused_before_anything_is_saved(
    session: Session, history: History
) -> None:
    with pytest.raises(UserError, match="top_p"):
        ask(session, lanes=[LaneSetup("A", user={"top_p": 7})])
    assert history.conversations() == []


def test_without_a_model_nothing_runs(session: Session) -> None:
    session.loaded = None
    with pytest.raises(UserError, match="No model"):
        ask(session)


# ---------------------------------------------------------------- what goes into the prompt


def test_a_follow_up_has_the_conversation_before_it_without_reasoning(
    session: Session, engine: FakeEngine
) -> None:
    engine.script = [[output(0, "hmm", "reasoning"), output(0, "yes"), finished(0)]] * 3
    began = ask(session, "one", options=RunOptions(system_prompt="be kind"))
    ask(session, "two", conversation=began.conversation_id)
    assert prompts(engine) == ["system=be kind|user=one|assistant=yes|user=two|"]
    ask(
        session,
        "three",
        options=RunOptions(keep_reasoning=True),
        conversation=began.conversation_id,
    )
    assert prompts(engine)[0].count("assistant=yes~hmm") == 2


def test_each_lane_continues_its_own_answers(session: Session, engine: FakeEngine) -> None:
    began = ask(session, "one", [A, B])
    assert len(set(prompts(engine))) == 1
    ask(session, "two", [A, B], conversation=began.conversation_id)
    assert prompts(engine) == [
        "user=one|assistant=hello 0|user=two|",
        "user=one|assistant=hello 1|user=two|",
    ]


def test_lanes_that_thought_differently_have_their_own_prompts(
    session: Session, engine: FakeEngine
) -> None:
    first = [output(0, "so", "reasoning"), output(1, "thus", "reasoning")]
    same = [output(lane, "yes") for lane in range(2)]
    engine.script = [[*first, *same, finished(0), finished(1)]]
    began = ask(session, "one", [A, B])
    kept = RunOptions(keep_reasoning=True)
    ask(session, "two", [A, B], options=kept, conversation=began.conversation_id)
    assert [prompt.partition("~")[2] for prompt in prompts(engine)] == [
        "so|user=two|",
        "thus|user=two|",
    ]


def test_a_lane_that_has_nothing_behind_it_begins_anew(
    session: Session, engine: FakeEngine
) -> None:
    began = ask(session, "one")
    ask(session, "two", [A, B], conversation=began.conversation_id)
    assert prompts(engine) == ["user=one|assistant=hello 0|user=two|", "user=two|"]


def test_a_kept_answer_leads_back_along_its_own_lane(
    session: Session, engine: FakeEngine, history: History
) -> None:
    began = ask(session, "one", [A, B])
    number = began.conversation_id
    second = ask(session, "two", [A, B], conversation=number)
    session.keep(number, reply_of(history, second, 1), B)
    kept = history.load(number)
    assert kept.tips == {"A": second.reply_ids[1]}
    assert [lane["label"] for lane in kept.lanes] == ["A"]
    assert kept.lanes[0]["user"] == {"temperature": 0.1}
    for text in ("three", "four"):
        ask(session, text, conversation=number)
        assert prompts(engine)[0].startswith(
            "user=one|assistant=hello 1|user=two|assistant=hello 1|user=three|"
        )


def test_raw_text_is_the_whole_prompt(session: Session, engine: FakeEngine) -> None:
    ask(session, "<|im_start|>x", options=RunOptions(raw=True))
    assert prompts(engine) == ["<|im_start|>x"]


def test_a_lane_added_in_mid_conversation_continues_what_it_copied(
    session: Session, engine: FakeEngine, history: History
) -> None:
    c = LaneSetup("C", user={"seed": 5})
    number = ask(session, "one", [A, B]).conversation_id
    history.set_tips(number, {**history.load(number).tips, "C": history.load(number).tips["B"]})
    began = ask(session, "two", [A, B, c], conversation=number)
    before = prompts(engine)
    assert before[2] == "user=one|assistant=hello 1|user=two|"
    # Once more in this lane: the same prompt, also where it must be made anew.
    asyncio.run(collect(session.regenerate(number, began.message_id, c, FAST)))
    assert prompts(engine) == [before[2]]
    ask(session, "three", [A, B, c], conversation=number)
    assert prompts(engine)[2].startswith("user=one|assistant=hello 1|user=two|assistant=hello 0|")


@pytest.mark.parametrize("lane", range(3))
def test_what_follows_a_kept_reply_is_computed_on_its_own_way(
    session: Session, engine: FakeEngine, history: History, lane: int
) -> None:
    lanes = [A, B, LaneSetup("C", user={"seed": 5})]
    number = ask(session, "one", lanes[:2]).conversation_id
    history.set_tips(number, {**history.load(number).tips, "C": history.load(number).tips["B"]})
    began = ask(session, "two", lanes, conversation=number)
    before = prompts(engine)[lane]
    session.keep(number, reply_of(history, began, lane), lanes[lane])
    ask(session, "three", [replace(lanes[lane], label="A")], conversation=number)
    assert prompts(engine) == [f"{before}assistant=hello {lane}|user=three|"]
    found = history.load(number)
    assert [entry["label"] for entry in found.lanes] == ["A"]
    path = path_to(found, found.tips)
    shown = [reply.id for reply in lane_replies(path, found, "A") if reply is not None]
    assert shown[:2] == [reply_of(history, began, lane).parent_id, began.reply_ids[lane]]


# ---------------------------------------------------------------- regenerate


def test_regenerating_uses_the_stored_prompt_and_adds_a_sibling(
    session: Session, engine: FakeEngine, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = ask(session, "one")
    before = prompts(engine)
    monkeypatch.setattr(
        "qwqdesk.engine.template.render_with_notes", lambda *_, **__: RenderedChat("another day")
    )
    events = asyncio.run(
        collect(session.regenerate(began.conversation_id, began.message_id, A, FAST))
    )
    assert prompts(engine) == before
    again = began_of(events)
    conversation = history.load(began.conversation_id)
    assert len(conversation.messages) == 1
    assert [r.id for r in conversation.messages[0].replies] == [*began.reply_ids, *again.reply_ids]
    assert conversation.tips == {"A": again.reply_ids[0]}


def test_regenerating_with_another_model_renders_again(
    session: Session, engine: FakeEngine, history: History
) -> None:
    began = ask(session, "one", options=RunOptions(mode="fast", system_prompt="be kind"))
    number = began.conversation_id
    second = ask(session, "two", conversation=number)
    before = prompts(engine)
    with_other = fake_session(engine, history)
    assert with_other.loaded is not None
    other = replace(with_other.loaded.model, path="/models/other.gguf")
    with_other.loaded = replace(with_other.loaded, model=other)
    asyncio.run(collect(with_other.regenerate(number, second.message_id, A, FAST)))
    assert prompts(engine) == before


def test_regenerating_what_was_deleted_is_a_clear_error(session: Session) -> None:
    began = ask(session)
    with pytest.raises(UserError) as caught:
        asyncio.run(collect(session.regenerate(began.conversation_id, 999, A, FAST)))
    assert caught.value.code == "not_found"


# ---------------------------------------------------------------- seeds, modes, history


def test_random_lanes_share_one_drawn_seed(session: Session, engine: FakeEngine) -> None:
    ask(session, lanes=[A, B, LaneSetup("C", user={"seed": 5})])
    seeds = [lane.chain.integer("seed") for lane in engine.runs[-1].lanes]
    assert seeds[0] == seeds[1]
    assert seeds[0] not in (-1, 4294967295)
    assert seeds[2] == 5


def test_a_last_n_of_minus_one_becomes_the_context(session: Session, engine: FakeEngine) -> None:
    ask(session, lanes=[LaneSetup("A", user={"repeat_last_n": -1, "dry_penalty_last_n": 10**9})])
    chain = engine.runs[-1].lanes[0].chain
    assert chain.integer("repeat_last_n") == N_CTX
    assert chain.integer("dry_penalty_last_n") == N_CTX


def test_lanes_run_one_after_another_where_memory_is_short(
    session: Session, engine: FakeEngine
) -> None:
    assert session.plan is not None
    object.__setattr__(session.plan, "free", FreeMemory(0))
    began = ask(session, lanes=[A, B], options=RunOptions(mode="exact"))
    assert began.sequential
    assert engine.runs[-1].sequential


def test_without_a_history_it_runs_all_the_same(engine: FakeEngine) -> None:
    session = fake_session(engine)
    began = ask(session, lanes=[A, B])
    assert (began.conversation_id, began.message_id, began.reply_ids) == (0, 0, (0, 0))


def test_a_second_program_sees_what_was_saved(engine: FakeEngine, tmp_path: Path) -> None:
    mine, theirs = History(tmp_path / "h.sqlite3"), History(tmp_path / "h.sqlite3")
    try:
        began = ask(fake_session(engine, mine), "hi")
        assert theirs.reply(began.reply_ids[0]).text == "hello 0"
    finally:
        mine.close()
        theirs.close()
