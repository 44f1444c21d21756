"""History: what was saved is there again, whole, searchable, and after any kind of end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.conversation import Loop, Timing, Usage
from qwqdesk.errors import UserError
from qwqdesk.store.history import CUT_DETAIL, History, title_from


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = History(tmp_path / "history.sqlite3")
    yield opened
    opened.close()


def _finish(history: History, reply: int, answer: str) -> None:
    history.finish_reply(
        reply,
        text=f"<think>\nhm\n</think>\n\n{answer}",
        reasoning="hm",
        answer=answer,
        tokens=[1, 2, 4_000_000_000],
        ends=[7, 11, 70_000],
        probabilities=[1.0, 0.25, math.nan],
        finish_reason="stop",
        usage=Usage(5, 2, 1),
        timing=Timing(decode_s=1.5),
        loop=Loop(3, 2, 4.0, "ab"),
    )


def test_everything_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "history.sqlite3"
    history = History(path)
    chat = history.create_conversation(system_prompt="Be kind.", lanes=[{"recipe": "qwen"}])
    message = history.add_user_message(chat, None, "Count the r in 딸기")
    reply = history.add_reply(
        message, "A", recipe="qwen", mode="fast", sampling={"top_k": 40}, sources={"top_k": "user"}
    )
    _finish(history, reply, "Three.")
    history.set_tips(chat, {"A": reply})
    history.close()

    again = History(path)
    found = again.load(chat)
    again.close()
    assert (found.system_prompt, found.lanes, found.tips) == (
        "Be kind.",
        ({"recipe": "qwen"},),
        {"A": reply},
    )
    assert found.messages[0].text == "Count the r in 딸기"
    [saved] = found.messages[0].replies
    assert saved.text == "<think>\nhm\n</think>\n\nThree."
    assert (saved.reasoning, saved.answer, saved.finish_reason) == ("hm", "Three.", "stop")
    assert saved.tokens == (1, 2, 4_000_000_000)
    assert (saved.mode, saved.recipe, saved.sampling) == ("fast", "qwen", {"top_k": 40})
    assert (saved.usage, saved.timing) == (Usage(5, 2, 1), Timing(decode_s=1.5))
    assert saved.loop == Loop(3, 2, 4.0, "ab")
    assert saved.ends == (7, 11, 70_000)
    assert saved.probabilities[:2] == (1.0, 0.25)
    assert math.isnan(saved.probabilities[2])


def test_replies_of_all_lanes_are_siblings_and_a_branch_hangs_on_a_reply(history: History) -> None:
    chat = history.create_conversation()
    first = history.add_user_message(chat, None, "one")
    replies = [history.add_reply(first, lane) for lane in "ABCD"]
    second = history.add_user_message(chat, replies[2], "two")
    messages = history.load(chat).messages
    assert [reply.lane for reply in messages[0].replies] == list("ABCD")
    assert (messages[1].id, messages[1].parent_id) == (second, replies[2])


def test_conversations_are_listed_last_changed_first_and_paged(history: History) -> None:
    ids = [history.create_conversation(f"chat {number}") for number in range(5)]
    history.add_user_message(ids[0], None, "newest now")
    assert [line.id for line in history.conversations()] == [ids[0], *reversed(ids[1:])]
    assert [line.id for line in history.conversations(limit=2, offset=1)] == [ids[4], ids[3]]


def test_a_chat_without_title_takes_one_from_its_first_message(history: History) -> None:
    chat = history.create_conversation()
    history.add_user_message(chat, None, "\n  Write a   game \nwith pipes")
    history.add_user_message(chat, None, "and another")
    assert history.load(chat).title == "Write a game"
    assert len(title_from("word " * 40)) <= 61
    assert title_from("x" * 500).endswith("…")


def test_delete_takes_messages_replies_and_index_rows_along(history: History) -> None:
    chats = [history.create_conversation(f"chat {n}") for n in range(2)]
    for chat in chats:
        message = history.add_user_message(chat, None, "apples")
        _finish(history, history.add_reply(message, "A"), "pears")
    history.delete(chats[0])
    history.delete(chats[0])
    assert [hit.conversation_id for hit in history.search("apples")] == [chats[1]]
    assert [hit.conversation_id for hit in history.search("pears")] == [chats[1]]
    with pytest.raises(UserError) as caught:
        history.load(chats[0])
    assert caught.value.code == "not_found"


def test_what_was_put_away_is_hidden_and_comes_back(history: History) -> None:
    chat = history.create_conversation("Bananas")
    message = history.add_user_message(chat, None, "yellow")
    _finish(history, history.add_reply(message, "A"), "ripe")
    history.put_away(chat)
    assert not history.conversations()
    assert not history.search("banana")
    with pytest.raises(UserError, match="not in the history"):
        history.load(chat)
    history.purge(60.0)
    assert history.restore(chat), "another window may still offer to undo it"
    assert history.search("ripe")[0].conversation_id == chat
    assert history.load(chat).messages[0].replies[0].answer == "ripe"
    history.purge(0.0)
    assert history.conversations(), "what is not put away is never purged"


def test_what_was_put_away_goes_for_good(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite3")
    first, second = history.create_conversation("one"), history.create_conversation("two")
    for chat in (first, second):
        history.put_away(chat)
    history.close()
    again = History(tmp_path / "h.sqlite3")  # as after a program that was killed
    again.purge(0.0, among={second})
    assert not again.restore(second)
    again.add_user_message(first, None, "another window writes on")
    again.purge(0.0)
    assert [chat.title for chat in again.conversations()] == ["one"]
    again.close()


def test_a_message_to_a_deleted_conversation_is_refused(history: History) -> None:
    with pytest.raises(UserError, match="not in the history"):
        history.add_user_message(99, None, "hello?")


def test_search_finds_titles_texts_and_answers_by_the_beginnings_of_words(
    history: History,
) -> None:
    chat = history.create_conversation("Flappy Bird")
    message = history.add_user_message(chat, None, "pygame with Größe 비행기")
    _finish(history, history.add_reply(message, "A"), "import random")
    for query in ("flap", "PYG wi", "größ", "비행", "rand import"):
        assert [hit.conversation_id for hit in history.search(query)] == [chat], query
    assert history.search("flap missing") == []
    assert history.search("pygame")[0].kind == "message"
    history.rename(chat, "Renamed")
    assert history.search("flappy") == []
    assert history.search("renamed")[0].title == "Renamed"


@pytest.fixture(scope="module")
def odd_history() -> Iterator[History]:
    opened = History(None)
    chat = opened.create_conversation('odd "title" AND')
    opened.add_user_message(chat, None, "NOT a\x00b OR -c")
    yield opened
    opened.close()


@given(query=st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_query_raises(odd_history: History, query: str) -> None:
    odd_history.search(query)
    odd_history.search(f'" OR * NEAR( {query} ^ body: -')


def test_odd_text_is_kept(history: History) -> None:
    chat = history.create_conversation()
    text = "nul \x00 emoji 🐦 bidi \u202e end" + "x" * 1_000_000
    message = history.add_user_message(chat, None, text)
    history.add_user_message(chat, None, "lone \udc80 surrogate")
    found = history.load(chat).messages
    assert (found[0].id, found[0].text) == (message, text)
    assert found[1].text == "lone ? surrogate"


def test_unfinished_replies_of_a_living_program_are_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    first, second = History(path), None
    message = first.add_user_message(first.create_conversation(), None, "hi")
    reply = first.add_reply(message, "A")
    try:
        second = History(path)
        assert second.cut == ()
        assert second.reply(reply).finish_reason is None
        second.close()
        assert first.reply(reply).finish_reason is None
    finally:
        first.close()


def test_closing_marks_what_was_left_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    message = history.add_user_message(history.create_conversation(), None, "hi")
    reply = history.add_reply(message, "A")
    history.update_reply(
        reply, text="half an ans", reasoning=None, answer="half an ans", tokens=[7], usage=Usage()
    )
    history.close()
    again = History(path)
    saved = again.reply(reply)
    assert (saved.finish_reason, saved.finish_detail) == ("error", CUT_DETAIL)
    assert (saved.text, saved.tokens) == ("half an ans", (7,))
    assert len(again.search("half")) == 1
    again.close()


def test_saving_four_long_replies_each_second_is_cheap(history: History) -> None:
    chat = history.create_conversation()
    message = history.add_user_message(chat, None, "go")
    replies = [history.add_reply(message, lane) for lane in "ABCD"]
    tokens = list(range(16_000))
    text = "word " * 16_000
    start = time.process_time()
    for reply in replies:
        history.update_reply(
            reply, text=text, reasoning=text, answer="", tokens=tokens, usage=Usage()
        )
    assert time.process_time() - start < 0.5  # measured: some 15 ms


def test_rows_that_something_else_has_spoilt_still_load(history: History) -> None:
    chat = history.create_conversation()
    message = history.add_user_message(chat, None, "hi")
    reply = history.add_reply(message, "A")
    history._db.write("UPDATE conversations SET tips = '[1]', lanes = 'nonsense'")
    history._db.write(
        "UPDATE replies SET sampling = '{', usage = '{\"no\": 1}', loop = '{\"from_token\": 1}', "
        "timing = '3', tokens = x'0100000002'"
    )
    found = history.load(chat)
    assert (found.tips, found.lanes) == ({}, ())
    assert found.messages[0].replies[0].tokens == (1,)
    assert found.messages[0].replies[0].loop is None
    assert history.conversations()[0].lanes == 0
    assert history.reply(reply).usage == Usage()


def test_a_word_a_million_times_is_found_at_once(tmp_path: Path) -> None:
    history = History(tmp_path / "long.sqlite3")
    conversation = history.create_conversation()
    history.add_user_message(conversation, None, "word " * 400_000)
    started = time.monotonic()
    assert [hit.conversation_id for hit in history.search("word")] == [conversation]
    assert time.monotonic() - started < 2
    history.close()
