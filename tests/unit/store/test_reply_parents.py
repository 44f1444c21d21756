"""Databases that did not say which reply each reply continued from: it is found in the prompts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from qwqdesk.store.database import Database
from qwqdesk.store.history import History
from qwqdesk.store.migrations import MIGRATIONS, add_reply_parents

OLD = MIGRATIONS[: MIGRATIONS.index(add_reply_parents)]
Turns = Sequence[tuple[str, str]]
"""Question and answer of each turn that a prompt held."""


class OldDatabase:
    """A database as versions made it that knew a parent for each message only."""

    def __init__(self, path: Path, kind: str) -> None:
        Database(path, OLD).close()
        self.path = path
        self._kind = kind
        self._connection = sqlite3.connect(path)
        self._write("INSERT INTO conversations VALUES (1, 'old', 1, 1, '', '[]', '{}', NULL)")

    def _write(self, sql: str, *values: object) -> int:
        return self._connection.execute(sql, values).lastrowid or 0

    def message(self, text: str, parent: int | None = None) -> int:
        return self._write("INSERT INTO messages VALUES (NULL, 1, ?, ?, 1)", parent, text)

    def reply(
        self, message: int, lane: str, answer: str, told: Turns | str = (), thought: str = ""
    ) -> int:
        """`told` is what its prompt held before the newest question, or the whole manifest."""
        manifest = told if isinstance(told, str) else self._manifest(told)
        return self._write(
            "INSERT INTO replies VALUES (NULL, ?, ?, NULL, ?, ?, ?, x'', 'stop', NULL, 'exact', "
            "'{}', '{}', '{}', '{}', NULL, ?, 1, '', x'', x'', '{}', '{}')",
            message,
            lane,
            f"<think>{thought}</think>{answer}",
            thought or None,
            answer,
            manifest,
        )

    def _manifest(self, told: Turns) -> str:
        question = self._connection.execute("SELECT text FROM messages ORDER BY id").fetchall()[-1]
        turns = [entry for asked, said in told for entry in (("user", asked), ("assistant", said))]
        turns.append(("user", question[0]))
        text = "".join(f"<|im_start|>{role}\n{said.strip()}<|im_end|>\n" for role, said in turns)
        prompt: dict[str, object] = {"text": f"<|im_start|>system\nBe kind.<|im_end|>\n{text}"}
        if self._kind == "messages":
            system = [("system", "Be kind.")]
            prompt["messages"] = [{"role": r, "content": c} for r, c in (*system, *turns)]
        return json.dumps({"prompt": prompt})

    def parents(self) -> dict[int, int | None]:
        """What the present version makes of it, by the reply's id."""
        self._connection.commit()
        self._connection.close()
        history = History(self.path)
        found = history.load(1)
        history.close()
        return {reply.id: reply.parent_id for m in found.messages for reply in m.replies}


@pytest.fixture(params=["messages", "text"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> OldDatabase:
    return OldDatabase(tmp_path / "history.sqlite3", request.param)


def test_a_lane_added_in_mid_conversation_keeps_its_own_way(old: OldDatabase) -> None:
    first = old.message("What is 47 + 36?")
    a1 = old.reply(first, "A", "The answer is 83.")
    b1 = old.reply(first, "B", "83", thought="47 and 36")
    a, b = [("What is 47 + 36?", "The answer is 83.")], [("What is 47 + 36?", "83")]
    second = old.message("And 5 + 6?", a1)
    a2 = old.reply(second, "A", "It is 11.", a)
    b2 = old.reply(second, "B", "11", b)
    c2 = old.reply(second, "C", "11!", b)
    third = old.message("Thanks", a2)
    a3 = old.reply(third, "A", "!", [*a, ("And 5 + 6?", "It is 11.")])
    c3 = old.reply(third, "C", "?", [*b, ("And 5 + 6?", "11!")])
    d3 = old.reply(third, "D", ".", [*b, ("And 5 + 6?", "11!")])
    assert old.parents() == {
        a1: None, b1: None, a2: a1, b2: b1, c2: b1, a3: a2, c3: c2, d3: c2,
    }  # fmt: skip


def test_equal_replies_are_told_apart_by_what_led_to_them(old: OldDatabase) -> None:
    first = old.message("Name a fruit")
    a1 = old.reply(first, "A", "Apple")
    b1 = old.reply(first, "B", "Pear")
    second = old.message("Sure?", a1)
    a2 = old.reply(second, "A", "Yes.", [("Name a fruit", "Apple")])
    b2 = old.reply(second, "B", "Yes.", [("Name a fruit", "Pear")])
    third = old.message("Go on", a2)
    told = [("Name a fruit", "Pear"), ("Sure?", "Yes.")]
    c3 = old.reply(third, "C", "And plums", told)
    assert old.parents() == {a1: None, b1: None, a2: a1, b2: b1, c3: b2}


def test_replies_that_are_equal_in_all_follow_the_lanes(old: OldDatabase) -> None:
    first = old.message("2 + 2?")
    a1, b1 = old.reply(first, "A", "4"), old.reply(first, "B", "4")
    second = old.message("And 3 + 3?", a1)
    told = [("2 + 2?", "4")]
    a2, b2 = old.reply(second, "A", "6", told), old.reply(second, "B", "6", told)
    c2 = old.reply(second, "C", "6", told)
    assert old.parents() == {a1: None, b1: None, a2: a1, b2: b1, c2: a1}


def test_the_regeneration_that_was_switched_back_counts(old: OldDatabase) -> None:
    first = old.message("Hi")
    a1 = old.reply(first, "A", "Hello")
    b1, b1_again = old.reply(first, "B", "Hello there"), old.reply(first, "B", "Good day")
    second = old.message("Again", a1)
    a2 = old.reply(second, "A", "Hello", [("Hi", "Hello")])
    b2 = old.reply(second, "B", "Hm", [("Hi", "Hello there")])
    assert old.parents() == {a1: None, b1: None, b1_again: None, a2: a1, b2: b1}


def test_a_reply_that_repeats_the_question_is_found(old: OldDatabase) -> None:
    first = old.message("Why?")
    a1 = old.reply(first, "A", "Because.")
    b1 = old.reply(first, "B", "Why? Why? Because of B.")
    second = old.message("Why?", a1)
    b2 = old.reply(second, "B", "Hm", [("Why?", "Why? Why? Because of B.")])
    c2 = old.reply(second, "C", "Hm", [("Why?", "Why? Why? Because of B.")])
    assert old.parents() == {a1: None, b1: None, b2: b1, c2: b1}


@pytest.mark.parametrize("manifest", ["{}", "no JSON", '{"prompt": 5}', '{"prompt": {"text": 5}}'])
def test_without_a_prompt_the_rule_of_then_holds(old: OldDatabase, manifest: str) -> None:
    first = old.message("Hi")
    a1, b1 = old.reply(first, "A", "one"), old.reply(first, "B", "two")
    second = old.message("Go on", a1)
    a2 = old.reply(second, "A", "three", manifest)
    b2 = old.reply(second, "B", "four", manifest)
    c2 = old.reply(second, "C", "five", manifest)
    assert old.parents() == {a1: None, b1: None, a2: a1, b2: b1, c2: a1}


def test_a_chat_with_one_lane_follows_its_messages(old: OldDatabase) -> None:
    before, replies = None, []
    for number in range(5):
        before = old.reply(old.message(f"question {number}", before), "A", f"answer {number}")
        replies.append(before)
    assert old.parents() == dict(zip(replies, (None, *replies), strict=False))


def test_what_is_no_text_does_not_stop_the_migration(old: OldDatabase) -> None:
    first = old.message("Hi")
    a1, b1 = old.reply(first, "A", "one"), old.reply(first, "B", "two")
    second = old.message("Go on", a1)
    b2 = old.reply(second, "B", "four", [("Hi", "two")])
    old._write("UPDATE replies SET answer = CAST(x'9B' AS TEXT) WHERE id = ?", a1)
    old._connection.commit()
    database = Database(old.path)
    rows = database.read("SELECT id, parent_reply_id FROM replies ORDER BY id")
    database.close()
    assert [tuple(row) for row in rows] == [(a1, None), (b1, None), (b2, b1)]
