"""What is known about the shown lanes without their places: first differences, and its words."""

from __future__ import annotations

from collections.abc import Sequence

from qwqdesk.analysis.live_difference import LiveDifference
from qwqdesk.analysis.token_items import comparable
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_sentence import (
    OtherDifference,
    Sentence,
    difference_sentences,
    plain,
)
from qwqdesk.sampling.difference_words import difference_lines
from qwqdesk.setup_differences import other_differences, setup_lines
from qwqdesk.ui.conversation.comparison import LaneReply

LaneChain = tuple[SamplerChain, LaneSetup]
"""A lane's chain, and all that it was set up with."""


def strip_text(
    lanes: Sequence[LaneChain], *, continued: bool = False, seeds: Sequence[int] = ()
) -> tuple[tuple[Sentence, ...], str]:
    """How the lanes' settings differ: the sentences to choose from, and all of it as text.

    `continued`: each lane goes on from its own earlier reply. `seeds`: those that the shown
    replies were drawn with, which answers from one thought have of their own.
    """
    chains = [(setup.label, chain) for chain, setup in lanes]
    setups = [setup for _, setup in lanes]
    sentences = difference_sentences(
        chains,
        same_model=len({setup.model for setup in setups}) == 1,
        continued=continued,
        others=(*other_differences(setups), *_drawn(chains, seeds)),
    )
    whole = plain(sentences[0]) if sentences else ""
    lines = (*difference_lines(chains), *setup_lines(setups)) if len(lanes) > 2 else ()
    history = ("Each lane goes on from its own earlier reply.",) if continued else ()
    return sentences, "\n".join((whole, *lines, *history))


def _drawn(
    chains: Sequence[tuple[str, SamplerChain]], seeds: Sequence[int]
) -> list[OtherDifference]:
    """Seeds that differ although the settings name the same one, or none."""
    wanted = {chain.integer("seed") for _, chain in chains}
    if len(wanted) > 1 or len(seeds) != len(chains):
        return []
    first = seeds[0]
    return [OtherDifference("the seed", f"seed {s}", str(first)) for s in seeds[1:] if s != first]


class FoundDifferences:
    """Where each lane parts from the first, kept up to date while they write."""

    def __init__(self) -> None:
        self._live: dict[str, LiveDifference] = {}
        self._running = False
        self.labels: tuple[str, ...] = ()

    def update(self, replies: Sequence[LaneReply]) -> None:
        """Take what the lanes have written by now; each token is compared once."""
        written = [reply for reply in replies if reply.tokens or reply.running]
        self._running = any(reply.running for reply in written)
        self.labels = tuple(reply.label for reply in written)
        for reply in written[1:]:
            live = self._live.setdefault(reply.label, LiveDifference())
            live.update(
                *comparable(written[0].written, reply.written),
                a_ended=not written[0].running,
                b_ended=not reply.running,
            )

    @property
    def first(self) -> str:
        """The lane that the others are compared with."""
        return self.labels[0] if self.labels else ""

    @property
    def lanes(self) -> int:
        """How many lanes have written."""
        return len(self.labels)

    @property
    def tokens(self) -> dict[str, int]:
        """The first differing token of each lane that differs from the first."""
        found = ((label, live.token) for label, live in self._live.items())
        return {label: token for label, token in found if token is not None}

    @property
    def second(self) -> str:
        """The lane beside the first."""
        return next(iter(self._live), "")

    def words(self) -> tuple[str, str, str]:
        """For the strip: the link in full and short, or a note in place of it."""
        if not self._live:
            return "", "", ""
        tokens = self.tokens
        if not tokens:
            return "", "", self._same()
        if len(self._live) == 1:
            (token,) = tokens.values()
            return f"First difference: token {token:,}", f"Token {token:,}", ""
        each = ", ".join(f"{label} {self._token(label)}" for label in self._live)
        return f"First difference from {self.first}: {each}", "First differences", ""

    def _token(self, label: str) -> str:
        token = self.tokens.get(label)
        if token is not None:
            return f"{token:,}"
        return "none yet" if self._running else "none"

    def _same(self) -> str:
        if not self._running:
            return f"{'Both' if self.lanes == 2 else 'All'} lanes wrote the same tokens."
        same = min(live.same for live in self._live.values())
        return f"Same so far: {same:,} {'token' if same == 1 else 'tokens'}" if same else ""
