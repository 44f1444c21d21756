"""Saving a run: it costs what is new, its failures cost no run, and its end can be saved again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.conversation import Reply, Usage
from qwqdesk.engine.events import Event
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import RunBegan, RunOptions
from qwqdesk.session import Session
from qwqdesk.store.history import CUT_DETAIL, History
from tests.fake_engine import FakeEngine, fake_session, finished, output

LONG = "four words of text " * 4000  # more than the pages that are left on a full disk


@pytest.fixture(autouse=True)
def save_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwqdesk.run_saving.SAVE_EVERY_S", 0.0)
    monkeypatch.setattr("qwqdesk.run_saving.MOST_BETWEEN_S", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    history = History(path)
    yield history
    history.close()


def _set_full(history: History, full: bool) -> None:
    [[pages]] = history._db.read("PRAGMA page_count")
    history._db.read(f"PRAGMA max_page_count = {pages + 2 if full else 1 << 30}")


def _run(
    session: Session,
    batches: Sequence[Sequence[Event]],
    meanwhile: Callable[[int], object] = lambda _: None,
) -> int:
    """Let a lane write these batches one after another; `meanwhile(n)` is called before each, n
    from 0. The reply's id.
    """
    engine = cast("FakeEngine", session.engine)
    engine.hold, engine.script = True, [[]]
    seen: list[RunBegan] = []

    async def journey() -> None:
        left = list(enumerate(batches))
        runs = len(engine.streams)
        options = RunOptions(mode="fast", raw=True)
        async for batch in session.send("Tell", [LaneSetup("A")], options):
            seen.extend(event for event in batch if isinstance(event, RunBegan))
            if len(engine.streams) == runs:
                continue
            if left:
                number, events = left.pop(0)
                meanwhile(number)
                for event in events:
                    engine.streams[-1].put(event)
            else:
                engine.streams[-1].close()

    asyncio.run(journey())
    return seen[0].reply_ids[0]


def test_a_failed_save_in_between_ends_no_run_and_is_noted_while_it_lasts(
    history: History,
) -> None:
    session = fake_session(FakeEngine(), history)
    troubles: list[str | None] = []
    session.unsaved.listen(lambda: troubles.append(getattr(session.unsaved.trouble, "code", None)))

    def meanwhile(number: int) -> None:
        if number in (1, 3):
            _set_full(history, number == 1)

    batches = [(output(0, piece),) for piece in ("a", LONG, LONG, "b", "c")]
    reply = history.reply(_run(session, [*batches, (finished(0),)], meanwhile))
    assert troubles == ["disk_full", None]
    assert (reply.finish_reason, reply.text) == ("stop", f"a{LONG}{LONG}bc")
    assert not session.unsaved.over


def test_an_end_that_cannot_be_saved_is_raised_kept_and_saved_again(history: History) -> None:
    session = fake_session(FakeEngine(), history)

    def meanwhile(number: int) -> None:
        if number == 0:
            _set_full(history, True)

    with pytest.raises(UserError) as caught:
        _run(session, [(output(0, LONG), finished(0))], meanwhile)
    assert caught.value.code == "unsaved"
    assert "Copy or export" in caught.value.what_to_do
    assert "Free some space" in caught.value.what_to_do
    assert session.unsaved.over
    with pytest.raises(UserError):
        session.unsaved.save_again()
    _set_full(history, False)
    session.unsaved.save_again()
    assert (session.unsaved.trouble, session.unsaved.over) == (None, False)
    [message] = history.load(1).messages
    assert [(reply.text, reply.finish_reason) for reply in message.replies] == [(LONG, "stop")]


def test_the_next_run_that_can_be_saved_saves_what_an_earlier_one_left(history: History) -> None:
    session = fake_session(FakeEngine(), history)
    with pytest.raises(UserError):
        _run(session, [(output(0, LONG), finished(0))], lambda _: _set_full(history, True))
    _set_full(history, False)
    _run(session, [(output(0, "short"),), (finished(0),)])
    assert not session.unsaved.over
    assert history.load(1).messages[0].replies[0].text == LONG


def test_a_file_that_is_deleted_under_us_is_said_and_not_written_into(
    history: History, path: Path
) -> None:
    session = fake_session(FakeEngine(), history)
    if os.name != "posix":
        pytest.skip("an open file cannot be deleted there")

    def meanwhile(number: int) -> None:
        if number == 0:
            path.rename(path.with_suffix(".elsewhere"))

    with pytest.raises(UserError, match="moved or deleted"):
        _run(session, [(output(0, "text"), finished(0))], meanwhile)
    path.with_suffix(".elsewhere").rename(path)
    session.unsaved.save_again()
    assert history.load(1).messages[0].replies[0].text == "text"


@pytest.mark.parametrize("trouble", ["full", "deleted", "read-only", "busy"])
def test_closing_never_fails(path: Path, trouble: str) -> None:
    history = History(path)
    message = history.add_user_message(history.create_conversation(), None, "hi")
    reply = history.add_reply(message, "A")
    history.update_reply(reply, text=LONG, reasoning=None, answer=LONG, tokens=(1,), usage=Usage())
    other = History(path)
    if trouble == "full":
        _set_full(history, True)
    elif trouble == "deleted":
        path.rename(path.with_suffix(".elsewhere"))
    elif trouble == "read-only":
        history._db.read("PRAGMA query_only = 1")
    else:
        other._db._connection.execute("BEGIN IMMEDIATE")
        history._db.read("PRAGMA busy_timeout = 20")
    history.close()
    if trouble == "busy":
        other._db._connection.execute("ROLLBACK")
    other.close()


# ---------------------------------------------------------------- pieces

STEPS = st.lists(
    st.tuples(st.sampled_from(["reasoning", "answer"]), st.text(max_size=6), st.integers(0, 3)),
    max_size=8,
)


@given(STEPS, st.booleans())
def test_what_was_saved_in_pieces_is_there_as_a_whole(
    steps: Sequence[tuple[str, str, int]], crash: bool
) -> None:
    history = History(None)
    reply = history.add_reply(
        history.add_user_message(history.create_conversation(), None, "hi"), "A"
    )
    text, parts = "", {"reasoning": "", "answer": ""}
    tokens: list[int] = []
    ends: list[int] = []
    for kind, more, held_back in steps:
        text, parts[kind] = text + more, parts[kind] + more
        tokens.append(len(tokens))
        ends.append(len(text) + held_back)
        now = {
            "text": text,
            "reasoning": parts["reasoning"] or None,
            "answer": parts["answer"],
            "tokens": tokens,
            "ends": [min(end, len(text)) for end in ends],
            "probabilities": [0.5] * len(tokens),
            "usage": Usage(1, 0, len(tokens)),
        }
        history.update_reply(reply, **now)  # type: ignore[arg-type]
        _same(history.reply(reply), now)
    if crash and steps:
        history._db.write("UPDATE replies SET writer = 'gone'")
        assert history.cut_replies() == [reply]
        found = history.reply(reply)
        _same(found, now)
        assert (found.finish_reason, found.finish_detail) == ("error", CUT_DETAIL)
        assert history._db.read("SELECT * FROM reply_pieces") == []
    history.close()


def _same(found: Reply, now: Mapping[str, object]) -> None:
    for name, value in now.items():
        got = getattr(found, name)
        assert (list(got) if isinstance(value, list) else got) == value, name


def test_a_reply_that_is_rewritten_is_saved_whole(history: History) -> None:
    reply = history.add_reply(
        history.add_user_message(history.create_conversation(), None, "hi"), "A"
    )
    for text in ("one two", "one two three", "other", "other and more"):
        history.update_reply(
            reply, text=text, reasoning=None, answer=text, tokens=(1,), usage=Usage()
        )
        assert history.reply(reply).text == text
    other = History(history._db.path)  # another window, while it streams
    assert other.reply(reply).text == "other and more"
    other.close()


def test_saving_each_second_costs_what_is_new(history: History, path: Path) -> None:
    reply = history.add_reply(
        history.add_user_message(history.create_conversation(), None, "hi"), "A"
    )
    wal = path.with_name(path.name + "-wal")
    history._db.read("PRAGMA wal_autocheckpoint = 0")
    written = []
    for count in range(50, 4000, 50):
        before = wal.stat().st_size
        history.update_reply(
            reply,
            text="word " * count,
            reasoning=None,
            answer="word " * count,
            tokens=range(count),
            usage=Usage(answer_tokens=count),
            ends=range(5, 5 * count + 5, 5),
            probabilities=[0.5] * count,
        )
        written.append(wal.stat().st_size - before)
    assert max(written[40:]) <= 2 * max(written[:10])
