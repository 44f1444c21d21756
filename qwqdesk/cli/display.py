"""What a person sees while lanes run: progress on standard error, text on standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

from qwqdesk.analysis.loops import loop_words
from qwqdesk.cli.output import is_terminal, printable, to_stderr, write_out
from qwqdesk.cli.progress import Progress
from qwqdesk.engine.events import (
    Event,
    LaneFinished,
    LoadProgress,
    LoopFound,
    Output,
    PrefillProgress,
    Span,
)
from qwqdesk.processor_words import PREPARING_GPU, load_words
from qwqdesk.reasoning import add_spans

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


class Display(Protocol):
    """Takes a run's events."""

    def lanes(self, labels: Sequence[str]) -> None: ...
    def event(self, event: Event) -> None: ...
    def end(self) -> None: ...


class Silent:
    """For `--json`: only progress."""

    def __init__(self) -> None:
        self._progress = Progress()
        self._count = 0

    def lanes(self, labels: Sequence[str]) -> None:
        """Nothing is written for lanes."""

    def event(self, event: Event) -> None:
        """Progress of loading, reading and writing."""
        if isinstance(event, Output):
            self._count += len(event.tokens)
            self._progress.show(f"{self._count} tokens")
        elif (text := progress_text(event)) is not None:
            self._progress.show(text)

    def end(self) -> None:
        """Remove the progress line."""
        self._progress.clear()


class OneLane:
    """A single lane, streamed: reasoning dimmed on a terminal, plain text in a pipe."""

    def __init__(self) -> None:
        self._terminal = is_terminal(sys.stdout)
        self._progress = Progress()
        self._last = "\n"

    def lanes(self, labels: Sequence[str]) -> None:
        """One lane needs no heading."""

    def event(self, event: Event) -> None:
        """Write text as it comes, and a line of figures at the end."""
        if isinstance(event, Output):
            self._progress.clear()
            for span in event.spans:
                self._write(span)
        elif isinstance(event, LaneFinished):
            self._finish()
            to_stderr(summary(event))
        elif isinstance(event, LoopFound):
            self._finish()
            to_stderr(printable(loop_words(event.loop)))
        elif (text := progress_text(event)) is not None:
            self._progress.show(text)

    def end(self) -> None:
        """Leave the cursor on a line of its own."""
        self._progress.clear()
        self._finish()

    def _write(self, span: Span) -> None:
        if not span.text:
            return
        self._last = span.text[-1]
        if not self._terminal:
            write_out(span.text)
        elif span.kind == "answer":
            write_out(printable(span.text))
        else:
            write_out(_DIM + printable(span.text) + _PLAIN)

    def _finish(self) -> None:
        if self._last != "\n":
            write_out("\n")
            self._last = "\n"


class OneAfterAnother:
    """Several lanes without room for columns: each under its heading, in order."""

    def __init__(self) -> None:
        self._terminal = is_terminal(sys.stdout)
        self._progress = Progress()
        self._labels: list[str] = []
        self._texts: list[list[Span]] = []
        self._ends: dict[int, LaneFinished] = {}
        self._counts: list[int] = []
        self._base = 0
        self._printed = 0

    def lanes(self, labels: Sequence[str]) -> None:
        """Lanes of one more run; those of earlier runs have all ended."""
        self._base = len(self._labels)
        self._labels += labels
        self._texts += [[] for _ in labels]
        self._counts += [0] * len(labels)

    def event(self, event: Event) -> None:
        """Collect; print a lane when it and all before it have ended."""
        base = self._base
        if isinstance(event, Output):
            add_spans(self._texts[base + event.lane], event.spans)
            self._counts[base + event.lane] += len(event.tokens)
            counts = zip(self._labels, self._counts, strict=True)
            self._progress.show("  ".join(f"{label} {count}" for label, count in counts))
        elif isinstance(event, LaneFinished):
            self._ends[base + event.lane] = event
            self._print_finished()
        elif (text := progress_text(event)) is not None:
            self._progress.show(text)

    def end(self) -> None:
        """Print what is left, also of lanes that did not end."""
        self._progress.clear()
        for lane in range(self._printed, len(self._labels)):
            self._print(lane)
        self._printed = len(self._labels)

    def _print_finished(self) -> None:
        while self._printed in self._ends:
            self._progress.clear()
            self._print(self._printed)
            self._printed += 1

    def _print(self, lane: int) -> None:
        title = f"== {self._labels[lane]} "
        write_out(title + "=" * max(4, 72 - len(title)) + "\n")
        for span in self._texts[lane]:
            if not self._terminal:
                write_out(span.text)
            else:
                text = printable(span.text)
                write_out(text if span.kind == "answer" else _DIM + text + _PLAIN)
        end = self._ends.get(lane)
        write_out("\n" + (f"-- {summary(end)}\n" if end else "") + "\n")


def progress_text(event: Event) -> str | None:
    """Loading and reading, in words."""
    if isinstance(event, LoadProgress):
        return load_words(event)
    if isinstance(event, PrefillProgress):
        if event.prepares_gpu:
            return PREPARING_GPU
        return f"Reading the prompt: {event.done} of {event.total} tokens"
    return None


def summary(event: LaneFinished) -> str:
    """One line of figures."""
    usage, timing = event.usage, event.timing
    count = usage.reasoning_tokens + usage.answer_tokens
    reason = event.reason if event.detail is None else f"{event.reason} ({event.detail})"
    return (
        f"{count} tokens ({usage.reasoning_tokens} reasoning), "
        f"{timing.tokens_per_second:.1f} tokens/s, first token {timing.first_token_s:.2f} s, "
        f"prompt {usage.prompt_tokens} tokens, {reason}"
    )
