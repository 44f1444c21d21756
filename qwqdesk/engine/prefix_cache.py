"""What a fast context still holds of earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class PrefixCache:
    """Which tokens each sequence of a fast context holds; sequence numbers start at `base`."""

    sequences: dict[int, tuple[int, ...]] = field(default_factory=dict)
    base: int = 0

    def best(self, prompt: Sequence[int], *, partial: bool) -> tuple[int, int]:
        """(sequence, tokens in common); without `partial` only a whole sequence counts.

        At least one token of the prompt is left to decode: its logits are needed.
        """
        found = (-1, 0)
        for sequence, tokens in self.sequences.items():
            common = min(_common_prefix(tokens, prompt), len(prompt) - 1)
            if common > found[1] and (partial or common == len(tokens)):
                found = (sequence, common)
        return found

    def next_base(self, lanes: int) -> int:
        """The other half of the sequences, so that old cells can be copied into new sequences."""
        return lanes if self.base == 0 and self.sequences else 0


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    count = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        count += 1
    return count
