"""The same thought, another answer: what is frozen, which seeds are drawn, what is saved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.conversation import Reply, Usage
from qwqdesk.engine.events import FrozenThought, LaneFinished, LaneRequest, Output, Span
from qwqdesk.engine.lane import LaneWriter
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.prompt import Prompt
from qwqdesk.reasoning_tags import HARMONY, HARMONY_REASONING, THINK, Tags
from qwqdesk.run_plan import RunBegan, RunOptions, SessionEvent
from qwqdesk.run_record import LaneRecord
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.session import Session
from qwqdesk.store.history import History
from qwqdesk.thought import repeated, thought_tokens, with_thought, with_thought_of
from tests.fake_engine import FakeEngine, began_of, fake_session, finished, until_began
from tests.fakes import CLOSE, OPEN, FakeModel, ids

RAW = RunOptions(mode="exact", raw=True)
LANE = LaneSetup("A", user={"seed": 7})
PROMPT = Prompt("hello", ids("hello"), (THINK,), reasoning_open=True)


def written(tokens: list[int], prompt: Prompt) -> Reply:
    """The reply that a lane writes with these tokens."""
    request = LaneRequest(
        "A", SamplerChain.of(seed=1), prompt.tokens, prompt.tags, prompt.reasoning_open
    )
    writer = LaneWriter(0, replace(request, thought=prompt.thought), FakeModel(), 4096)
    record = LaneRecord()
    for token in tokens:
        writer.push(token, 0.5)
    writer.flush()
    record.finish_reason = "stop"
    output = writer.take()
    if output is not None:
        record.add(output)
    return Reply(
        1, 1, "A", record.text, record.reasoning, record.answer, tuple(record.tokens),
        usage=record.usage, ends=tuple(record.ends), probabilities=tuple(record.probabilities),
    )  # fmt: skip


# ---------------------------------------------------------------- what is frozen


@given(
    st.lists(st.integers(3, 258) | st.sampled_from(ids('`"<tk/>\n')), max_size=30),
    st.lists(st.integers(3, 258), min_size=1, max_size=10),
    st.lists(st.integers(3, 258), min_size=1, max_size=10),
    st.booleans(),
)
def test_a_frozen_thought_gives_the_same_reasoning_and_another_answer(
    thought: list[int], first: list[int], second: list[int], opened: bool
) -> None:
    prompt = replace(PROMPT, reasoning_open=opened)
    head = [*([] if opened else [OPEN]), *thought, CLOSE]
    reply = written([*head, *first], prompt)
    if reply.answer == "":  # the closing tag was only spoken about, in code
        return
    again = with_thought_of(prompt, reply)
    assert again.thought is not None
    frozen = again.thought.tokens
    assert frozen == reply.tokens[: len(frozen)]
    assert again.thought.probabilities == (0.5,) * len(frozen)
    answered = written(second, again)
    assert answered.reasoning == reply.reasoning
    assert answered.tokens == (*frozen, *second)
    assert answered.ends[-1] == len(answered.text)


def test_replies_of_older_versions_count_by_their_usage() -> None:
    reply = written([*ids("hm"), CLOSE, *ids("yes")], PROMPT)
    assert thought_tokens(reply) == 3
    assert thought_tokens(replace(reply, ends=())) == 3
    assert reply.usage == Usage(0, 3, 3)


def test_reasoning_that_was_cut_off_is_frozen_whole_and_closed() -> None:
    reply = written(list(ids("hm")), PROMPT)
    again = with_thought_of(PROMPT, reply)
    assert again.thought == FrozenThought(ids("hm"), "", (0.5, 0.5))
    assert written(list(ids("yes")), again).text == "hm\n</think>\n\nyes"


@pytest.mark.parametrize(
    ("tags", "opened", "text"),
    [
        (THINK, True, "edited"),
        (THINK, False, "<think>\nedited"),
        (Tags("[THINK]", "[/THINK]"), False, "[THINK]\nedited"),
        (HARMONY, False, f"{HARMONY_REASONING}edited"),
    ],
)
def test_an_edited_thought_is_opened_where_the_prompt_has_not(
    tags: Tags, opened: bool, text: str
) -> None:
    prompt = replace(PROMPT, tags=(tags,), reasoning_open=opened)
    assert with_thought(prompt, "edited\n").thought == FrozenThought(text=text)
    reply = written(list(ids("yes")), with_thought(prompt, "edited\n"))
    assert reply.reasoning is not None
    assert reply.reasoning.strip() == "edited"
    assert reply.answer.strip() == "yes"


def test_an_empty_thought_is_closed_too() -> None:
    assert written(list(ids("yes")), with_thought(PROMPT, "")).text == "\n</think>\n\nyes"


def test_another_vocabulary_takes_the_text() -> None:
    reply = written([*ids("hm"), CLOSE, *ids("yes")], PROMPT)
    found = with_thought_of(PROMPT, reply, same_tokens=False)
    assert found.thought == FrozenThought(text="hm")
    edited = with_thought_of(PROMPT, reply, "hmm")
    assert edited.thought == FrozenThought(text="hmm")


def test_a_reply_without_reasoning_cannot_be_answered_again() -> None:
    reply = written(list(ids("yes")), replace(PROMPT, reasoning_open=False))
    with pytest.raises(UserError) as caught:
        with_thought_of(PROMPT, reply)
    assert caught.value.code == "no_reasoning"


# ---------------------------------------------------------------- seeds


def test_every_time_has_a_later_seed_and_so_has_the_answers_chain() -> None:
    own = replace(LANE, answer=AnswerSetup(user={"seed": 40}))
    shared = replace(LANE, answer=AnswerSetup(user={"temperature": 0.0}))
    for lane, answers in ((own, [40, 41, 42]), (shared, [7, 8, 9])):
        lanes, resolved = repeated([lane], 3, None)
        assert lanes == [lane] * 3
        assert [values.chain["seed"] for values in resolved] == [7, 8, 9]
        assert [values.answer.chain["seed"] for values in resolved if values.answer] == answers


def test_a_later_seed_is_never_one_that_means_random() -> None:
    _, resolved = repeated([LaneSetup("A", user={"seed": 4294967294})], 2, None)
    assert resolved[1].chain["seed"] == 0


@pytest.mark.parametrize(("lanes", "times"), [(0, 1), (1, 5), (2, 3), (1, 0)])
def test_at_most_four_at_once(lanes: int, times: int) -> None:
    with pytest.raises(UserError) as caught:
        repeated([LANE] * lanes, times, None)
    assert caught.value.code == "lanes"


# ---------------------------------------------------------------- the journey


@pytest.fixture
def history() -> Iterator[History]:
    history = History(None)
    yield history
    history.close()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


async def _collect(batches: AsyncGenerator[list[SessionEvent], None]) -> RunBegan:
    return began_of([event async for batch in batches for event in batch])


def asked(session: Session, engine: FakeEngine) -> RunBegan:
    """A reply with reasoning "hm"."""
    spans = (Span("reasoning", "hm"), Span("tag", "</think>"), Span("answer", "no"))
    said = Output(0, spans, (1, 2, 3, 4), 3, (1, 2, 10, 12), (0.5,) * 4)
    end = replace(finished(0), usage=Usage(3, 3, 1))
    assert isinstance(end, LaneFinished)
    engine.script = [[said, end]]
    return asyncio.run(_collect(session.send("q<think>", [LANE], RAW)))


def test_new_answers_are_siblings_with_the_same_prompt_and_thought(
    engine: FakeEngine, history: History
) -> None:
    session = fake_session(engine, history)
    first = asked(session, engine)
    batches = session.answer_again(first.conversation_id, first.reply_ids[0], [LANE], RAW, times=2)
    began = asyncio.run(_collect(batches))
    lanes = engine.runs[-1].lanes
    assert [lane.prompt_tokens for lane in lanes] == [engine.runs[0].lanes[0].prompt_tokens] * 2
    assert [lane.thought for lane in lanes] == [FrozenThought((1, 2, 3), "", (0.5,) * 3, True)] * 2
    assert [lane.chain["seed"] for lane in lanes] == [7, 8]
    [message] = history.load(first.conversation_id).messages
    assert [reply.id for reply in message.replies] == [*first.reply_ids, *began.reply_ids]
    stored = message.replies[-1].manifest["prompt"]
    assert stored["thought"] == {"tokens": [1, 2, 3], "text": "", "closed": True}


def test_lanes_with_other_chains_may_answer_an_edited_thought(
    engine: FakeEngine, history: History
) -> None:
    session = fake_session(engine, history)
    first = asked(session, engine)
    lanes = [LANE, LaneSetup("B", user={"top_k": 1}, answer=AnswerSetup(user={"top_p": 0.5}))]
    batches = session.answer_again(
        first.conversation_id, first.reply_ids[0], lanes, RAW, reasoning="hmm"
    )
    began = asyncio.run(_collect(batches))
    requests = engine.runs[-1].lanes
    assert [lane.thought for lane in requests] == [FrozenThought(text="hmm")] * 2
    assert requests[0].answer_chain is None
    assert requests[1].answer_chain is not None
    assert (requests[1].answer_chain["top_k"], requests[1].answer_chain["top_p"]) == (1, 0.5)
    replies = [history.reply(number) for number in began.reply_ids]
    assert replies[0].answer_sampling == {}
    assert replies[1].answer_sampling["top_p"] == 0.5
    assert replies[1].answer_sources["top_p"] == "user"


def test_a_reply_that_is_gone_is_told(engine: FakeEngine, history: History) -> None:
    session = fake_session(engine, history)
    first = asked(session, engine)
    with pytest.raises(UserError) as caught:
        asyncio.run(_collect(session.answer_again(first.conversation_id, 99, [LANE], RAW)))
    assert caught.value.code == "not_found"
    assert not session.running


def test_a_given_thought_begins_every_reply(engine: FakeEngine) -> None:
    session = fake_session(engine)
    options = replace(RAW, thought="I know.\n")
    asyncio.run(_collect(session.send("q<think>", [LANE], options)))
    assert engine.runs[-1].lanes[0].thought == FrozenThought(text="I know.")


def test_answer_now_reaches_the_lane(engine: FakeEngine) -> None:
    session = fake_session(engine)
    session.answer_now(0)  # nothing runs: nothing happens
    engine.hold = True

    async def run() -> None:
        batches = session.send("q", [LANE, LaneSetup("B")], RAW)
        await until_began(batches)
        await anext(batches)
        session.answer_now(1)
        stream = engine.streams[-1]
        assert [stream.take_asked_to_close(lane) for lane in (0, 1)] == [False, True]
        await batches.aclose()

    asyncio.run(run())


# ---------------------------------------------------------------- a lane's rules


def test_a_lanes_own_rules_come_before_the_runs(engine: FakeEngine) -> None:
    session = fake_session(engine)
    options = replace(RAW, reasoning_budget=9, loop_guard="stop")
    lanes = [
        LANE,
        LaneSetup("B", reasoning_budget=0, loop_guard="off"),
        LaneSetup("C", reasoning_budget_message=""),
    ]
    began = asyncio.run(_collect(session.send("q", lanes, options)))
    requests = engine.runs[-1].lanes
    assert [lane.reasoning_budget for lane in requests] == [9, 0, 9]
    assert [lane.loop_guard for lane in requests] == ["stop", "off", "stop"]
    assert requests[0].reasoning_budget_message != ""
    assert [lane.reasoning_budget_message for lane in requests[1:]] == ["", ""]
    assert [rules.reasoning_budget for rules in began.rules] == [9, 0, 9]
