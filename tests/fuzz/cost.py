"""What reading a text costs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress

from qwqdesk.errors import UserError


def cost(
    read: Callable[[str], object], text: str, refused: tuple[type[Exception], ...] = (UserError,)
) -> float:
    """Seconds of this thread's own time, however busy the machine is.

    The collector is off: in a process that has run thousands of tests, one of its rounds takes as
    long as a text that is read in quadratic time.

    Args:
        refused: what may be raised by a text that cannot be read.
    """
    gc.disable()
    try:
        began = time.thread_time()
        with suppress(*refused):
            read(text)
        return time.thread_time() - began
    finally:
        gc.enable()
