"""Garbage is collected on the main thread only.

Python collects cycles on whatever thread happens to allocate. A Qt object that is destroyed on the
engine's thread leaves its timers behind, and the next of them ends the process.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_LOOK_MS = 500


class MainThreadGarbage(QObject):
    """Switches Python's own collection off and does it from a timer, by the same thresholds."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)

    def start(self) -> Callable[[], None]:
        """Begin; returns what ends it."""
        gc.disable()
        self._timer.start()
        return self._stop

    def _stop(self) -> None:
        self._timer.stop()
        gc.enable()

    def look(self) -> None:
        """Collect the oldest generation that is due."""
        due = [n for n, (count, most) in enumerate(zip(gc.get_count(), gc.get_threshold(),
                                                       strict=True)) if count > most]  # fmt: skip
        if due:
            gc.collect(max(due))
