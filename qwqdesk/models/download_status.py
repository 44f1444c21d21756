"""What is shown of a download while it runs: its state, bytes, speed, and time left.

A worker writes, any thread reads: `Meter` and `StatusBoard` hold plain values behind a lock.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from qwqdesk.models.file_words import size_words

State = Literal[
    "queued",
    "checking",
    "downloading",
    "stalled",
    "retrying",
    "waiting",
    "verifying",
    "done",
    "paused",
    "failed",
]
WINDOW = 5.0
FIRST_ESTIMATE = 3.0
STALLED_AFTER = 5.0
EVERY = 0.1


@dataclass(frozen=True)
class Status:
    """One moment of a download. `done` and `total` are bytes of all its files.

    `note` says in words why it waits or failed, `code` is the word for a failure, `retry_in` the
    seconds to the next try. `seconds_left` is None while nothing can be said. `quiet` are the
    seconds since the last byte came.
    """

    state: State
    done: int
    total: int
    bytes_per_second: float = 0.0
    seconds_left: float | None = None
    note: str = ""
    code: str = ""
    retry_in: float | None = None
    quiet: float = 0.0

    @property
    def words(self) -> str:
        """One line for a terminal or a row."""
        amount = f"{size_words(self.done)} of {size_words(self.total)}"
        if self.state in ("downloading", "stalled"):
            speed = "stalled" if self.state == "stalled" else f"{size_words(self._rate)}/s"
            left = f", {duration(self.seconds_left)} left" if self.seconds_left is not None else ""
            return f"{amount}, {speed}{left}"
        if self.retry_in is not None:
            return f"{amount}; {self.note} Trying again in {self.retry_in:.0f} s."
        return f"{amount}, {self.state}{': ' + self.note if self.note else ''}"

    @property
    def _rate(self) -> int:
        return int(self.bytes_per_second)


def duration(seconds: float) -> str:
    """A time in words, rounded as people read it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Meter:
    """Average speed over the last seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._points: deque[tuple[float, int]] = deque()
        self._begun: float | None = None

    def reset(self) -> None:
        """A pause or a break begins: what was before says nothing about what comes."""
        self._points.clear()
        self._begun = None

    def add(self, count: int) -> None:
        """`count` bytes have arrived now."""
        now = self._clock()
        self._begun = now if self._begun is None else self._begun
        if self._points and now - self._points[-1][0] < EVERY:
            self._points[-1] = (self._points[-1][0], self._points[-1][1] + count)
        else:
            self._points.append((now, count))
        while self._points and now - self._points[0][0] > WINDOW:
            self._points.popleft()

    def speed(self) -> float:
        """Bytes a second."""
        if not self._points:
            return 0.0
        span = max(self._clock() - self._points[0][0], 0.5)
        return sum(count for _, count in self._points) / span if span < 2 * WINDOW else 0.0

    def left(self, remaining: int) -> float | None:
        """Seconds to the end; None in the first seconds and when nothing arrives."""
        speed = self.speed()
        if self._begun is None or self._clock() - self._begun < FIRST_ESTIMATE or speed < 1:
            return None
        return remaining / speed


class StatusBoard:
    """The status of one download, written by its worker and read by anybody."""

    def __init__(self, total: int, listener: Callable[[Status], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._status = Status("queued", 0, total)
        self._done = 0
        self._meter = Meter()
        self._listener = listener or (lambda status: None)
        self._told = 0.0
        self._last_bytes = time.monotonic()
        self._retry_at = 0.0

    def now(self) -> Status:
        """The status at this moment (any thread)."""
        with self._lock:
            return self._current()

    def to(
        self, state: State, note: str = "", *, code: str = "", wait: float | None = None
    ) -> None:
        """Change the state; listeners are told at once. `wait` is the time to the next try."""
        with self._lock:
            if state != "downloading" or self._status.state != "downloading":
                self._meter.reset()
            self._last_bytes = time.monotonic()
            self._retry_at = time.monotonic() + (wait or 0.0)
            self._status = replace(self._status, state=state, note=note, code=code, retry_in=wait)
            self._told = time.monotonic()
            status = self._current()
        self._listener(status)

    def at(self, done: int, arrived: int = 0) -> None:
        """`done` bytes are there, `arrived` of them just came. Tells at most ten times a second."""
        now = time.monotonic()
        with self._lock:
            self._done = done
            if arrived:
                self._last_bytes = now
                self._meter.add(arrived)
            if now - self._told < EVERY:
                return
            self._told = now
            status = self._current()
        self._listener(status)

    def _current(self) -> Status:
        status = replace(self._status, done=self._done)
        now = time.monotonic()
        if status.retry_in is not None:
            return replace(status, retry_in=max(self._retry_at - now, 0.0))
        if status.state != "downloading":
            return status
        quiet = now - self._last_bytes
        stalled = quiet > STALLED_AFTER
        return replace(
            status,
            quiet=quiet,
            state="stalled" if stalled else "downloading",
            bytes_per_second=0.0 if stalled else self._meter.speed(),
            seconds_left=None if stalled else self._meter.left(status.total - status.done),
        )
