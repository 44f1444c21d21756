"""What a fast context still holds of earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

MOST_STATES: Final = 2
"""States kept for one sequence: of its last prompts."""
MOST_STATE_BYTES: Final = 256 << 20
"""All kept states together."""


@dataclass(frozen=True)
class KeptState:
    """The memory of a sequence as it was with so many cells; it can be given to any sequence."""

    cells: int
    state: object
    size: int  # bytes


@dataclass(frozen=True)
class Found:
    """What a prompt can go on from: `cells` of a sequence, which `state` brings back if need be."""

    sequence: int = -1
    cells: int = 0
    state: KeptState | None = None


@dataclass
class PrefixCache:
    """Which tokens each sequence of a fast context holds; sequence numbers start at `base`.

    `in_place`: there are no other sequences to copy into, so each one goes on with its own cells.
    `states` are those of sequences that cannot be cut to what a prompt has in common with them.
    """

    sequences: dict[int, tuple[int, ...]] = field(default_factory=dict)
    base: int = 0
    in_place: bool = False
    states: dict[int, tuple[KeptState, ...]] = field(default_factory=dict)

    def best(self, prompt: Sequence[int], own: int, *, goes_back: int | None) -> Found:
        """The longest beginning of a prompt that a sequence holds and can be brought to.

        `own` is the sequence that will go on, the only one that counts when `in_place`.
        `goes_back` says how many tokens a sequence can be cut back by, None for any number.

        At least one token of the prompt is left to decode: its logits are needed.
        """
        best = Found()
        for sequence, tokens in self.sequences.items():
            if self.in_place and sequence != own:
                continue
            common = min(_common_prefix(tokens, prompt), len(prompt) - 1)
            found = Found(sequence, common)
            if goes_back is not None and len(tokens) - common > goes_back:
                states = [kept for kept in self.states.get(sequence, ()) if kept.cells <= common]
                found = Found(sequence, states[-1].cells, states[-1]) if states else Found()
            if found.cells > best.cells:
                best = found
        return best

    def next_base(self, lanes: int) -> int:
        """The other half of the sequences, so that old cells can be copied into new sequences."""
        return lanes if self.base == 0 and self.sequences and not self.in_place else 0

    def hold(self, held: dict[int, tuple[tuple[int, ...], Sequence[KeptState]]]) -> None:
        """Remember each sequence's tokens and the newest of its states, by its number."""
        self.sequences = {sequence: tokens for sequence, (tokens, _) in held.items()}
        self.states = {
            sequence: tuple(states)[-MOST_STATES:] for sequence, (_, states) in held.items()
        }


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    count = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        count += 1
    return count
