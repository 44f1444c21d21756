"""How soon a repository with 400 quantizations is on the screen, and whether the window hangs.

    .venv/bin/python tests/bench/repository_400.py

Prints the time from the hub's answer to the shown table, the time until every row's fit is known,
the time of a change of the context, and the longest gap of the UI thread meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"
sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtWidgets import QApplication

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_files import Repository
from qwqdesk.models.quants import FILE_TYPES
from qwqdesk.ui.models.find_field import RepoField
from qwqdesk.ui.models.find_head import SmallPicker
from qwqdesk.ui.models.find_table import QuantizationTable
from qwqdesk.ui.models.find_table_model import FIT
from qwqdesk.ui.theme import Theme
from tests.fake_engine import FakeEngine, _answer
from tests.hub.demo_hub import DemoHub
from tests.ui.fakes import Driver, opened

import qasync  # isort: skip - after PySide6, which it looks for

REPO = "many/QwQ-GGUF"
COUNT = 400


class Beat:
    """Measures the longest time in which the event loop did nothing else.

    On a busy machine the thread also waits for a processor: `worked` is what it did itself.
    """

    def __init__(self) -> None:
        self.longest = self.worked = 0.0
        self._task = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self) -> None:
        last, worked = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.002)
            now, work = time.perf_counter(), time.thread_time()
            self.longest = max(self.longest, now - last - 0.002)
            self.worked = max(self.worked, work - worked)
            last, worked = now, work

    def end(self) -> str:
        """The longest gap, and the longest work between two beats."""
        self._task.cancel()
        return f"{1000 * self.longest:.0f} ms, own work {1000 * self.worked:.0f} ms"


def fill(hub: DemoHub) -> None:
    """400 files of one model, in all types, under several names."""
    names = [name for name in FILE_TYPES.values() if name != "F32"]
    for number in range(COUNT):
        label = names[number % len(names)]
        path = f"v{number // len(names)}/QwQ-{label}.gguf"
        hub.put_sparse(REPO, path, hub.qwq_head, 11 + number / 10)


@contextmanager
def answers() -> Iterator[list[float]]:
    """When the hub's listings were there."""
    times: list[float] = []
    listing = Hub.repository

    def noting(self: Hub, *args: Any, **options: Any) -> Repository:  # noqa: ANN401
        found = listing(self, *args, **options)
        times.append(time.perf_counter())
        return found

    Hub.repository = noting  # type: ignore[method-assign]
    try:
        yield times
    finally:
        Hub.repository = listing  # type: ignore[method-assign]


async def measure() -> None:
    """Open the window, then the repository twice."""
    hub = DemoHub()
    fill(hub)
    gpu = DeviceMemory("GPU0", "a GPU", "gpu", int(23.4e9), int(24e9))
    FakeEngine.devices = lambda self: _answer([(gpu,)])  # type: ignore[method-assign]
    os.environ["HF_ENDPOINT"] = hub.endpoint
    with hub, answers() as answered, tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as d:
            d.frame.resize(1440, 900)
            d.window.show_page("models")
            await d.shown("repoSearch")
            await asyncio.sleep(1)
            for turn in ("first", "again"):
                answered.clear()
                print(f"{turn}: {await one_turn(d, answered)}")


async def one_turn(d: Driver, answered: list[float]) -> str:
    """Open the repository, wait for the fit, change the context."""
    field, beat = d.find("repoSearch"), Beat()
    assert isinstance(field, RepoField)
    field.setText("")
    field.setText(REPO)
    table = await d.shown("quantizationTable")
    assert isinstance(table, QuantizationTable)
    rows = table.rows
    await d.until(lambda: rows.rowCount() == COUNT and answered)
    await asyncio.sleep(0.001)  # painted meanwhile
    shown = time.perf_counter() - answered[0]
    await d.until(lambda: str(rows.index(0, FIT).data()) not in ("Computing", ""), 30)
    fitted = time.perf_counter() - answered[0]
    before = rows.index(COUNT - 300, FIT).data()
    context = d.find("fitContext")
    assert isinstance(context, SmallPicker)
    begun = time.perf_counter()
    context.chosen.emit(0)
    await d.until(lambda: rows.index(COUNT - 300, FIT).data() != before, 10)
    other = time.perf_counter() - begun
    longest = beat.end()
    context.chosen.emit(3)
    await asyncio.sleep(0.5)
    return (
        f"shown {1000 * shown:.0f} ms after the answer, fit after {1000 * fitted:.0f} ms, "
        f"other context {1000 * other:.0f} ms, longest gap {longest}"
    )


def main() -> None:
    app = QApplication([])
    Theme(app, "light")
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        runner.run(measure())


if __name__ == "__main__":
    main()
