"""Measures whether the window stays smooth: four lanes write at 200 tokens per second each.

A scripted engine feeds four `LaneOutput`s with reasoning, text and code to 16,000 tokens a lane; a
beat of 10 ms on the same event loop is measured. On a machine that others use too, the processor
time between two beats says more than how late they come. Prints one JSON document:

    QT_QPA_PLATFORM=offscreen uv run python tests/bench/ui_streaming.py --speed 1

`--speed 4` feeds four times as fast, for a shorter run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from qwqdesk.conversation import SpanKind, Timing, Usage
from qwqdesk.reasoning import Span
from qwqdesk.ui.conversation.lane_output import LaneOutput
from qwqdesk.ui.theme import Theme

import qasync  # isort: skip - after PySide6, which it looks for

LANES, RATE, TOKENS, FEED_MS, BEAT_MS = 4, 200, 16_000, 16, 10
_TEXT = (
    "the pipe bird must be drawn from top down to ground so that a score can wait check again "
    "color window random light dark value of and is in one file when it starts"
)
_WORDS = _TEXT.split()


def reply_tokens(seed: int, tokens: int) -> list[Span]:
    """A reply of about this many tokens: half reasoning, then text, lists and code in turn."""
    chance = random.Random(seed)
    spans: list[Span] = []
    kind: SpanKind = "reasoning"
    while len(spans) < tokens:
        if kind == "reasoning" and len(spans) >= tokens // 2:
            kind = "answer"
        spans += [Span(kind, piece) for piece in _part(chance, kind)]
    return spans[:tokens]


def _part(chance: random.Random, kind: str) -> list[str]:
    sentence = [f"{chance.choice(_WORDS)} " for _ in range(chance.randint(8, 30))]
    if kind == "reasoning" or chance.random() < 0.4:
        return [*sentence, ".", "\n\n" if chance.random() < 0.3 else " "]
    if chance.random() < 0.5:
        return ["\n\n", "- ", "**", chance.choice(_WORDS), "**", ": ", *sentence, "\n"]
    code = ["\n\n", "```", "python", "\n"]
    for _ in range(chance.randint(10, 120)):
        code += ["    ", chance.choice(_WORDS), " = ", "f(", str(chance.randint(0, 99)), ")", "\n"]
    return [*code, "```", "\n\n"]


class Feeder(QObject):
    """Gives every lane the tokens that are due by now; `ended` when all are drawn."""

    ended = Signal()

    def __init__(self, lanes: list[LaneOutput], tokens: int, speed: float) -> None:
        super().__init__()
        self._lanes = lanes
        self._scripts = [reply_tokens(number, tokens) for number in range(len(lanes))]
        self._done, self._speed, self._tokens = 0, speed, tokens
        self.costs: list[tuple[int, float]] = []
        self._start = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._feed)
        self._timer.start(FEED_MS)

    @property
    def done(self) -> int:
        return self._done

    def _feed(self) -> None:
        passed = time.perf_counter() - self._start
        due = min(self._tokens, int(passed * RATE * self._speed))
        for lane, script in zip(self._lanes, self._scripts, strict=True):
            spans = _joined(script[self._done : due])
            if spans:
                thinking = sum(1 for span in script[self._done : due] if span.kind == "reasoning")
                lane.append(spans, due - self._done, thinking)
        self._done = due
        if due >= self._tokens:
            self._timer.stop()
            for lane in self._lanes:
                half = self._tokens // 2
                lane.finish("stop", None, Usage(100, half, half), Timing(tokens_per_second=200))
            QTimer.singleShot(300, self.ended.emit)


def _joined(spans: list[Span]) -> list[Span]:
    """Neighbours of one kind in one span, as the engine sends them."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].kind == span.kind:
            joined[-1] = Span(span.kind, joined[-1].text + span.text)
        else:
            joined.append(span)
    return joined


class Beat(QObject):
    """A 10 ms timer; `late` is how much later than due each beat came, in milliseconds."""

    def __init__(self, feeder: Feeder) -> None:
        super().__init__()
        self._feeder = feeder
        self._last = time.perf_counter()
        self._cpu = time.process_time()
        self.late: list[float] = []
        self.busy: list[float] = []
        self._cpu_last = self._cpu
        self.cpu_at: list[tuple[int, float]] = []
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self._tick)
        timer.start(BEAT_MS)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now
        cpu = time.process_time()
        self.busy.append((cpu - self._cpu_last) * 1000)
        self._cpu_last = cpu
        self.cpu_at.append((self._feeder.done, time.process_time() - self._cpu))


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _percentiles(values: list[float]) -> dict[str, float]:
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(_percentile(values, share), 1) for name, share in shares.items()}


def _cost(samples: list[tuple[int, float]], first: int, last: int) -> float:
    """Processor seconds between two token counts."""
    inside = [cpu for tokens, cpu in samples if first <= tokens <= last]
    return inside[-1] - inside[0] if len(inside) > 1 else 0.0


async def _ended(feeder: Feeder) -> None:
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    feeder.ended.connect(lambda: ended.set_result(None))
    await ended


def measure(tokens: int, speed: float, width: int, height: int) -> dict[str, object]:
    """Run the script once; milliseconds and ratios."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    Theme(app, "light")
    window = QWidget()
    row = QHBoxLayout(window)
    row.setContentsMargins(0, 0, 0, 0)
    lanes = [LaneOutput() for _ in range(LANES)]
    for lane in lanes:
        row.addWidget(lane)
    window.resize(width, height)
    window.show()
    app.processEvents()
    for lane in lanes:
        lane.start(seed=1)
    feeder = Feeder(lanes, tokens, speed)
    beat = Beat(feeder)
    # The program's own loop: work beside the window needs it.
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        runner.run(_ended(feeder))
    half = tokens // 2
    first, last = _cost(beat.cpu_at, 0, 1000), _cost(beat.cpu_at, half - 1000, half)
    first_answer = _cost(beat.cpu_at, half, half + 1000)
    last_answer = _cost(beat.cpu_at, tokens - 1000, tokens)
    result: dict[str, object] = {
        "lanes": LANES,
        "tokens_per_lane": tokens,
        "tokens_per_second": RATE * speed,
        "beat_late_ms": _percentiles(beat.late),
        "cpu_ms_between_beats": _percentiles(beat.busy),
        "cpu_share": round(beat.cpu_at[-1][1] / (tokens / RATE / speed), 2),
        "cpu_s_first_1000": {"reasoning": round(first, 2), "answer": round(first_answer, 2)},
        "cpu_s_last_1000": {"reasoning": round(last, 2), "answer": round(last_answer, 2)},
        "last_over_first": round(
            max(last / first if first else 0, last_answer / first_answer if first_answer else 0), 2
        ),
    }
    window.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--size", default="1920x1080")
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    print(json.dumps(measure(args.tokens, args.speed, width, height), indent=1))


if __name__ == "__main__":
    main()
