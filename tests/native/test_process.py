"""The program as a process: exit statuses, Ctrl-C, a reader that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.processes import sigint

PATIENCE_S = 60


def start(*words: str, handler: signal.Handlers = signal.SIG_DFL) -> subprocess.Popen[str]:
    with sigint(handler):
        return subprocess.Popen(
            [sys.executable, "-m", "qwqdesk", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"},
        )


def endless(model: str) -> tuple[str, ...]:
    """A command that writes for a minute or so."""
    quick = ("-c", "8192", "-t", "1", "--ignore-eos", "--loop-guard", "off")
    return ("ask", model, "-p", "hi", "--raw", *quick)


def test_ctrl_c_stops_at_once_and_prints_what_there_is(models: dict[str, Path]) -> None:
    with start(*endless(str(models["F16"]))) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = process.communicate(timeout=PATIENCE_S)
        assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert first
    assert "cancelled" in err
    assert "Traceback" not in err


def test_a_job_in_the_background_of_a_script_is_not_stopped_by_ctrl_c(
    models: dict[str, Path],
) -> None:
    """It was started with SIGINT ignored."""
    words = ("ask", str(models["F16"]), "-p", "hi", "--raw", "-n", "200", "-t", "1")
    quick = (*words, "--ignore-eos", "--loop-guard", "off", "--json")
    with start(*quick, handler=signal.SIG_IGN) as process:
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert json.loads(out)["lanes"][0]["finish_reason"] == "length"


def test_ctrl_c_with_json_still_prints_the_document(models: dict[str, Path]) -> None:
    words = endless(str(models["F16"]))
    with start(*words, "--json", "--save") as process:
        database = Path(os.environ["QWQDESK_HOME"]) / "history.sqlite3"
        end = time.monotonic() + PATIENCE_S
        while not database.exists() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    data = json.loads(out)
    assert "Traceback" not in err
    if "lanes" in data:
        assert data["lanes"][0]["finish_reason"] == "cancelled"
    else:  # so slow a machine that nothing ran yet
        assert data["error"]["code"] == "interrupted"


def test_a_reader_that_goes_away_ends_the_program_quietly(models: dict[str, Path]) -> None:
    with start(*endless(str(models["F16"]))) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(PATIENCE_S) in (0, 1, 141)
    assert "Traceback" not in err
    assert "BrokenPipeError" not in err


def test_usage_errors_exit_with_2() -> None:
    with start("ask", "--no-such-flag", "--json") as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert list(json.loads(out)) == ["error"]
    assert err.count("error: ") == 1
