"""The real program and the loopback hub: killed, closed, stopped and cut off in mid-download."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import program
from tests.hub.hub_fixture import REPO, noise
from tests.hub.loopback_hub import LoopbackHub

SIZE = 6_000_000
_ADD = f"""
import asyncio
window.show_page("models")
downloads = window.desk.downloads
found = await asyncio.to_thread(downloads.hub.listing, "{REPO}")
for row in found.quantizations:
    downloads.add(found, row)
"""
_WATCH = """
from PySide6.QtWidgets import QTableView
window.show_page("models")
downloads = window.desk.downloads
await until(lambda: len(downloads.rows) == 1)
say("at start", downloads.rows[0].status.state, downloads.rows[0].status.done)
table = window.findChild(QTableView, "downloadsTable")
await until(lambda: table.model().rowCount() == 1)
await until(lambda: downloads.rows and downloads.rows[0].status.state == "done")
await until(lambda: table.model().index(0, 2).data() == "In library")
say("finished")
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with one file that takes some seconds."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with LoopbackHub() as hub:
        hub.put(REPO, "T-Q4_K_M.gguf", noise(SIZE))
        hub.rate = 1.5e6
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def _part(home: Path) -> Path:
    return home / "models" / REPO / "T-Q4_K_M.gguf.part"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_after_an_end_by_force_the_window_goes_on_at_that_byte(
    hub: LoopbackHub, tmp_path: Path, how: signal.Signals
) -> None:
    process = program.start(tmp_path, f"{_ADD}\nawait asyncio.sleep(60)")
    _until(lambda: _part(tmp_path).exists() and _part(tmp_path).stat().st_size > 1_000_000)
    begun = time.monotonic()
    process.send_signal(how)
    process.communicate(timeout=20)
    assert time.monotonic() - begun < 3
    kept = _part(tmp_path).stat().st_size
    assert 0 < kept < SIZE
    asked = len(hub.log)
    hub.rate = 0
    out = program.run(tmp_path, _WATCH)
    assert "finished" in out
    assert (tmp_path / "models" / REPO / "T-Q4_K_M.gguf").read_bytes() == noise(SIZE)
    assert [each.range for each in hub.log[asked:] if each.origin == "cdn"] == [f"bytes={kept}-"]
    assert not list(tmp_path.rglob("*.part*"))


def test_a_suspended_program_goes_on(hub: LoopbackHub, tmp_path: Path) -> None:
    process = program.start(
        tmp_path,
        f"{_ADD}\nawait until(lambda: downloads.rows[0].status.state == 'done')\nsay('finished')",
    )
    _until(lambda: _part(tmp_path).exists() and _part(tmp_path).stat().st_size > 500_000)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(1.5)
    os.kill(process.pid, signal.SIGCONT)
    out, errors = process.communicate(timeout=60)
    assert "finished" in out, errors
    assert (tmp_path / "models" / REPO / "T-Q4_K_M.gguf").read_bytes() == noise(SIZE)


def test_a_cut_and_a_dead_file_server_end_by_themselves(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.fault("cut", after=1_000_000, how="rst")
    process = program.start(
        tmp_path,
        f"""{_ADD}
seen = set()
def finished():
    seen.add(downloads.rows[0].status.state)
    return downloads.rows[0].status.state == "done"
await until(finished)
say("seen", sorted(seen))
""",
    )
    _until(lambda: len(hub.asked("cdn")) >= 1)
    hub.cdn_up = False
    time.sleep(2)
    hub.cdn_up = True
    out, errors = process.communicate(timeout=60)
    assert "retrying" in out, errors
    assert (tmp_path / "models" / REPO / "T-Q4_K_M.gguf").read_bytes() == noise(SIZE)
