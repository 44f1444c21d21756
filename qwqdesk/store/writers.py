"""Who is writing a reply: so that a crashed program's replies are told from a living one's."""

from __future__ import annotations

import os
import uuid

import psutil

_SAME_START = 5.0  # seconds; the system's clock may be corrected between two readings


def this_writer() -> str:
    """A new name: this process' number, when it started, and something unique."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}:{uuid.uuid4().hex[:8]}"


def is_alive(writer: str) -> bool:
    """Whether the process that took that name still runs (a reused number does not count)."""
    try:
        number, started, _ = writer.split(":")
        process = psutil.Process(int(number))
        return (
            abs(process.create_time() - float(started)) < _SAME_START
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.AccessDenied:
        return True
    except (psutil.Error, ValueError, OverflowError):
        return False
