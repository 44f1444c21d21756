"""Banned strings in text that is still being drawn: found, or still possible."""

from __future__ import annotations

from collections.abc import Sequence


class BannedStrings:
    """Looks for strings in bytes; A to Z match in either case, everything else as it is.

    Bytes, because a token may end inside a character.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = tuple(text.encode("utf-8").lower() for text in strings)
        self.longest = max(map(len, self._strings), default=0)  # bytes
        self._beginnings = {text[:end] for text in self._strings for end in range(1, len(text))}

    def found(self, text: bytes) -> int | None:
        """Where the first banned string begins, None without one."""
        lower = text.lower()
        places = [lower.find(banned) for banned in self._strings]
        return min((place for place in places if place >= 0), default=None)

    def possible(self, text: bytes) -> int:
        """From where on the text could still become a banned string; its length if nowhere."""
        lower = text.lower()
        for start in range(max(0, len(lower) - self.longest + 1), len(lower)):
            if lower[start:] in self._beginnings:
                return start
        return len(lower)
