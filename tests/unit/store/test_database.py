"""The database file: newer, damaged, forbidden, full, killed in the middle, shared by two."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.store.database import Database, _explain
from qwqdesk.store.history import CUT_DETAIL, History, title_from
from qwqdesk.store.migrations import MIGRATIONS

WRITER = """
import sys
from pathlib import Path
from qwqdesk.conversation import Usage
from qwqdesk.store.history import History
history = History(Path(sys.argv[1]))
message = history.add_user_message(history.create_conversation(), None, "four lanes")
replies = [history.add_reply(message, lane) for lane in "ABCD"]
print("ready", flush=True)
count = 0
while True:
    count += 100
    for reply in replies:
        history.update_reply(reply, text="w " * count, reasoning=None, answer="w " * count,
                             tokens=range(count), usage=Usage(answer_tokens=count))
    print(count, flush=True)
"""


def _raw(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_program_loses_nothing_it_had_saved(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        acknowledged = [int(writer.stdout.readline()) for _ in range(10)][-1]
        during = History(path)  # a second program, while the first one writes
        assert during.cut == ()
        during.close()
        writer.send_signal(signal.SIGKILL)
        rest = [line for line in writer.stdout if line.endswith("\n")]
    acknowledged = max([acknowledged, *map(int, rest)])
    history = History(path)
    assert len(history.cut) == 4
    [message] = history.load(1).messages
    for reply in message.replies:
        assert (reply.finish_reason, reply.finish_detail) == ("error", CUT_DETAIL)
        assert len(reply.tokens) >= acknowledged
        assert reply.text == "w " * len(reply.tokens)
        assert reply.usage.answer_tokens == len(reply.tokens)
    assert history.cut_replies() == []
    history.close()


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    History(path).close()
    _raw(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(UserError) as caught:
        History(path)
    assert caught.value.code == "newer"
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["history.sqlite3"]


@pytest.mark.parametrize("damage", ["text", "cut", "middle", "empty-header"])
def test_a_damaged_database_is_kept_aside_and_a_new_one_begun(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    for number in range(50):
        history.add_user_message(history.create_conversation(), None, f"text {number} " * 50)
    history.close()
    data = bytearray(path.read_bytes())
    if damage == "text":
        data = bytearray(b"this is no database\n" * 100)
    elif damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "middle":
        data[4096 : 4096 * 9] = b"\xa5" * (4096 * 8)
    else:
        data[:100] = bytes(100)
    path.write_bytes(data)
    again = History(path)
    assert "damaged" in again.notices[0]
    found = {chat.title for chat in again.conversations()}
    everything = {title_from(f"text {number} " * 50) for number in range(50)}
    assert found <= everything
    assert bool(found) or damage in ("text", "cut")
    again.create_conversation("works")
    again.close()
    [kept] = tmp_path.glob("history.sqlite3.broken-*")
    assert kept.read_bytes() == bytes(data)


def test_damage_found_while_running_is_looked_for_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    for number in range(50):
        history.add_user_message(history.create_conversation(), None, f"text {number} " * 50)
    history.close()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * (path.stat().st_size - 4096 * 3))
    monkeypatch.setattr("qwqdesk.store.database.CHECKED_BYTES", 0)
    database = Database(path)
    with pytest.raises(UserError) as caught:
        database.read("SELECT * FROM messages")
    assert caught.value.code == "corrupt"
    database.close()
    again = History(path)
    assert "damaged" in again.notices[0]
    again.close()
    assert not list(tmp_path.glob("*.check"))


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.touch()
    history = History(path)
    assert history.notices == ()
    history.close()


def test_places_that_cannot_be_written_are_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.sqlite3").mkdir()
    for path in (tmp_path / "file" / "h.sqlite3", tmp_path / "folder.sqlite3"):
        with pytest.raises(UserError) as caught:
            History(path)
        assert caught.value.code == "read_only"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX")
@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("kind", ["a folder", "a link to nothing", "a pipe"])
def test_what_is_no_file_is_named_and_left_where_it_is(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    path = tmp_path / "history.sqlite3"
    odd = path.with_name(path.name + suffix)
    if kind == "a folder":
        odd.mkdir()
    elif kind == "a pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to(odd)
    before = odd.lstat().st_mode
    with pytest.raises(UserError, match=f"is {kind}") as caught:
        Database(path)
    assert caught.value.code == "read_only"
    assert odd.lstat().st_mode == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    real = tmp_path / "real.sqlite3"
    Database(real).close()
    link = tmp_path / "history.sqlite3"
    link.symlink_to(real)
    Database(link).close()
    assert link.is_symlink()


def test_a_file_that_became_read_only_is_said_in_words(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    history._db.read("PRAGMA query_only = 1")
    with pytest.raises(UserError) as caught:
        history.create_conversation("x")
    assert caught.value.code == "read_only"
    history._db.read("PRAGMA query_only = 0")
    history.close()


def test_a_full_disk_is_said_in_words_and_what_was_saved_stays(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    chat = history.create_conversation("kept")
    history._db.read("PRAGMA max_page_count = 40")
    with pytest.raises(UserError) as caught:
        history.add_user_message(chat, None, "x" * 1_000_000)
    assert caught.value.code == "disk_full"
    history.add_user_message(chat, None, "small")
    assert [message.text for message in history.load(chat).messages] == ["small"]
    history.close()


def test_a_locked_database_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwqdesk.store.database.BUSY_SECONDS", 0.05)
    path = tmp_path / "history.sqlite3"
    history = History(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UserError) as caught:
        history.create_conversation("x")
    assert caught.value.code == "busy"
    other.execute("ROLLBACK")
    other.close()
    history.close()


def test_a_migration_copies_the_old_file_first(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    Database(path, MIGRATIONS[:1]).close()
    _raw(path, "INSERT INTO conversations VALUES (1, 'old', 1, 1, '', '[]', '{}')")
    history = History(path)
    assert history.conversations()[0].title == "old"
    history.close()
    backup = sqlite3.connect(path.with_name("history.sqlite3.backup-v1"))
    assert backup.execute("SELECT title FROM conversations").fetchall() == [("old",)]
    assert backup.execute("PRAGMA user_version").fetchone() == (1,)
    backup.close()


def test_a_reply_of_an_older_version_has_no_token_numbers(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    Database(path, MIGRATIONS[:2]).close()
    _raw(
        path,
        "INSERT INTO conversations VALUES (1, 'old', 1, 1, '', '[]', '{}')",
        "INSERT INTO messages VALUES (1, 1, NULL, 'hi', 1)",
        "INSERT INTO replies VALUES (1, 1, 'A', NULL, 'yes', NULL, 'yes', x'01000000', 'stop', "
        "NULL, 'exact', '{}', '{}', '{}', '{}', NULL, '{}', 1, '')",
    )
    history = History(path)
    reply = history.reply(1)
    history.close()
    assert (reply.tokens, reply.ends, reply.probabilities) == ((1,), (), ())
    assert (reply.answer_sampling, reply.answer_sources) == ({}, {})


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE extra (a)")
        raise RuntimeError("bug")

    path = tmp_path / "history.sqlite3"
    History(path).close()
    with pytest.raises(RuntimeError, match="bug"):
        Database(path, (*MIGRATIONS, half))
    database = Database(path)
    tables = database.read("SELECT name FROM sqlite_master WHERE name = 'extra'")
    assert tables == []
    database.close()


def test_a_failed_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    database = Database(tmp_path / "history.sqlite3")

    def fail() -> None:
        with database.transaction():
            database.write(
                "INSERT INTO conversations VALUES (1, 'x', 1, 1, '', '[]', '{}', 0, '{}')"
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert database.read("SELECT * FROM conversations") == []
    database.close()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("SQLITE_PROTOCOL", "locks", "cannot be locked"),
        ("SQLITE_NOMEM", "memory", "not enough memory"),
    ],
)
def test_what_the_system_does_to_sqlite_is_said_in_words(
    tmp_path: Path, name: str, code: str, words: str
) -> None:
    error = sqlite3.OperationalError("told by SQLite")
    error.sqlite_errorcode = getattr(sqlite3, name)
    found = _explain(error, tmp_path / "history.db")
    assert found is not None
    assert (found.code, words in found.what) == (code, True)
    assert found.what_to_do
