"""Standard streams that are closed, full or of another encoding."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qwqdesk.cli import commands
from qwqdesk.cli.output import print_json, to_stderr, write_out
from qwqdesk.cli.progress import Progress
from tests.native.cli.conftest import Cli


class Full(io.StringIO):
    """A stream on a full disk."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("words", [("recipes", "list"), ("recipes", "list", "--json"), ("--help",)])
def test_a_full_disk_is_one_line_and_no_traceback(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", Full())
    monkeypatch.setattr("qwqdesk.cli.commands.discard_output", lambda: None)
    assert commands.run(words) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: Standard output cannot be written: No space left on device.")
    assert err.count("\n") == 1


def test_a_full_disk_while_a_lane_streams(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", Full())
    monkeypatch.setattr("qwqdesk.cli.commands.discard_output", lambda: None)
    words = ("ask", model, "-p", "hi", "--raw", "-c", "256", "-n", "3", "-t", "1")
    assert commands.run(words) == 1
    assert "No space left" in capsys.readouterr().err


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_stream_loses_only_its_text(
    stream: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"sys.{stream}", None)
    words = ("ask", model, "-p", "hi", "--raw", "-c", "256", "-n", "3", "-t", "1")
    assert commands.run(words) == 0
    assert commands.run([*words, "--json"]) == 0


def test_a_prompt_from_a_closed_standard_input(
    cli: Cli, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    result = cli("ask", model, "-f", "-", "--json")
    assert result.status == 1
    assert "Standard input" in result.error["what"]


def test_json_loses_nothing_on_a_terminal_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(data, "ascii"))
    print_json({"text": "한 \ud800"})
    text = data.getvalue().decode("ascii")
    assert json.loads(text)["text"].startswith("한 ")


def test_ctrl_c_while_modules_are_imported() -> None:
    code = (
        "import sys; sys.modules['qwqdesk.cli.commands'] = None\n"
        "import builtins; own = builtins.__import__\n"
        "def stop(name, *rest):\n"
        "    if name == 'qwqdesk.cli.commands': raise KeyboardInterrupt\n"
        "    return own(name, *rest)\n"
        "builtins.__import__ = stop\n"
        "sys.argv = ['qwqdesk', 'ask', '--json']\n"
        "from qwqdesk.__main__ import main; sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
        cwd=Path.cwd(),
    )
    assert done.returncode == 130
    assert json.loads(done.stdout)["error"]["code"] == "interrupted"
    assert "Traceback" not in done.stderr


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("write", [to_stderr, lambda text: write_out(text + "\n")])
def test_what_is_written_takes_the_place_of_the_progress_line(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("sys.stdout", screen)
    progress = Progress()
    progress.show("Preparing the GPU", now=True)
    write("note: seed 7")
    write("done")
    progress.clear()
    clear = "\r\x1b[2K"
    assert screen.getvalue() == f"{clear}Preparing the GPU{clear}note: seed 7\ndone\n"
