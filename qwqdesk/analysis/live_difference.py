"""Where two lanes part, known as soon as the token exists: each token is compared once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from qwqdesk.analysis.alignment import common_prefix


class LiveDifference:
    """The first difference of two token lists that may still grow at their ends.

    `token` is its index from 0; None while there is none. `same` counts the tokens that are known
    to be equal from the start on.
    """

    def __init__(self) -> None:
        self.token: int | None = None
        self.same = 0

    def update(
        self, a: Sequence[Hashable], b: Sequence[Hashable], *, a_ended: bool, b_ended: bool
    ) -> None:
        """Compare what came since the last call.

        The end of the shorter list counts as a difference only when that lane has ended.
        """
        if self.token is not None:
            return
        shorter = min(len(a), len(b))
        self.same += common_prefix(a[self.same : shorter], b[self.same : shorter])
        a_over, b_over = a_ended and len(b) > len(a), b_ended and len(a) > len(b)
        if self.same < shorter or ((a_over or b_over) and self.same == shorter):
            self.token = self.same
