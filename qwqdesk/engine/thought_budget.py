"""How many tokens a lane may spend on reasoning."""

from __future__ import annotations

from typing import Final

UNLIMITED: Final = -1


class ThoughtBudget:
    """Counts tokens of reasoning, tags left out; a new block of reasoning begins anew.

    The meaning is that of llama.cpp's ``--reasoning-budget``: -1 is no limit, 0 closes at once.
    """

    def __init__(self, tokens: int | None) -> None:
        self._tokens = UNLIMITED if tokens is None else tokens
        self._used = 0

    @property
    def spent(self) -> bool:
        """Whether the present block of reasoning must end."""
        return 0 <= self._tokens <= self._used

    def count(self, *, before: bool, after: bool) -> None:
        """One more token; whether the text stood in reasoning before it, and after it."""
        self._used = self._used + before if after else 0
