"""Damage anywhere in the file: the program starts, what can be read is there, nothing is thrown
away.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from qwqdesk.conversation import Usage
from qwqdesk.errors import UserError
from qwqdesk.store import recovery
from qwqdesk.store.history import History
from qwqdesk.store.migrations import MIGRATIONS, apply

CHATS = 12
TRIES = int(os.environ.get("QWQDESK_DAMAGE_TRIES", "12"))  # more, to explore


def _fill(path: Path, chats: int = CHATS) -> None:
    history = History(path)
    for number in range(chats):
        chat = history.create_conversation(lanes=[{"label": "A"}, {"label": "B"}])
        for turn in range(3):
            text = f"question {number} {turn} " * (400 if number == 3 else 5)
            message = history.add_user_message(chat, None, text)
            for lane in "AB":
                reply = history.add_reply(message, lane, manifest={"n": number})
                answer = f"answer {number} {turn} {lane} 딸기 " * (500 if number == 5 else 4)
                history.finish_reply(
                    reply,
                    text=answer,
                    reasoning=None,
                    answer=answer,
                    tokens=range(50),
                    finish_reason="stop",
                    usage=Usage(3, 0, 50),
                    ends=range(50),
                    probabilities=[0.5] * 50,
                )
    history.close()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "history.sqlite3"
    _fill(path)
    return path


@pytest.fixture
def path(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good, tmp_path / "history.sqlite3"))


def _texts(history: History) -> Iterator[str]:
    for head in history.conversations():
        chat = history.load(head.id)
        for message in chat.messages:
            yield message.text
            yield from (reply.text for reply in message.replies)


def _every(path: Path) -> set[str]:
    history = History(path)
    texts = set(_texts(history))
    history.close()
    return texts


def _opened(path: Path) -> tuple[set[str], str]:
    """What is there after damage, and what was said; it takes new chats, and the next start is
    silent.
    """
    history = History(path)
    said, texts = " ".join(history.notices), set(_texts(history))
    if path.with_name(f"{path.name}.check").exists():  # a row that only reading it tells of
        history.close()
        history = History(path)
        said, texts = " ".join(history.notices), set(_texts(history))
        assert "damaged" in said
    chat = history.create_conversation()
    history.add_user_message(chat, None, "written after the damage")
    assert "written after the damage" in {m.text for m in history.load(chat).messages}
    with suppress(UserError):
        history.search("answer")
    history.close()
    again = History(path)
    assert again.notices == ()
    again.close()
    return texts, said


def test_a_damaged_table_definition_costs_nothing(path: Path, good: Path) -> None:
    data = bytearray(path.read_bytes())
    for table in (b"CREATE TABLE conversations", b"CREATE TABLE messages", b"CREATE TABLE replies"):
        data[data.index(table) + len(table) + 20] = 0x9B
    path.write_bytes(data)
    texts, said = _opened(path)
    assert texts == _every(good)
    assert f"{CHATS} chats with {3 * CHATS} messages and {6 * CHATS} replies" in said
    [kept] = path.parent.glob("history.sqlite3.broken-*")
    assert kept.read_bytes() == bytes(data)
    assert kept.name in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"CREATE TABLE messages", b"CREATE TABLE mess\x00ges"),
        (b"CREATE TABLE messages", b"CREATE TABLX messages"),
        (b"tablemessages", b"tablemassages"),
        (b"parent_reply_id INTEGER", b"parent_raply_id INTEGER"),
        (b"CREATE INDEX messages_by_parent", b"CREATE INDEX messages_by_pa\xffent"),
    ],
)
def test_one_letter_of_the_schema(path: Path, good: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    texts, said = _opened(path)
    assert texts == _every(good)
    assert "recovered" in said


@pytest.mark.parametrize("damage", ["magic", "header", "first-page", "cut", "zeros"])
def test_large_damage_costs_what_it_hit(path: Path, good: Path, damage: str) -> None:
    data = bytearray(path.read_bytes())
    if damage == "magic":
        data[3] = 0xFF
    elif damage == "header":
        data[:100] = bytes(100)
    elif damage == "first-page":
        data[:4096] = b"\xa5" * 4096
    elif damage == "cut":
        del data[len(data) // 2 :]
    else:
        data[4096 * 8 : 4096 * 12] = bytes(4096 * 4)
    path.write_bytes(data)
    texts, said = _opened(path)
    assert "damaged" in said
    every = _every(good)
    share = len(texts & every) / len(every)
    assert share == 1 if damage in ("magic", "header", "first-page") else share > 0.3


def test_what_was_only_in_the_write_ahead_log_is_recovered(tmp_path: Path) -> None:
    live, path = tmp_path / "live.sqlite3", tmp_path / "history.sqlite3"
    history = History(live)
    history._db.read("PRAGMA wal_autocheckpoint = 0")
    chat = history.create_conversation()
    history.add_user_message(chat, None, "only in the log")
    for suffix in ("", "-wal"):
        shutil.copy(live.with_name(live.name + suffix), path.with_name(path.name + suffix))
    history.close()
    path.write_bytes(b"\xa5" * len(path.read_bytes()))
    texts, _said = _opened(path)
    assert texts == {"only in the log"}


def test_replies_whose_message_is_gone_are_kept(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DELETE FROM messages WHERE id = 4")
    connection.execute("DELETE FROM conversations WHERE id IN (2, 7)")
    connection.commit()
    connection.close()
    data = path.read_bytes()
    path.write_bytes(
        data.replace(b"CREATE INDEX messages_by_parent", b"CREATE INDFX messages_by_parent")
    )
    texts, _said = _opened(path)
    assert any(text.startswith("answer 1 0 A") for text in texts)
    assert any(text.startswith("question 6") for text in texts)


def test_deleted_chats_stay_deleted(path: Path, good: Path) -> None:
    history = History(path)
    history.delete(4)
    history.close()
    data = bytearray(path.read_bytes())
    at = data.index(b"CREATE TABLE messages") + 30
    data[at] = 0x9B
    path.write_bytes(data)
    texts, _said = _opened(path)
    assert not any(text.startswith("question 3 ") for text in texts)


def test_a_newer_file_is_not_touched_however_it_looks(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[60:64] = (len(MIGRATIONS) + 1).to_bytes(4, "big")
    data[data.index(b"CREATE TABLE messages") + 30] = 0x9B
    path.write_bytes(data)
    with pytest.raises(UserError, match="newer"):
        History(path)
    assert path.read_bytes() == bytes(data)
    assert [file.name for file in path.parent.iterdir()] == ["history.sqlite3"]


def test_a_busy_or_forbidden_file_is_never_moved_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwqdesk.store.database.BUSY_SECONDS", 0.02)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UserError) as caught:
        History(path)
    assert caught.value.code == "busy"
    connection.close()
    assert not list(path.parent.glob("*.broken-*"))
    assert len(_every(path)) == 9 * CHATS


def test_a_fault_of_the_recovery_costs_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug of ours")

    data = path.read_bytes().replace(b"CREATE TABLE messages", b"CREATE TABLE \x9bessages")
    path.write_bytes(data)
    monkeypatch.setattr(recovery, "recover", fail)
    texts, said = _opened(path)
    assert texts == set()
    assert "no chat" in said
    [kept] = path.parent.glob("history.sqlite3.broken-*")
    assert kept.read_bytes() == data


def _flips(data: bytes, seed: int) -> Callable[[], tuple[bytes, list[int]]]:
    chance = random.Random(seed)
    schema = data.index(b"CREATE TABLE conversations")

    def flip() -> tuple[bytes, list[int]]:
        damaged = bytearray(data)
        area = chance.choice(["header", "schema", "page head", "anywhere", "anywhere"])
        places = []
        for _ in range(chance.choice([1, 1, 1, 3, 20])):
            if area == "header":
                at = chance.choice([n for n in range(100) if not 60 <= n < 64])
            elif area == "schema":
                at = chance.randrange(schema - 400, schema + 2500)
            elif area == "page head":
                at = 4096 * chance.randrange(len(data) // 4096) + chance.randrange(16)
            else:
                at = chance.randrange(len(data))
            at = 100 if 60 <= at < 64 else at
            damaged[at] = chance.choice([0, 0x9B, 0xFF, damaged[at] ^ 1 << chance.randrange(8)])
            places.append(at)
        return bytes(damaged), places

    return flip


@pytest.mark.parametrize("seed", range(2))
def test_bytes_flipped_anywhere(good: Path, tmp_path: Path, seed: int) -> None:
    data, every = good.read_bytes(), _every(good)
    flip = _flips(data, seed)
    for number in range(TRIES):
        damaged, places = flip()
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "history.sqlite3"
        path.write_bytes(damaged)
        texts, said = _opened(path)
        lost = every - texts
        # A page has some twenty rows of the short texts; inner pages are read past.
        assert len(lost) <= 25 * len(places), (places, said)
        if "damaged" in said:
            [kept] = folder.glob("history.sqlite3.broken-*")
            assert len(kept.read_bytes()) == len(damaged)


def test_bytes_flipped_in_the_write_ahead_log(tmp_path: Path) -> None:
    live = tmp_path / "live.sqlite3"
    _fill(live, 2)
    history = History(live)
    history._db.read("PRAGMA wal_autocheckpoint = 0")
    for number in range(10):
        history.add_user_message(history.create_conversation(), None, f"logged {number}")
    saved = [live.with_name(live.name + suffix).read_bytes() for suffix in ("", "-wal")]
    history.close()
    chance = random.Random(1)
    for number in range(TRIES // 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "history.sqlite3"
        log = bytearray(saved[1])
        for _ in range(chance.choice([1, 5])):
            log[chance.choice([chance.randrange(32), chance.randrange(len(log))])] ^= 0x55
        path.write_bytes(saved[0])
        path.with_name("history.sqlite3-wal").write_bytes(log)
        texts, _said = _opened(path)
        assert sum(text.startswith("question") for text in texts) == 6


def test_an_older_version_is_recovered_too(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    apply(connection, MIGRATIONS[:1])
    connection.execute("INSERT INTO conversations VALUES (1, 'old', 1, 1, '', '[]', '{}')")
    connection.execute("INSERT INTO messages VALUES (1, 1, NULL, 'hi', 1)")
    connection.execute(
        "INSERT INTO replies VALUES (1, 1, 'A', NULL, 'yes', NULL, 'yes', x'01000000', 'stop', "
        "NULL, 'exact', '{}', '{}', '{}', '{}', NULL, '{}', 1, '')"
    )
    connection.close()
    path.write_bytes(
        path.read_bytes().replace(b"CREATE TABLE messages", b"CREATE TABLE \xffessages")
    )
    texts, _said = _opened(path)
    assert texts == {"hi", "yes"}
