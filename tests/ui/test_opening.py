"""Opening the history does not stop the window, and one that cannot be used is shown or said."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from qwqdesk.errors import UserError
from qwqdesk.store.history import History
from qwqdesk.ui import opening
from qwqdesk.ui.window import Window


async def test_the_window_says_what_it_waits_for_while_a_worker_opens(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    class Slow(History):
        def __init__(self, path: Path | None) -> None:
            assert go_on.wait(20)
            super().__init__(path)

    monkeypatch.setattr(opening, "History", Slow)
    told: list[UserError] = []
    frame = Window()
    frame.show()
    work = asyncio.ensure_future(
        opening.open_history(tmp_path / "history.sqlite3", frame.say, told.append)
    )
    while frame.accessibleDescription() != "Opening the history…":
        await asyncio.sleep(0.01)  # the window's own loop goes on
    assert not work.done()
    picture = frame.grab().toImage()
    go_on.set()
    history = await work
    assert not told
    assert frame.accessibleDescription() == ""
    assert frame.grab().toImage() != picture, "the words were on the screen"
    history.create_conversation("on this thread")
    history.close()
    frame.hide()
    frame.deleteLater()
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_history_that_cannot_be_written_is_shown_with_words(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    history.create_conversation("kept")
    history.close()
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    told: list[UserError] = []
    history = await opening.open_history(path, lambda _words: None, told.append)
    assert [chat.title for chat in history.conversations()] == ["kept"]
    history.create_conversation("new")
    history.close()
    assert [error.what for error in told] == [
        f"The history {path} is read-only. Its chats are shown; what you write now stays in memory "
        "until you close the window."
    ]
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_what_is_no_history_is_said_and_an_empty_one_taken(
    qapp: QApplication, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    path.mkdir()
    told: list[UserError] = []
    history = await opening.open_history(path, lambda _words: None, told.append)
    assert history.path is None
    history.close()
    assert "is a folder" in told[0].what
    assert "not kept" in told[0].what_to_do
    await asyncio.get_running_loop().shutdown_default_executor()
