"""Tasks that belong to a widget: kept alive, cancelled with it, their errors reported.

A widget that is deleted while its coroutine waits would leave the coroutine with a dead object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QObject

Report = Callable[[BaseException], object]


class Tasks(QObject):
    """The running tasks of one owner; they end when it is destroyed, or at `cancel`."""

    def __init__(self, owner: QObject, report: Report) -> None:
        """`report` gets each exception that a task did not handle."""
        super().__init__(owner)
        self._report = report
        self._running: set[asyncio.Task[Any]] = set()
        running = self._running
        owner.destroyed.connect(lambda: _cancel_all(running))

    def start(self, work: Coroutine[Any, Any, object], name: str = "") -> asyncio.Task[Any]:
        """Run a coroutine on the event loop; the task is kept until it is done."""
        task = asyncio.get_running_loop().create_task(work, name=name or None)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    @property
    def busy(self) -> bool:
        """Whether a task is still running."""
        return bool(self._running)

    def cancel(self) -> None:
        """Ask all tasks to stop."""
        _cancel_all(self._running)

    async def closed(self) -> None:
        """Cancel all tasks and wait until they have stopped."""
        self.cancel()
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._report(error)


def _cancel_all(tasks: set[asyncio.Task[Any]]) -> None:
    for task in list(tasks):
        if not task.get_loop().is_closed():
            task.cancel()
