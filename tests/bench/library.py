"""How fast the library opens, and whether the window stays awake while it scans.

`uv run python tests/bench/library.py [--files 500] [--vocabulary 200]`: makes that many model files
(with so many merges each) in a temporary folder, opens the window on the library tab, and prints
JSON: milliseconds from the page's first line to the shown table, cold (no header was ever read, no
module imported), warm, and as usual (the scan at the program's start has ended); and the longest
gap between two beats of the window's event loop, while the page opens and while it scans.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"

from PySide6.QtCore import QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

import qasync  # isort: skip - after PySide6, which it looks for  # noqa: E402

from qwqdesk.models.library import Library, Places  # noqa: E402
from qwqdesk.models.library_facts import FactsMemory  # noqa: E402
from qwqdesk.settings import Settings  # noqa: E402
from qwqdesk.ui.models.library_view import LibraryView  # noqa: E402
from qwqdesk.ui.theme import Theme  # noqa: E402
from tests.ui.fakes import Driver, opened  # noqa: E402
from tests.unit.models.gguf_writer import small_model  # noqa: E402

BEAT_MS = 2


class Beat:
    """The longest time between two beats, in ms, since `reset`."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self.reset()
        self._timer.start()

    def reset(self) -> None:
        self.longest, self._last = 0.0, time.perf_counter()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, (now - self._last) * 1000)
        self._last = now

    def stop(self) -> None:
        self._timer.stop()


def make_files(models: Path, files: int, tokens: int) -> None:
    """Model files in repositories of ten."""
    model = small_model()
    model.strings("tokenizer.ggml.merges", [f"tok {number}" for number in range(tokens)])
    data = model.build()
    for number in range(files):
        folder = models / "owner" / f"Model-{number // 10}-GGUF"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"Model-{number}-Q4_K_M.gguf").write_bytes(data)


async def measure(folder: Path, *, started: bool) -> dict[str, float]:
    """Open the window and then the library; wait until all headers are known.

    `started`: the scan at the program's start has ended before the library is opened.
    """
    settings = Settings(chat_template="chatml", reduce_motion=True)
    async with opened(folder, settings) as driver:
        if started:  # as the program does at its start
            driver.window.loader.rescan()
            await driver.until(lambda: scanned(driver), seconds=300)
        beat = Beat()
        await asyncio.sleep(0.1)
        beat.reset()
        began = time.perf_counter()
        driver.window.show_page("models")
        driver.find("modelsPage").show_tab(1)  # type: ignore[attr-defined]
        made = (time.perf_counter() - began) * 1000
        await driver.until(lambda: driver.window.findChild(LibraryView) is not None)
        view = driver.window.findChild(LibraryView)
        assert view is not None
        await driver.until(lambda: len(view._rows.rows) > 2, seconds=60)
        driver.frame.grab()
        shown = (time.perf_counter() - began) * 1000
        opening_gap = beat.longest
        beat.reset()
        await driver.until(lambda: scanned(driver), seconds=300)
        everything = (time.perf_counter() - began) * 1000
        beat.stop()
        return {
            "page_ms": round(made),
            "shown_ms": round(shown),
            "all_headers_ms": round(everything),
            "opening_gap_ms": round(opening_gap),
            "scan_gap_ms": round(beat.longest),
        }


def scanned(driver: Driver) -> bool:
    task = driver.window.loader._scan_task
    return task is not None and task.done()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--vocabulary", type=int, default=200)
    options = parser.parse_args()
    app = QApplication([])
    Theme(app, "light")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HOME"] = str(folder / "home")
        os.environ["QWQDESK_HOME"] = str(folder)
        make_files(folder / "models", options.files, options.vocabulary)
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
            cold = runner.run(measure(folder, started=False))
            warm = runner.run(measure(folder, started=False))
            usual = runner.run(measure(folder, started=True))
        library = Library(
            Places(folder / "no", folder / "models"),
            FactsMemory(folder / "cache" / "headers.json"),
        )
        began = time.perf_counter()
        count = len(library.glance()[0])
        glance = (time.perf_counter() - began) * 1000
    figures = {
        "files": count,
        "cold": cold,
        "warm": warm,
        "usual": usual,
        "glance_ms": round(glance),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
