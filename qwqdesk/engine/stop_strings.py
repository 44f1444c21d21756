"""Finds stop strings in streamed text before anything of them is shown."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """Releases text that cannot be part of a stop string any more.

    `found` is the stop string that ended the text; what follows it is dropped, as llama.cpp does.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = tuple(text for text in strings if text)
        self._held = ""
        self.found: str | None = None

    def push(self, text: str) -> str:
        """Take more text and give back what may be shown."""
        if not self._strings:
            return text
        self._held += text
        places = [(self._held.find(stop), stop) for stop in self._strings]
        hits = [(place, -len(stop), stop) for place, stop in places if place >= 0]
        if hits:
            place, _, self.found = min(hits)
            released, self._held = self._held[:place], ""
            return released
        keep = max(self._partial(stop) for stop in self._strings)
        cut = len(self._held) - keep
        released, self._held = self._held[:cut], self._held[cut:]
        return released

    def finish(self) -> str:
        """The text still held back, when no stop string came of it."""
        released, self._held = self._held, ""
        return released

    def _partial(self, stop: str) -> int:
        """Length of the longest beginning of `stop` that ends the held text."""
        longest = min(len(stop) - 1, len(self._held))
        for size in range(longest, 0, -1):
            if self._held.endswith(stop[:size]):
                return size
        return 0
