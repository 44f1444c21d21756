"""A history that cannot be written: it is known at once, and what is in it can be shown."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.store.database import Database
from qwqdesk.store.history import History
from qwqdesk.store.migrations import MIGRATIONS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the rights of POSIX")
_NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, as pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="qwqdesk-test-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@contextmanager
def rights_bind() -> Iterator[None]:
    """Rights bind everybody but root."""
    if os.geteuid():
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def written(folder: Path) -> Path:
    path = folder / "history.sqlite3"
    history = History(path)
    chat = history.create_conversation()
    history.add_user_message(chat, None, "an apple a day")
    history.close()
    return path


def make_read_only(path: Path, what: str) -> None:
    if what != "folder":
        path.chmod(0o444)
    if what != "file":
        path.parent.chmod(0o555)


@pytest.mark.parametrize("what", ["file", "folder", "both"])
def test_a_history_that_cannot_be_written_says_so_when_it_is_opened(
    folder: Path, what: str
) -> None:
    path = written(folder)
    make_read_only(path, what)
    with rights_bind(), pytest.raises(UserError, match="is read-only") as caught:
        History(path)
    assert caught.value.code == "read_only"


@pytest.mark.parametrize("what", ["file", "folder", "both"])
def test_what_is_in_it_is_shown_and_new_chats_stay_in_memory(folder: Path, what: str) -> None:
    path = written(folder)
    before = path.read_bytes()
    make_read_only(path, what)
    with rights_bind():
        history = History(None, copy_of=path)
    assert [chat.title for chat in history.conversations()] == ["an apple a day"]
    assert [hit.conversation_id for hit in history.search("apple")] == [1]
    new = history.create_conversation()
    history.add_user_message(new, None, "a pear")
    assert {hit.conversation_id for hit in history.search("a")} >= {1, new}
    history.delete(1)
    history.close()
    assert path.read_bytes() == before


def test_what_a_killed_program_left_in_the_log_is_shown_too(folder: Path) -> None:
    path = folder / "history.sqlite3"
    history = History(path)
    history.add_user_message(history.create_conversation(), None, "only in the log")
    other = folder / "copy"
    other.mkdir(mode=0o755)
    for file in folder.glob("history.sqlite3*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, other)
    history.close()
    path = other / path.name
    assert b"only in the log" not in path.read_bytes()
    other.chmod(0o555)
    try:
        with rights_bind():
            shown = History(None, copy_of=path)
        assert [chat.title for chat in shown.conversations()] == ["only in the log"]
        shown.close()
    finally:
        other.chmod(0o755)


def test_an_old_history_is_brought_up_to_date_in_memory_alone(folder: Path) -> None:
    path = folder / "history.sqlite3"
    Database(path, MIGRATIONS[:3]).close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO conversations VALUES (7, 'old', 1, 1, '', '[]', '{}')")
    connection.commit()
    connection.close()
    make_read_only(path, "both")
    with rights_bind():
        history = History(None, copy_of=path)
    assert [chat.title for chat in history.conversations()] == ["old"]
    history.close()
    assert [file.name for file in folder.iterdir()] == [path.name]
