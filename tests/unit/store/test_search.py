"""Search: any part of a word, in any script, the newest first, indexed or not yet."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.store import history_search, search_index
from qwqdesk.store.database import Database
from qwqdesk.store.grams import fold, index_text, match_expression, parts_of
from qwqdesk.store.history import History
from qwqdesk.store.history_search import Found
from qwqdesk.store.migrations import MIGRATIONS
from qwqdesk.store.search_index import Indexer, index_everything, open_beside
from qwqdesk.store.search_thread import SearchThread

WORDS = st.sampled_from(
    ["banana", "bandana", "C++", "don't", '"quoted"', "딸기", "딸", "기차", "é", "cafe\u0301", "Ａ"]
)
TEXT = st.lists(WORDS | st.text("abn+\"'딸기é*^:()", max_size=5), max_size=5).map(" ".join)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite3")
    yield history
    history.close()


def _index(history: History) -> None:
    assert history._db.using(index_everything)


def _say(history: History, *texts: str) -> list[int]:
    chats = []
    for text in texts:
        chats.append(history.create_conversation())
        history.add_user_message(chats[-1], None, text)
    return chats


def _found(history: History, query: str) -> list[int]:
    return [hit.conversation_id for hit in history.search(query)]


@given(st.lists(TEXT, min_size=1, max_size=6), TEXT, st.integers(0, 6))
@settings(max_examples=60)
def test_it_finds_what_reading_everything_finds(
    texts: Sequence[str], query: str, indexed: int
) -> None:
    history = History(None)
    chats = _say(history, *texts[:indexed])
    _index(history)
    chats += _say(history, *texts[indexed:])
    parts = fold(query).split()
    wanted = [
        chat
        for chat, text in zip(chats, texts, strict=True)
        if parts and all(part in fold(text) for part in parts)
    ]
    assert _found(history, query) == wanted[::-1]
    _index(history)
    assert _found(history, query) == wanted[::-1]
    history.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("banana", True), ("NANA", True), ("an", True), ("n", True), ("딸기", True), ("딸", True),
        ("기", True), ("딸기를", True), ("기를", True), ("ㄸ", False), ("+", True), ("C++", True),
        ("cafe", True), ("CAFÉ", True), ("banana 딸", True), ("banana kiwi", False), ("  ", False),
        ("x" * 200, False), ("nab", False), ('"', False), ("*", False),
    ],
)  # fmt: skip
def test_parts_of_words_are_found(history: History, query: str, found: bool) -> None:
    [chat] = _say(history, "Bananas in C++ and 딸기를 at the Café")
    for _ in range(2):
        assert (_found(history, query) == [chat]) == found
        _index(history)


def test_the_newest_come_first_and_each_chat_once(history: History) -> None:
    chats = _say(history, "apple one", "apple two", "apple three")
    history.add_user_message(chats[0], None, "apple again")
    _index(history)
    assert _found(history, "apple") == [chats[0], chats[2], chats[1]]
    hit = history.search("apple")[0]
    assert (hit.kind, hit.snippet) == ("message", "apple again")


def test_a_snippet_is_around_the_place(history: History) -> None:
    _say(history, "word " * 500 + "딸기 \n needle é " + "tail " * 500)
    [hit] = history.search("NEEDLE")
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert "딸기 needle é tail" in hit.snippet
    assert len(hit.snippet) <= 122


def test_a_search_whose_time_is_up_says_that_there_may_be_more(history: History) -> None:
    _say(history, *[f"apple {n}" for n in range(30)])
    found = history._db.using(lambda c: history_search.find(c, "apple", 50, 0.0))
    assert not found.complete
    assert len(found.hits) < 30
    assert history._db.using(lambda c: history_search.find(c, "apple", 50, 60.0)).complete


def test_what_is_deleted_or_renamed_leaves_nothing_in_the_index(history: History) -> None:
    chats = _say(history, "secret needle", "other straw")
    _index(history)
    history.rename(chats[1], "hay")
    _index(history)
    assert _found(history, "hay") == [chats[1]]
    history.delete(chats[0])
    history.delete(chats[1])
    _index(history)
    history._db.write("INSERT INTO search_grams (search_grams) VALUES ('integrity-check')")
    history._db.write("CREATE VIRTUAL TABLE temp.pieces USING fts5vocab (main, search_grams, row)")
    assert history._db.read("SELECT * FROM temp.pieces") == []
    assert history._db.read("SELECT * FROM search_texts") == []


def test_chats_of_an_older_version_are_found_before_and_after_they_are_indexed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.sqlite3"
    before = [step.__name__ for step in MIGRATIONS].index("add_part_search")
    Database(path, MIGRATIONS[:before]).close()
    connection = sqlite3.connect(path)
    for number in (1, 2, 3):
        connection.execute(
            "INSERT INTO conversations (id, title, created, updated, system_prompt, lanes, tips) "
            "VALUES (?, 'old', 1, 1, '', '[]', '{}')",
            (number,),
        )
        connection.execute(
            "INSERT INTO messages VALUES (?, ?, NULL, 'a needle', 1)", (number, number)
        )
    connection.commit()
    connection.close()
    history = History(path)
    assert _found(history, "eedl") == [3, 2, 1]
    _index(history)
    assert _found(history, "eedl") == [3, 2, 1]
    assert _found(history, "old") == [3, 2, 1]
    history.close()


def test_two_programs_index_each_text_once(history: History) -> None:
    chats = _say(history, *[f"apple {n}" for n in range(120)])
    assert history.path is not None
    other = open_beside(history.path)
    mine = history._db.using(Indexer)
    while mine.step() | Indexer(other).step():
        pass
    other.close()
    history._db.write("INSERT INTO search_grams (search_grams) VALUES ('integrity-check')")
    for chat in chats:
        history.delete(chat)
    assert _found(history, "apple") == []


def test_a_damaged_index_is_made_again_by_the_thread(history: History) -> None:
    [chat] = _say(history, "needle")
    _index(history)
    history._db.write("UPDATE search_grams_data SET block = x'ffffffffff'")
    told: list[tuple[str, Found]] = []
    came = threading.Event()

    def take(query: str, found: Found) -> None:
        told.append((query, found))
        came.set()

    assert history.path is not None
    thread = SearchThread(history.path, take)
    try:
        thread.search("needle", 50)
        assert came.wait(10)
        assert [hit.conversation_id for hit in told[-1][1].hits] == [chat]
    finally:
        thread.close()


def test_a_newer_search_ends_the_one_before(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    _say(history, "apple")
    told: list[str] = []
    began, came = threading.Event(), threading.Event()
    real = history_search.find

    def slow(connection: sqlite3.Connection, query: str, limit: int) -> Found:
        if query == "old":
            endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n"
            try:
                for _ in connection.execute(endless):
                    began.set()
            except sqlite3.OperationalError:
                return Found(complete=False)
        return real(connection, query, limit)

    monkeypatch.setattr("qwqdesk.store.history_search.find", slow)

    def take(query: str, _found: Found) -> None:
        told.append(query)
        came.set()

    assert history.path is not None
    thread = SearchThread(history.path, take)
    try:
        thread.search("old", 50)
        assert began.wait(10)
        thread.search("appl", 50)
        assert came.wait(10)
        assert told == ["appl"]
    finally:
        thread.close()


def test_new_texts_are_indexed_beside_the_window(history: History) -> None:
    assert history.path is not None
    thread = SearchThread(history.path, lambda *_: None)
    try:
        _say(history, *[f"apple {n}" for n in range(5)])
        thread.index()
        waiting = "SELECT 1 FROM search_texts WHERE indexed = 0"
        wait = threading.Event()
        for _ in range(500):
            if not history._db.read(waiting):
                break
            wait.wait(0.02)
        assert history._db.read(waiting) == []
    finally:
        thread.close()


def test_an_expression_is_always_a_valid_one() -> None:
    for text in ('"', "a\"b'c", "*", "NEAR(", "a:b", "^", "-", "(", "\ufffd\x00", "AND OR NOT"):
        parts = parts_of(text)
        connection = sqlite3.connect(":memory:")
        connection.execute(search_index.CREATE_GRAMS)
        insert = "INSERT INTO search_grams (rowid, grams) VALUES (7, ?)"
        connection.execute(insert, (index_text(text),))
        sql = "SELECT rowid FROM search_grams WHERE search_grams MATCH ?"
        assert connection.execute(sql, (match_expression(parts),)).fetchall() == [(7,)]
        connection.close()
