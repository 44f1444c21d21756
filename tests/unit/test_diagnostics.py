"""Diagnostics: nothing uncaught is lost, no secret leaves, and a native crash is remembered."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwqdesk.diagnostics import (
    LoadingMarker,
    install_hooks,
    report_text,
    scrub,
    start_log,
)

SECRET = "hf_abcdefghijklmnop"


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[BaseException, str]]]:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)  # pytest-qt has its own
    found: list[tuple[BaseException, str]] = []
    restore = install_hooks(lambda error, where: found.append((error, where)))
    yield found
    restore()


def test_an_exception_in_a_thread_is_reported(
    reports: list[tuple[BaseException, str]],
) -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail, name="engine")
    thread.start()
    thread.join()
    [(error, where)] = reports
    assert (str(error), where) == ("in a thread", "thread engine")


def test_an_exception_in_a_destructor_is_reported(
    reports: list[tuple[BaseException, str]],
) -> None:
    class Bad:
        def __del__(self) -> None:
            raise ValueError("too late")

    Bad()
    gc.collect()
    assert [str(error) for error, _ in reports] == ["too late"]


def test_the_main_hook_reports_and_lets_ctrl_c_through(
    reports: list[tuple[BaseException, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    error = ValueError("at the top")
    sys.excepthook(ValueError, error, None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [found for found, _ in reports] == [error]
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_a_report_that_fails_does_no_harm() -> None:
    def broken(_: BaseException, __: str) -> None:
        raise RuntimeError("no box")

    before = sys.excepthook
    restore = install_hooks(broken)
    sys.excepthook(ValueError, ValueError("x"), None)
    restore()
    assert sys.excepthook is before


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"with {SECRET}.", "with hf_***."),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("token=xyz, next", "token=***, next"),
        ("http://me:pw@proxy:80/", "http://***@proxy:80/"),
        ("4 tokens: fine", "4 tokens: fine"),
    ],
)
def test_secrets_are_taken_out(text: str, clean: str) -> None:
    assert scrub(text) == clean


def test_a_report_has_versions_and_traceback_but_no_secret() -> None:
    try:
        raise ValueError(f"bad {SECRET}")
    except ValueError as error:
        text = report_text(error, "main thread")
    assert "Python 3." in text
    assert "llama-cpp-python" in text
    assert "test_diagnostics.py" in text
    assert SECRET not in text


def test_the_log_is_scrubbed_and_a_read_only_place_is_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = start_log(tmp_path / "logs")
    logging.getLogger("qwqdesk.engine").info("loaded with %s", SECRET)
    stop()
    text = (tmp_path / "logs" / "qwqdesk.log").read_text()
    assert "qwqdesk.engine: loaded with hf_***" in text
    (tmp_path / "file").write_text("")
    stop = start_log(tmp_path / "file" / "logs")
    logging.getLogger("qwqdesk.engine").warning("nobody reads this")
    stop()
    assert "nobody" not in capsys.readouterr().err


def test_a_crash_while_loading_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "loading.json"
    code = (
        "import os, sys; from pathlib import Path; from qwqdesk.diagnostics import *; "
        "start_fault_log(Path(sys.argv[1]).parent); "
        "LoadingMarker(Path(sys.argv[1])).write('/models/big.gguf', {'n_ctx': 4096}); os.abort()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode != 0
    crash = LoadingMarker(path).previous_crash()
    assert crash is not None
    assert (crash.model, crash.settings) == ("/models/big.gguf", {"n_ctx": 4096})
    assert LoadingMarker(path).previous_crash() is None
    assert "Abort" in (path.parent / "crash.txt").read_text()


def test_a_load_that_ended_or_still_runs_is_no_crash(tmp_path: Path) -> None:
    marker = LoadingMarker(tmp_path / "loading.json")
    assert marker.previous_crash() is None
    marker.write("m", {})
    assert marker.previous_crash() is None
    assert marker.path.exists()
    marker.clear()
    assert not marker.path.exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model": 3, "pid": "x"}', "\x00"])
def test_a_spoilt_marker_is_removed(tmp_path: Path, content: str) -> None:
    marker = LoadingMarker(tmp_path / "loading.json")
    marker.path.write_text(content)
    assert marker.previous_crash() is None
    assert not marker.path.exists()


def test_a_reused_process_number_counts_as_dead(tmp_path: Path) -> None:
    marker = LoadingMarker(tmp_path / "loading.json")
    marker.write("m", {})
    note = json.loads(marker.path.read_text())
    note["pid_started"] -= 1000
    marker.path.write_text(json.dumps(note))
    assert marker.previous_crash() is not None
