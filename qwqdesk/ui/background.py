"""Work that would hold the window up, one piece after another on a thread.

One at a time, because Python's threads share one interpreter: many at once would make the window
wait for each of them. Text blocks and tables use it, which know neither a page nor its tasks.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QCoreApplication, QObject, Qt

T = TypeVar("T")
_SWITCH_S = 0.0005  # the window waits so long for the interpreter, each time it needs it
_OBJECT_NAME = "qwqdeskBackground"


@dataclass(frozen=True)
class _Job:
    owner: QObject
    work: Callable[[], Any]
    done: Callable[[Any], object]
    failed: Callable[[Exception], object]


class Background(QObject):
    """The queue of one application. Without a running event loop work is done at once."""

    def __init__(self, app: QCoreApplication) -> None:
        super().__init__(app)
        self.setObjectName(_OBJECT_NAME)
        self._jobs: deque[_Job] = deque()
        self._task: asyncio.Task[None] | None = None

    def start(
        self,
        owner: QObject,
        work: Callable[[], T],
        done: Callable[[T], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Do `work` on a thread, then call `done` with its result here, or `failed` with its
        exception.

        An owner has one piece of work that waits: the newest; of an older one it hears nothing
        more. Neither is called when the owner is gone by then. `failed` lets the owner leave its
        state of waiting; the exception is a bug all the same and goes to the event loop's handler.
        """
        job = _Job(owner, work, done, failed)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            _do_now(job)
            return
        waiting = [other for other in self._jobs if other.owner is not owner]
        self._jobs = deque([*waiting, job])
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._drain(), name="background")

    async def _drain(self) -> None:
        before = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            await self._work()
        finally:
            sys.setswitchinterval(before)

    async def _work(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            if not shiboken6.isValid(job.owner):
                continue
            try:
                result = await asyncio.to_thread(job.work)
            except Exception as error:
                _report(error)
                self._tell(job, job.failed, error)
            else:
                self._tell(job, job.done, result)

    def _tell(self, job: _Job, hear: Callable[[Any], object], what: object) -> None:
        """An owner that cannot take its result costs the work of no other owner."""
        if not shiboken6.isValid(job.owner):
            return
        try:
            hear(what)
        except Exception as error:
            _report(error)


def _report(error: Exception) -> None:
    context = {"message": "work beside the window failed", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)


def _do_now(job: _Job) -> None:
    try:
        result = job.work()
    except Exception as error:
        job.failed(error)
        raise
    job.done(result)


def background() -> Background:
    """The application's queue; it is made when it is needed first."""
    app = QCoreApplication.instance()
    if app is None:
        raise RuntimeError("There is no application.")
    found = app.findChild(Background, _OBJECT_NAME, Qt.FindChildOption.FindDirectChildrenOnly)
    return found if isinstance(found, Background) else Background(app)
