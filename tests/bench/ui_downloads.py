"""Measures whether the window stays smooth while two files download at 100 MB/s each.

The real window with the real downloads panel, a server process on loopback, and a beat of 10 ms on
the event loop. Prints one JSON document: how late the beats came, the processor time of the main
thread, how long pausing took to stop the transfer, and how much memory grew.

    QT_QPA_PLATFORM=offscreen python -m tests.bench.ui_downloads [--seconds 10] [--rate 100e6]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"

import psutil
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from qwqdesk.paths import DataDirs
from qwqdesk.ui.program import Program
from tests.bench.download_speed import REPO, served

import qasync  # isort: skip - after PySide6, which it looks for

BEAT_MS = 10


class Beat(QObject):
    """`late` is how much later than due each beat came, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._last = time.perf_counter()
        self._timer.start(BEAT_MS)

    def stop(self) -> dict[str, float]:
        """Percentiles in ms."""
        self._timer.stop()
        ordered = sorted(self.late)
        shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
        last = len(ordered) - 1
        return {name: round(ordered[min(last, int(s * last))], 1) for name, s in shares.items()}

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now


async def _until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.002)


async def measure(program: Program, seconds: float) -> dict[str, object]:
    """Download two files for a while, pause, go on, pause again."""
    shell = program.workspace
    downloads = shell.desk.downloads
    shell.show_page("models")
    await asyncio.sleep(2.0)
    idle = Beat()
    idle.start()
    await asyncio.sleep(2.0)
    found = await asyncio.to_thread(downloads.hub.listing, REPO)
    process = psutil.Process()
    before = process.memory_info().rss
    ids = [downloads.add(found, row) for row in found.quantizations]
    await _until(lambda: all(row.status.state == "downloading" for row in downloads.rows))
    idle_figures = idle.stop()
    beat, most = Beat(), before
    beat.start()
    begun, cpu = time.monotonic(), time.thread_time()
    done = sum(row.status.done for row in downloads.rows)
    while time.monotonic() - begun < seconds:
        await asyncio.sleep(0.1)
        most = max(most, process.memory_info().rss)
    spent = time.monotonic() - begun
    figures = beat.stop()
    speed = (sum(row.status.done for row in downloads.rows) - done) / spent
    cpu_share = (time.thread_time() - cpu) / spent
    pauses = []
    for _ in range(3):
        for item in ids:
            at = time.monotonic()
            downloads.queue.pause(item)
            await _until(partial(_has_ended, downloads.queue, item))
            pauses.append(round((time.monotonic() - at) * 1000, 1))
            downloads.queue.resume(item)
        await asyncio.sleep(0.5)
    return {
        "MB_per_second_together": round(speed / 1e6),
        "beat_late_ms": figures,
        "beat_late_ms_idle": idle_figures,
        "main_thread_cpu_share": round(cpu_share, 3),
        "pause_to_thread_end_ms": {"median": statistics.median(pauses), "max": max(pauses)},
        "memory_growth_mb": round((most - before) / 1e6, 1),
    }


def _has_ended(queue: object, item: str) -> bool:
    """Whether a paused download's thread has left its file."""
    items = queue._items  # type: ignore[attr-defined]
    return all(each.thread is None for each in items if each.id == item)


async def _run(app: QApplication, home: Path, seconds: float) -> dict[str, object]:
    async with AsyncExitStack() as stack:
        program = Program(app, DataDirs.find(home, {}))
        await program.open(stack, asyncio.Event())
        program.window.resize(1440, 900)
        return await measure(program, seconds)


def main() -> None:
    """See the module's words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=100e6)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        mib = int(args.rate * (args.seconds + 6) / (1 << 20))
        with served(folder, mib, args.rate) as endpoint:
            os.environ["HF_ENDPOINT"] = endpoint
            with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
                print(json.dumps(runner.run(_run(app, folder / "home", args.seconds)), indent=1))


if __name__ == "__main__":
    main()
