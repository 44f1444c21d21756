"""The speed limit that all downloads share."""

from __future__ import annotations

import threading
import time

from qwqdesk.models.hub_http import StopSwitch

LEAST, MOST = 8 << 10, 256 << 10


class RateLimit:
    """A budget of bytes that fills up with time; 0 means no limit. Any thread."""

    def __init__(self, bytes_per_second: int = 0) -> None:
        self._lock = threading.Lock()
        self._rate = max(bytes_per_second, 0)
        self._free_at = 0.0

    @property
    def bytes_per_second(self) -> int:
        """The limit; 0 for none."""
        return self._rate

    @property
    def piece(self) -> int:
        """How many bytes one read may bring, so that a slow download does not stand still."""
        return min(max(self._rate // 8, LEAST), MOST) if self._rate else MOST

    def set(self, bytes_per_second: int) -> None:
        """Change the limit for what comes."""
        with self._lock:
            self._rate = max(bytes_per_second, 0)
            self._free_at = 0.0

    def take(self, count: int, stop: StopSwitch) -> None:
        """Wait until `count` bytes more were allowed.

        Raises:
            Stopped: the switch was thrown meanwhile.
        """
        if not self._rate:
            return
        with self._lock:
            now = time.monotonic()
            if not self._rate:
                return
            self._free_at = max(self._free_at, now) + count / self._rate
            wait = self._free_at - now
        if wait > 0.005:
            stop.sleep(wait)
