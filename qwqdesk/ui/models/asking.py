"""Questions to the hub from the window: each on a thread of its own, ended when nobody waits.

The threads are daemons: a connection that hangs in the system's own calls keeps no window open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.pipe import Stream, first

T = TypeVar("T")


async def ask(work: Callable[[StopSwitch], T]) -> T:
    """Run blocking work beside the window; cancelling the task throws the work's switch.

    Raises what the work raises.
    """
    stop = StopSwitch()
    stream: Stream[T] = Stream()

    def run() -> None:
        try:
            stream.put(work(stop))
        except BaseException as error:
            stream.close(error)
        else:
            stream.close()

    threading.Thread(target=run, name="hub", daemon=True).start()
    try:
        return await first(stream)
    finally:
        stop.throw()
