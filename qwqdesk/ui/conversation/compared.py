"""The shown replies compared: where each token is shown, and where lanes part. It may take a
quarter of a second for 20,000 tokens, so it runs on a thread; it touches no widget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qwqdesk.analysis.divergence import Divergence, diverge
from qwqdesk.analysis.parting import Parting, parting
from qwqdesk.analysis.place_map import common_length
from qwqdesk.analysis.token_places import Part, TokenLink, TokenPlaces
from qwqdesk.ui.conversation.comparison import LaneReply

ShownParts = tuple[str, str]
"""A reply's reasoning and answer as they stand on the screen."""


@dataclass(frozen=True)
class Stop:
    """Where to go: the first lane's token, the other lane's, and whether they meet there.

    `by_text`: their vocabularies differ, so that the one's number says nothing of the other.
    """

    first: int
    other: int
    meeting: bool = False
    by_text: bool = False

    @property
    def words(self) -> str:
        """Where one is, for screen readers."""
        if self.by_text:
            return "Same text again" if self.meeting else "Difference in the text"
        return f"{'Same again from' if self.meeting else 'Difference at'} token {self.other:,}"


@dataclass(frozen=True)
class Pair:
    """One lane compared with the first. `link` is None where only the first difference is known."""

    divergence: Divergence
    stops: tuple[Stop, ...]
    link: TokenLink | None = None


@dataclass(frozen=True)
class Compared:
    """All shown lanes; `pairs` are the others' labels, `exact` whether tokens know their text."""

    places: Mapping[str, TokenPlaces]
    pairs: Mapping[str, Pair]
    first_chars: Mapping[str, tuple[Part, int]]


def compare(
    replies: Sequence[LaneReply], shown: Mapping[str, ShownParts], *, whole: bool
) -> Compared:
    """Compare each lane with the first one.

    Args:
        shown: by the lane's label.
        whole: False compares only up to the first difference, while the lanes still write.
    """
    places = {reply.label: _places(reply, shown[reply.label]) for reply in replies}
    pairs: dict[str, Pair] = {}
    chars: dict[str, tuple[Part, int]] = {}
    first = replies[0] if replies else None
    for reply in replies[1:]:
        if first is None or not (first.tokens and reply.tokens):
            continue
        pairs[reply.label] = _pair(first, reply, whole=whole)
        if not (first.ends and reply.ends):
            char = common_length(first.text, reply.text)
            chars[reply.label] = places[reply.label].shown_char(char)
            chars.setdefault(first.label, places[first.label].shown_char(char))
    return Compared(places, pairs, chars)


def _places(reply: LaneReply, shown: ShownParts) -> TokenPlaces:
    ends = reply.ends or _even_ends(len(reply.tokens), len(reply.text))
    return TokenPlaces(ends, reply.text, reply.reasoning, reply.answer, shown)


def _even_ends(tokens: int, size: int) -> list[int]:
    """Old replies do not say where their tokens end: about everywhere at even distances."""
    return [size * (number + 1) // tokens for number in range(tokens)]


def _pair(a: LaneReply, b: LaneReply, *, whole: bool) -> Pair:
    if not whole:
        found = Divergence(parting(a.written, b.written))
        return Pair(found, _stops(found))
    found = diverge(a.written, b.written)
    return Pair(found, _stops(found), TokenLink(found.segments) if found.segments else None)


def first_stop(found: Parting) -> Stop | None:
    """Where two lanes part, if they do."""
    if found.a is None or found.b is None:
        return None
    return Stop(found.a, found.b, by_text=found.by_text)


def _stops(found: Divergence) -> tuple[Stop, ...]:
    """The first difference, then where the lanes meet and part again, in turn."""
    first = first_stop(found.parting)
    if first is None:
        return ()
    stops, by_text = [first], first.by_text
    ends = {(s.a_start, s.b_start): (s.a_end, s.b_end) for s in found.segments}
    last = (found.segments[-1].a_end, found.segments[-1].b_end) if found.segments else (0, 0)
    for place in found.rejoins:
        stops.append(Stop(*place, meeting=True, by_text=by_text))
        if ends[place] != last:
            stops.append(Stop(*ends[place], by_text=by_text))
    return tuple(stops)
