"""What is known about the shown lanes without their places: first differences, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qwqdesk.analysis.numbers import counted
from qwqdesk.analysis.parting import LiveParting, Parting
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_sentence import (
    OtherDifference,
    Sentence,
    Word,
    difference_sentences,
    plain,
    same_settings,
)
from qwqdesk.sampling.difference_words import difference_lines
from qwqdesk.setup_differences import other_differences, setup_lines
from qwqdesk.ui.conversation.compared import Stop, first_stop
from qwqdesk.ui.conversation.comparison import LaneReply

_NEXT: Final = "The next message continues from each lane's own reply."
LaneChain = tuple[SamplerChain, LaneSetup]
"""A lane's chain, and all that it was set up with."""


def same_history(replies: Sequence[LaneReply], *, continued: bool) -> bool:
    """Whether the shown replies answer the same messages.

    Where an old reply does not say what it answered, a lane that was `continued` has its own.
    """
    known = [replies[0].asked.same_as(reply.asked) for reply in replies[1:]]
    return all(not continued if same is None else same for same in known)


def strip_text(
    lanes: Sequence[LaneChain],
    *,
    same_history: bool = True,
    goes_apart: bool = False,
    seeds: Sequence[int] = (),
) -> tuple[tuple[Sentence, ...], str]:
    """How the lanes' settings differ: the sentences to choose from, and all of it as text.

    `same_history`: the lanes answer the same messages. `goes_apart`: they wrote other replies, so
    that the next message will have different histories. `seeds`: those that the shown replies were
    drawn with, which answers from one thought have of their own.
    """
    chains = [(setup.label, chain) for chain, setup in lanes]
    setups = [setup for _, setup in lanes]
    others = (*other_differences(setups), *_drawn(chains, seeds))
    same_model = len({setup.model for setup in setups}) == 1
    sentences = difference_sentences(
        chains, same_model=same_model, same_history=same_history, others=others
    )
    whole = plain(sentences[0]) if sentences else ""
    lines = (*difference_lines(chains), *setup_lines(setups)) if len(lanes) > 2 else ()
    history = () if same_history else ("Each lane goes on from its own earlier reply.",)
    following = (_NEXT,) if goes_apart else ()
    if goes_apart and same_history and same_model and same_settings(chains, others):
        # Where nothing else differs, one would not expect the next turn to differ.
        sentences = ((*sentences[0], Word(f" {_NEXT}")), *sentences)
    return sentences, "\n".join((whole, *lines, *history, *following))


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
        self._live: dict[str, LiveParting] = {}
        self._running = False
        self._silent = False  # a lane has ended without a token
        self.labels: tuple[str, ...] = ()

    def update(self, replies: Sequence[LaneReply]) -> None:
        """Take what the lanes have written by now; each token is compared once."""
        written = [reply for reply in replies if reply.tokens or reply.running]
        self._running = any(reply.running for reply in written)
        self._silent = bool(written) and len(written) < len(replies)
        self.labels = tuple(reply.label for reply in written)
        for reply in written[1:]:
            live = self._live.setdefault(reply.label, LiveParting())
            live.update(written[0].written, reply.written)

    @property
    def first(self) -> str:
        """The lane that the others are compared with."""
        return self.labels[0] if self.labels else ""

    @property
    def lanes(self) -> int:
        """How many lanes have written."""
        return len(self.labels)

    @property
    def goes_apart(self) -> bool:
        """Whether a lane has ended with another reply than the first one."""
        differs = any(parting.kind != "same" for parting in self.partings.values())
        return not self._running and (differs or self._silent)

    @property
    def partings(self) -> dict[str, Parting]:
        """How far each other lane wrote the same as the first."""
        return {label: self._live[label].now for label in self.labels[1:]}

    @property
    def stops(self) -> dict[str, Stop]:
        """Where each lane that differs parts from the first."""
        found = ((label, first_stop(parting)) for label, parting in self.partings.items())
        return {label: stop for label, stop in found if stop is not None}

    @property
    def second(self) -> str:
        """The lane beside the first."""
        return self.labels[1] if len(self.labels) > 1 else ""

    def words(self) -> tuple[str, str, str]:
        """For the strip: the link in full and short, or a note in place of it."""
        partings = self.partings
        if not partings:
            return "", "", ""
        if not self.stops:
            return "", "", self._same(list(partings.values()))
        if len(partings) == 1:
            (stop,) = self.stops.values()
            if stop.by_text:
                return "First difference in the text", "First difference", ""
            return f"First difference: token {stop.other:,}", f"Token {stop.other:,}", ""
        each = ", ".join(f"{label} {_place(parting)}" for label, parting in partings.items())
        return f"First difference from {self.first}: {each}", "First differences", ""

    def _same(self, partings: Sequence[Parting]) -> str:
        """No lane differs from the first one."""
        both = "both" if self.lanes == 2 else "all"
        what = "text" if any(parting.by_text for parting in partings) else "tokens"
        unfinished = [parting for parting in partings if parting.kind != "same"]
        if not unfinished:
            return f"{both.capitalize()} lanes wrote the same {what}."
        least = min(partings, key=lambda parting: parting.same)
        same = counted(least.same, "character" if least.by_text else "token")
        if any(parting.kind == "open" for parting in unfinished):
            return f"Same so far: {same}" if least.same else ""
        return f"The same as far as {both} go: {same}"


def _place(parting: Parting) -> str:
    """Where a lane parts from the first one, in a list of several lanes."""
    if parting.kind == "differ":
        return "in the text" if parting.by_text else f"{parting.token or 0:,}"
    return {"open": "none yet", "cut": f"none in {parting.same:,}", "same": "none"}[parting.kind]
