"""Measures whether comparing stays smooth: two replies of 20,000 tokens in a real window.

A conversation with two long replies is opened offscreen; then the divergence is marked, the word
diff is switched on and off, and one lane is scrolled with the other following. A beat of 5 ms on
the same event loop finds the longest gap. Prints one JSON document, milliseconds throughout:

    QT_QPA_PLATFORM=offscreen uv run python -m tests.bench.compare_20k
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

import qasync  # isort: skip - after PySide6, which it looks for

from qwqdesk.analysis.diff import word_diff
from qwqdesk.analysis.divergence import diverge
from qwqdesk.conversation import Timing, Usage
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.reasoning import Span
from qwqdesk.store.history import History
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.theme import Theme
from tests.bench.ui_streaming import reply_tokens
from tests.ui.fakes import Driver, opened

TOKENS, BEAT_MS, GAP_LIMIT = 20_000, 5, 50


class Beat(QObject):
    """The longest time between two beats of the event loop, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(BEAT_MS)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, (now - self._last) * 1000)
        self._last = now

    def restart(self) -> None:
        """Forget what was."""
        self.longest, self._last = 0.0, time.perf_counter()


def other_tokens(spans: Sequence[Span], seed: int, same: int) -> list[Span]:
    """A second reply: the same at first, then with stretches of its own and stretches in common."""
    chance = random.Random(seed)
    own = reply_tokens(seed, len(spans))
    result = list(spans[:same])
    at = same
    while at < len(spans):
        length = chance.randint(5, 120)
        part = spans[at : at + length]
        if chance.random() < 0.4 and part[0].kind == own[at].kind:
            part = [span for span in own[at : at + length] if span.kind == part[0].kind]
        result += part
        at += length
    return sorted(result, key=lambda span: span.kind == "answer")


def save_reply(
    history: History, message: int, label: str, spans: Sequence[Span], ids: dict[str, int]
) -> None:
    """Store a reply as a run would have left it."""
    thoughts = [span.text for span in spans if span.kind == "reasoning"]
    answers = [span.text for span in spans if span.kind == "answer"]
    pieces = ["<think>", *thoughts, "</think>", *answers]
    ends, at = [], 0
    for piece in pieces:
        at += len(piece)
        ends.append(at)
    sampling = LaneSetup(label).resolved().chain.to_json()
    reply = history.add_reply(message, label, sampling=sampling)
    history.finish_reply(
        reply,
        text="".join(pieces),
        reasoning="".join(thoughts),
        answer="".join(answers),
        tokens=[ids.setdefault(piece, len(ids)) for piece in pieces],
        ends=ends,
        finish_reason="stop",
        usage=Usage(40, len(thoughts) + 2, len(answers)),
        timing=Timing(first_token_s=0.4, decode_s=400.0, tokens_per_second=50.0),
    )


def save_conversation(history: History, tokens: int, lanes: int = 2) -> int:
    """A conversation with long replies; the first lane's labels are A, B, ..."""
    labels = "ABCD"[:lanes]
    setups = [LaneSetup(label).to_json() for label in labels]
    conversation = history.create_conversation(lanes=setups)
    message = history.add_user_message(conversation, None, "Write as much as you can.")
    first, ids = reply_tokens(1, tokens), dict[str, int]()
    for number, label in enumerate(labels):
        spans = first if not number else other_tokens(first, number + 1, 200 * number)
        save_reply(history, message, label, spans, ids)
    return conversation


async def measure(d: Driver, beat: Beat, tokens: int, lanes: int) -> dict[str, Any]:
    """Everything, once."""
    d.frame.resize(1440, 900)
    conversation = save_conversation(d.history, tokens, lanes)
    page = d.window.page
    view = page.views.make()
    beat.restart()
    started = time.perf_counter()
    view.show_conversation(d.history.load(conversation))
    page.views.show_view(view)
    await d.until(lambda: not any(_busy(lane.output.reply) for lane in view.lanes), 120)
    drawn = _since(started)
    result: dict[str, Any] = {"open": {"ms": drawn, "gap_ms": beat.longest}}
    marked = await _timed(d, beat, lambda: None, lambda: view.differences.marked)
    result["mark"] = marked
    result["words"] = await _timed(
        d, beat, view.differences.toggle_diff, lambda: view.differences.words.tinted
    )
    result["words_off"] = await _timed(
        d, beat, view.differences.toggle_diff, lambda: view.differences.words.plain
    )
    result["scroll"] = await scroll(view, beat)
    result["pure"] = pure(view)
    return result


def _busy(reply: object) -> bool:
    return bool(getattr(reply, "busy", False))


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


async def _timed(
    d: Driver, beat: Beat, act: Callable[[], object], true: Callable[[], object]
) -> dict[str, float]:
    """How long until something is so, and the longest gap meanwhile and shortly after."""
    beat.restart()
    started = time.perf_counter()
    act()
    await d.until(true, 60)
    passed = _since(started)
    await asyncio.sleep(0.2)
    return {"ms": passed, "gap_ms": beat.longest}


async def scroll(view: ConversationView, beat: Beat) -> dict[str, float]:
    """One lane is scrolled from the top to the end; the other follows."""
    view.differences.link.on = True
    bar = view.lanes[0].output.transcript.verticalScrollBar()
    bar.setValue(0)
    await asyncio.sleep(0.2)
    beat.restart()
    slowest, steps = 0.0, 60
    for step in range(steps + 1):
        started = time.perf_counter()
        bar.setValue(bar.maximum() * step // steps)
        slowest = max(slowest, _since(started))
        await asyncio.sleep(0.01)
    other = view.lanes[1].output.transcript.verticalScrollBar()
    return {
        "step_ms": slowest,
        "gap_ms": beat.longest,
        "left_px": float(other.maximum() - other.value()),
    }


def pure(view: ConversationView) -> dict[str, float]:
    """The analysis alone, without a window."""
    first, other = view.comparison.replies()[:2]
    started = time.perf_counter()
    diverge(first.written, other.written)
    divergence = _since(started)
    started = time.perf_counter()
    word_diff(first.text, other.text)
    return {"divergence_ms": divergence, "word_diff_ms": _since(started)}


async def main(tokens: int, lanes: int) -> int:
    """Run, print, and say whether a gap was too long."""
    beat = Beat()
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as d:
            result = await measure(d, beat, tokens, lanes)
    json.dump(result, sys.stdout, indent=2)
    print()
    gaps = [result[name]["gap_ms"] for name in ("mark", "words", "words_off")]
    return int(max(gaps) > GAP_LIMIT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--lanes", type=int, default=2, choices=(2, 3, 4))
    arguments = parser.parse_args()
    app = QApplication([])
    Theme(app, "light")
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        sys.exit(runner.run(main(arguments.tokens, arguments.lanes)))
