"""The one bridge between a worker thread and an asyncio loop.

The worker appends to a deque and wakes the loop once while nothing is pending; the consumer takes
everything since last time in one batch. A wake-up per item would be thirty times slower.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Stream(Generic[T]):
    """Items from one worker to one consumer, in order, with an end that may carry an error.

    The worker calls `put`, then `close` exactly once; the consumer iterates over batches with
    `async for`, or over `wait_batch` where there is no loop. `cancel` only asks: the worker looks
    at `cancelled` and closes the stream itself.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._closed = False
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._wake_pending = False

    def put(self, item: T) -> None:
        """Append an item (any thread)."""
        with self._lock:
            self._items.append(item)
            self._notify()

    def close(self, error: BaseException | None = None) -> None:
        """End the stream; `error` is raised at the consumer after the last item."""
        with self._lock:
            self._closed = True
            self._error = error
            self._notify()

    def cancel(self) -> None:
        """Ask the worker to stop; items already produced still arrive."""
        self.cancelled.set()

    def _notify(self) -> None:
        self._ready.set()
        if self._loop is None or self._wake_pending:
            return
        self._wake_pending = True
        try:
            self._loop.call_soon_threadsafe(self._on_wake)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self.cancelled.set()

    def _on_wake(self) -> None:
        assert self._wake is not None
        with self._lock:
            self._wake_pending = False
        self._wake.set()

    def _take(self) -> tuple[list[T], bool]:
        with self._lock:
            batch = list(self._items)
            self._items.clear()
            self._ready.clear()
            if self._closed:
                self._ready.set()
            return batch, self._closed

    def wait_batch(self, timeout: float | None = None) -> list[T] | None:
        """Block until there are items; None at the end. Raises the worker's error at the end.

        An empty list means that `timeout` seconds passed.
        """
        self._ready.wait(timeout)
        batch, closed = self._take()
        if batch or not closed:
            return batch
        if self._error is not None:
            raise self._error
        return None

    async def __aiter__(self) -> AsyncIterator[list[T]]:
        """Yield batches; leaving the loop early cancels the worker."""
        wake = asyncio.Event()
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._wake = wake
            if self._items or self._closed:
                wake.set()
        ended = False
        try:
            while True:
                await wake.wait()
                wake.clear()
                batch, closed = self._take()
                if batch:
                    yield batch
                if closed and not self._items:
                    ended = True
                    break
        finally:
            with self._lock:
                self._loop = None
            if not ended:
                self.cancel()
        if self._error is not None:
            raise self._error


async def first(stream: Stream[T]) -> T:
    """The only item of a stream; raises the worker's error."""
    items: list[T] = []
    async for batch in stream:
        items.extend(batch)
    return items[0]
