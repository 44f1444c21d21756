"""Which of several windows on one data folder came first: it alone keeps the downloads.

The lock lies on a file that stays; the system gives it back when the process ends in any way.
"""

from __future__ import annotations

import os
from pathlib import Path

from qwqdesk.shared_file import is_held, lock_descriptor


class WindowLock:
    """One process' claim to a data folder."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether this process is the first; asked again, it may have become so meanwhile.

        A folder in which no file can be made has no second window to be told from.
        """
        if self._descriptor is not None:
            return True
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(self._file, flags, 0o600)
        except OSError:
            return True
        try:
            lock_descriptor(descriptor)
        except OSError as error:
            os.close(descriptor)
            return not is_held(error)  # nobody has it where it cannot be locked
        self._descriptor = descriptor
        return True

    def give_back(self) -> None:
        """Another window may be the first."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
