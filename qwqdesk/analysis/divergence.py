"""Where the tokens of two lanes part, and where they meet again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from qwqdesk.analysis.alignment import Segment, align, common_prefix
from qwqdesk.analysis.parting import Parting, parting, parting_json
from qwqdesk.analysis.token_items import WrittenTokens, comparable

REJOIN_LENGTH: Final = 8
"""So many equal tokens in a row are a re-convergence; fewer meet by chance."""


@dataclass(frozen=True)
class Divergence:
    """Two lanes' tokens, compared. Indices count generated tokens from 0.

    `rejoins` are the places behind their parting, in a and in b, from which on at least
    `REJOIN_LENGTH` tokens are equal again. `segments` covers both lanes whole; it is empty where
    their tokens cannot be aligned.
    """

    parting: Parting
    rejoins: tuple[tuple[int, int], ...] = ()
    segments: tuple[Segment, ...] = ()

    @property
    def rejoin(self) -> tuple[int, int] | None:
        """The first re-convergence, if there is one."""
        return self.rejoins[0] if self.rejoins else None


def diverge(a: WrittenTokens, b: WrittenTokens) -> Divergence:
    """Compare the tokens of two lanes."""
    found, items = parting(a, b), comparable(a, b)
    if items is None:
        return Divergence(found)
    segments = align(*items)
    rejoins = tuple(
        (segment.a_start, segment.b_start)
        for segment in segments
        if segment.kind == "equal"
        and segment.length >= REJOIN_LENGTH
        and found.a is not None
        and found.b is not None
        and segment.a_start >= found.a
        and segment.b_start >= found.b
    )
    return Divergence(found, rejoins, segments)


def first_difference(a: Sequence[Hashable], b: Sequence[Hashable]) -> int | None:
    """The first index at which two token lists differ; the shorter one's end counts."""
    if len(a) == len(b) and list(a) == list(b):
        return None
    return common_prefix(a, b)


def divergence_json(lanes: Sequence[tuple[str, WrittenTokens]]) -> list[dict[str, Any]]:
    """INTERFACE's `divergence`: one row for each pair of lanes, those with the first lane first.

    `kind` is that of `Parting`, `token` the first differing index or null, `same` how many `unit`
    ("tokens", "characters" between different vocabularies) are equal from the start on. `rejoin` is
    null, or the index in the one and in the other lane from which on they write the same again.
    """
    rows = []
    for (a_label, a), (b_label, b) in combinations(lanes, 2):
        found = diverge(a, b)
        rejoin = list(found.rejoin) if found.rejoin and not found.parting.by_text else None
        rows.append({"lanes": [a_label, b_label], **parting_json(found.parting), "rejoin": rejoin})
    return rows
