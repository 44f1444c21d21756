"""Starting the program as a process from a test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sigint(handler: signal.Handlers = signal.SIG_DFL) -> Iterator[None]:
    """What a process that is started inside does at Ctrl-C: as in a terminal, or nothing.

    A job in the background of a script is started with SIGINT ignored, hands that on to what it
    starts, and the tests may be such a job.
    """
    ignored = handler == signal.SIG_IGN
    before = signal.signal(signal.SIGINT, handler if ignored else signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
