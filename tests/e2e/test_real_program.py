"""The real program with the real demo model: first start, four lanes, an end by force."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from qwqdesk.resources import resource
from qwqdesk.store.history import CUT_DETAIL
from tests.e2e import program
from tests.processes import sigint

pytestmark = pytest.mark.skipif(
    not resource("models", "qwqdesk-demo-F16.gguf").is_file(), reason="there is no demo model yet"
)


def test_first_start_loads_the_demo_model_and_compares(tmp_path: Path) -> None:
    out = program.run(
        tmp_path,
        """
        await ready(window)
        say("model", window.desk.session.loaded.model.name)
        window.page.compare_first()
        view = window.page.view
        await until(lambda: all(lane.output.reply and lane.output.reply.reasoning.source
                                for lane in view.lanes))
        say("lanes", len(view.lanes), "header", bool(view.prompt.text))
        window.page.stop()
        await until(lambda: window.page.runs.view is None)
        """,
    )
    assert "model QwQ Desk demo" in out
    assert "lanes 2 header True" in out
    rows = _replies(tmp_path)
    assert [reason for _, reason, _ in rows] == ["cancelled", "cancelled"]
    assert all(text for text, _, _ in rows)


def test_a_chat_is_answered_and_comes_back_at_the_next_start(tmp_path: Path) -> None:
    first = program.run(
        tmp_path,
        """
        await ready(window)
        window.page.send("What is 27 + 45?")
        await until(lambda: window.page.runs.view is not None)
        await until(lambda: window.page.runs.view is None)
        reply = window.page.view.lanes[0].output.reply
        say("answer", reply.answer_source.strip())
        """,
    )
    again = program.run(
        tmp_path,
        """
        window.chats.open(1)
        say("answer", window.page.view.lanes[0].output.reply.answer_source.strip())
        """,
    )
    assert first.split("answer", 1)[1].strip() == again.split("answer", 1)[1].strip()


def test_closing_while_lanes_write_takes_less_than_three_seconds(tmp_path: Path) -> None:
    out = program.run(
        tmp_path,
        """
        import time
        await ready(window)
        for _ in range(3):
            window.page.acts.add()
        window.page.send("Write a Flappy Bird game in Python.")
        await until(lambda: all(lane.output.reply and lane.output.reply.reasoning.source
                                for lane in window.page.view.lanes))
        say("closing", time.time())
        """,
    )
    assert time.time() - float(out.split("closing", 1)[1]) < 3.5
    assert [reason for _, reason, _ in _replies(tmp_path)] == ["cancelled"] * 4


def test_killed_while_four_lanes_write_the_next_start_shows_cut_replies(tmp_path: Path) -> None:
    process = program.start(
        tmp_path,
        """
        import asyncio, time
        await ready(window)
        for _ in range(3):
            window.page.acts.add()
        window.page.view.columns.set_seed(1)
        window.page.send("Write a Flappy Bird game in Python.")
        await until(lambda: all(lane.output.reply and lane.output.reply.reasoning.source
                                for lane in window.page.view.lanes))
        while True:
            written = [lane.output.reply.reasoning.source + lane.output.reply.answer_source
                       for lane in window.page.view.lanes]
            say(time.time(), *map(len, written), flush=True)
            await asyncio.sleep(0.1)
        """,
    )
    time.sleep(1)
    assert process.stdout is not None
    lines = [process.stdout.readline().split() for _ in range(30)]
    process.send_signal(signal.SIGKILL)
    killed = time.time()
    process.communicate(timeout=10)
    # What was on the screen a second before the end, and a little more for the disk.
    before = [line for line in lines if float(line[0]) < killed - 1.5][-1]
    out = program.run(
        tmp_path,
        """
        window.chats.open(1)
        for lane in window.page.view.lanes:
            reply = lane.output.reply
            await until(lambda: not reply.busy)
            say(lane.label, lane.status.text, len(reply.reasoning.source + reply.answer_source))
        """,
    )
    shown = [line.split() for line in out.splitlines()]
    assert [line[:2] for line in shown] == [[name, "Interrupted"] for name in "ABCD"]
    for line, written in zip(shown, before[1:], strict=True):
        assert int(line[2]) >= int(written) > 0
    assert {detail for _, _, detail in _replies(tmp_path)} == {CUT_DETAIL}


def test_without_a_display_it_says_so_in_one_line(tmp_path: Path) -> None:
    environment = {"PATH": "", "HOME": str(tmp_path), "QWQDESK_HOME": str(tmp_path)}
    for more in ({}, {"DISPLAY": ":4242"}, {"WAYLAND_DISPLAY": "nowhere"}):
        done = subprocess.run(
            [sys.executable, "-m", "qwqdesk"],
            env={**environment, **more}, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
        assert "display" in done.stderr
        assert "qwqdesk ask" in done.stderr


def test_a_broken_engine_leaves_the_window_usable(tmp_path: Path) -> None:
    out = program.run(
        tmp_path,
        """
        import sys
        sys.modules["llama_cpp"] = None  # as if it were not installed
        await until(lambda: window.page.findChildren(object, "loadBand"))
        say(window.page.findChildren(object, "loadBand")[0].accessibleName())
        say("enabled", window.page.composer.isEnabled())
        """,
    )
    assert "engine" in out
    assert "enabled True" in out


def _replies(home: Path) -> list[tuple[str, str, str]]:
    database = sqlite3.connect(home / "history.sqlite3")
    try:
        return list(
            database.execute("SELECT text, finish_reason, finish_detail FROM replies ORDER BY id")
        )
    finally:
        database.close()


def test_a_second_window_says_that_it_is_one(tmp_path: Path) -> None:
    first = program.start(tmp_path, 'say("open")\nawait until(lambda: False, 80)')
    assert first.stdout is not None
    try:
        assert "open" in first.stdout.readline()
        said = program.run(
            tmp_path,
            """
            from PySide6.QtWidgets import QWidget
            bands = window.findChildren(QWidget, "troubleBand")
            say("said", [band.accessibleName() for band in bands])
            """,
        )
    finally:
        first.kill()
        first.communicate()
    assert "QwQ Desk is already open with these chats." in said
    assert "already open" not in program.run(tmp_path, 'say("alone")'), "a killed one is no window"


@pytest.mark.parametrize("own_object", [True, False])
def test_copied_text_outlives_the_window_without_a_crash(tmp_path: Path, own_object: bool) -> None:
    """The clipboard held a Python object, which Qt freed after Python had ended."""
    copying = (
        """
        from PySide6.QtCore import QMimeData
        data = QMimeData()
        data.setText("mine")
        QGuiApplication.clipboard().setMimeData(data)
        """
        if own_object
        else """
        from PySide6.QtWidgets import QTextEdit
        window.page.send("What is 27 + 45?")
        await until(lambda: window.page.runs.view is not None)
        await until(lambda: window.page.runs.view is None)
        for text in window.page.view.lanes[0].output.findChildren(QTextEdit):
            if text.isVisible() and text.toPlainText():
                text.selectAll()
                text.copy()
        """
    )
    out = program.run(
        tmp_path,
        "\nfrom PySide6.QtGui import QGuiApplication\n"
        "await ready(window)\n"
        + textwrap.dedent(copying)
        + '\nsay("copied", bool(QGuiApplication.clipboard().text()))\n',
    )
    assert "copied True" in out


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN])
def test_ctrl_c_closes_the_window_unless_it_was_started_in_the_background(
    tmp_path: Path, handler: signal.Handlers
) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QWQDESK_HOME": str(tmp_path)}
    with sigint(handler):
        process = subprocess.Popen(
            [sys.executable, "-m", "qwqdesk"], env=environment, stderr=subprocess.PIPE, text=True
        )
    log = tmp_path / "logs"
    end = time.monotonic() + 60
    while "the window is filled" not in "".join(f.read_text() for f in log.glob("*.log*")):
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    if handler == signal.SIG_IGN:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
