"""How often something held, with how sure that is: 19 of 20, 76 to 99 %."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_Z: Final = 1.959963984540054
"""The normal distribution's 97.5 % point, for intervals of 95 %."""


@dataclass(frozen=True)
class Rate:
    """`passed` of `total` trials; beside them it did not apply to `without` more."""

    passed: int
    total: int
    without: int = 0

    @property
    def share(self) -> float | None:
        """0..1, None without trials."""
        return self.passed / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % score interval of the share (Wilson 1927); 0 to 1 without trials."""
        if not self.total:
            return 0.0, 1.0
        n, share = self.total, self.passed / self.total
        scale = 1 + _Z**2 / n
        middle = (share + _Z**2 / (2 * n)) / scale
        half = _Z / scale * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.total and self.without:
            return "does not apply"
        low, high = self.interval
        return f"{self.passed} of {self.total} ({low:.0%} to {high:.0%})"
