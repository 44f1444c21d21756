"""Where the tokens of two lanes part, and where they meet again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from qwqdesk.analysis.alignment import Segment, align, common_prefix
from qwqdesk.analysis.token_items import WrittenTokens, comparable

REJOIN_LENGTH: Final = 8
"""So many equal tokens in a row are a re-convergence; fewer meet by chance."""


@dataclass(frozen=True)
class Divergence:
    """Two lanes' tokens, compared. Indices count generated tokens from 0.

    `token` is the first index at which they differ (the shorter one's end counts), None when they
    are equal. `rejoins` are the later places, in a and in b, from which on at least
    `REJOIN_LENGTH` tokens are equal again. `segments` covers both lanes whole.
    """

    token: int | None
    rejoins: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]

    @property
    def rejoin(self) -> tuple[int, int] | None:
        """The first re-convergence, if there is one."""
        return self.rejoins[0] if self.rejoins else None


def diverge(a: Sequence[Hashable], b: Sequence[Hashable]) -> Divergence:
    """Compare the tokens of two lanes."""
    segments = align(a, b)
    first = first_difference(a, b)
    rejoins = tuple(
        (segment.a_start, segment.b_start)
        for segment in segments
        if segment.kind == "equal"
        and segment.length >= REJOIN_LENGTH
        and first is not None
        and segment.a_start >= first
        and segment.b_start >= first
    )
    return Divergence(first, rejoins, segments)


def first_difference(a: Sequence[Hashable], b: Sequence[Hashable]) -> int | None:
    """The first index at which two token lists differ; the shorter one's end counts."""
    if len(a) == len(b) and list(a) == list(b):
        return None
    return common_prefix(a, b)


def divergence_json(lanes: Sequence[tuple[str, WrittenTokens]]) -> list[dict[str, Any]]:
    """INTERFACE's `divergence`: one row for each pair of lanes, those with the first lane first.

    `token` is the first differing index or null; `rejoin` is null, or the index in the one and in
    the other lane from which on they write the same again.
    """
    rows = []
    for (a_label, a), (b_label, b) in combinations(lanes, 2):
        found = diverge(*comparable(a, b))
        rejoin = list(found.rejoin) if found.rejoin else None
        rows.append({"lanes": [a_label, b_label], "token": found.token, "rejoin": rejoin})
    return rows
