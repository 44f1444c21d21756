"""One line of progress on a terminal."""

from __future__ import annotations

import sys
import time

from qwqdesk.cli.output import is_terminal, show_line


class Progress:
    """One line on standard error, rewritten in place; silent where it is not a terminal."""

    def __init__(self) -> None:
        self._on = is_terminal(sys.stderr)
        self._last = 0.0

    def show(self, text: str, *, now: bool = False) -> None:
        """Replace the line, at most ten times a second unless `now`."""
        if not self._on or (not now and time.monotonic() - self._last < 0.1):
            return
        self._last = time.monotonic()
        show_line(text[:110])

    def clear(self) -> None:
        """Remove the line."""
        show_line("")
