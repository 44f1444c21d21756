"""Measures the numbers of two lanes of 20,000 tokens in a real window without a screen.

Prints one JSON document: how long it takes until the whole table is there when it counts from
nothing (`table_ms`), and when it counts again (`update_ms`), with the
longest time that a beat of 5 ms came late meanwhile (`*_gap_ms`), best of `--runs` runs:

    uv run python tests/bench/numbers_20k.py
"""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyside6"

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[2]))

from qwqdesk.conversation import Timing, Usage
from qwqdesk.engine.events import LaneFinished, Output, Span
from qwqdesk.settings import Settings
from qwqdesk.ui.conversation.numbers_model import Counted, NumbersCount
from qwqdesk.ui.theme import Theme
from tests.ui.fakes import Driver, opened

import qasync  # isort: skip - after PySide6, which it looks for

TOKENS, BEAT_S = 20_000, 0.005
_TEXT = "the pipe bird must be drawn from top to ground so that a score can wait check"
_WORDS = _TEXT.split()
_CODE = "```python\n" + "".join(f"value_{n} = {n} * other_{n}\n" for n in range(160)) + "```\n"


def reply(seed: int) -> tuple[tuple[int, ...], str, str]:
    """Tokens, reasoning and answer: phrases that come back, as in real text."""
    chance = random.Random(seed)
    phrases = [[chance.randrange(3000) for _ in range(chance.randint(3, 12))] for _ in range(900)]
    tokens: list[int] = []
    while len(tokens) < TOKENS:
        tokens += [*chance.choice(phrases), chance.randrange(30_000)]
    words = " ".join(chance.choice(_WORDS) for _ in range(15_000))
    return tuple(tokens[:TOKENS]), words, f"Here it is.\n\n{_CODE}"


class Beat:
    """Wakes every 5 ms and remembers how late it was at worst."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def run(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(BEAT_S)
            self.worst = max(self.worst, time.perf_counter() - before - BEAT_S)


async def counted(count: NumbersCount) -> tuple[float, float]:
    """One count: milliseconds until the table is there, and the longest gap."""
    beat = Beat()
    beating = asyncio.get_running_loop().create_task(beat.run())
    await asyncio.sleep(0.05)
    beat.worst = 0.0
    done: asyncio.Future[Counted] = asyncio.get_running_loop().create_future()

    def take(found: Counted) -> None:
        if not done.done():
            done.set_result(found)

    count.counted.connect(take)
    start = time.perf_counter()
    count.count()
    found = await done
    passed = time.perf_counter() - start
    await asyncio.sleep(2 * BEAT_S)
    beating.cancel()
    assert len(found.rows) > 20
    return 1000 * passed, 1000 * beat.worst


async def written(d: Driver) -> None:
    """Two lanes with 20,000 tokens each, on the screen."""
    d.window.page.acts.add()
    run = await d.send("Write a long program.")
    for lane in (0, 1):
        tokens, thought, answer = reply(lane)
        half = TOKENS // 2
        sure = tuple(0.5 for _ in range(half))
        run.put(
            Output(lane, (Span("reasoning", thought),), tokens[:half], half, probabilities=sure)
        )
        run.put(Output(lane, (Span("answer", answer),), tokens[half:], half, probabilities=sure))
    timing = Timing(decode_s=900.0, tokens_per_second=20.0, reasoning_s=500.0)
    for lane in (0, 1):
        run.put(LaneFinished(lane, "stop", None, Usage(50, TOKENS // 2, TOKENS // 2), timing))
    run.close()
    await d.idle()
    await d.until(lambda: not any(r.busy for lane in d.window.page.view.lanes
                                  for r in lane.output.transcript.replies), 60)  # fmt: skip
    d.window.page.numbers.open()
    await asyncio.sleep(1.0)


async def measure(runs: int) -> dict[str, float]:
    """The best of several runs: other programs use this machine too."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(chat_template="chatml", reduce_motion=True)
        async with opened(Path(folder), settings) as d:
            await written(d)
            panel = d.window.page.numbers.panel
            results: dict[str, list[float]] = {}
            for _ in range(runs):
                count = NumbersCount(parent=d.window)
                count.counted.connect(panel.show_counted)
                whole = await _watching(count, d)
                again = await counted(count)
                for name, value in zip(
                    ("table_ms", "table_gap_ms", "update_ms", "update_gap_ms"),
                    (*whole, *again),
                    strict=True,
                ):
                    results.setdefault(name, []).append(value)
                count.deleteLater()
            return {name: round(min(values), 1) for name, values in results.items()}


async def _watching(count: NumbersCount, d: Driver) -> tuple[float, float]:
    count.watch(d.window.page.view.comparison, now=False)
    return await counted(count)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    app = QApplication([])
    Theme(app, "light")
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        result = runner.run(measure(runs))
    print(json.dumps({"tokens": TOKENS, "lanes": 2, "runs": runs, **result}, indent=1))


if __name__ == "__main__":
    main()
