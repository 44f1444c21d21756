"""What a fast context still holds of earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class PrefixCache:
    """Which tokens each sequence of a fast context holds; sequence numbers start at `base`.

    `in_place`: there are no other sequences to copy into, so each one goes on with its own cells.
    """

    sequences: dict[int, tuple[int, ...]] = field(default_factory=dict)
    base: int = 0
    in_place: bool = False

    def best(self, prompt: Sequence[int], own: int, *, partial: bool) -> tuple[int, int]:
        """(sequence, tokens in common); without `partial` only a whole sequence counts.

        `own` is the sequence that will go on, the only one that counts when `in_place`.

        At least one token of the prompt is left to decode: its logits are needed.
        """
        found = (-1, 0)
        for sequence, tokens in self.sequences.items():
            if self.in_place and sequence != own:
                continue
            common = min(_common_prefix(tokens, prompt), len(prompt) - 1)
            if common > found[1] and (partial or common == len(tokens)):
                found = (sequence, common)
        return found

    def next_base(self, lanes: int) -> int:
        """The other half of the sequences, so that old cells can be copied into new sequences."""
        return lanes if self.base == 0 and self.sequences and not self.in_place else 0


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    count = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        count += 1
    return count
