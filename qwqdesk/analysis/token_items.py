"""What is compared of two lanes' tokens: their ids, or their texts where the ids mean other things.

Lanes on models with different vocabularies write the same text with other ids.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WrittenTokens:
    """One lane's tokens. `ends` are characters of `text` that stood after each, or empty.

    `vocabulary` names the tokenizer; "" where it is not known. While the lane is `growing`, the
    text of its last tokens may still be held back.
    """

    ids: Sequence[int]
    text: str = ""
    ends: Sequence[int] = ()
    vocabulary: str = ""
    growing: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each token; "" for one whose text came with a later one.

        Of a growing lane only the tokens whose text is sure.
        """
        ends = self.ends[: bisect_left(self.ends, len(self.text))] if self.growing else self.ends
        starts = (0, *ends[:-1]) if ends else ()
        return tuple(self.text[a:b] for a, b in zip(starts, ends, strict=True))


def comparable(a: WrittenTokens, b: WrittenTokens) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """The two sequences to compare, one item for each token.

    Ids, unless the vocabularies are known to differ and both lanes know where their tokens end.
    """
    differ = a.vocabulary and b.vocabulary and a.vocabulary != b.vocabulary
    whole = len(a.ends) == len(a.ids) and len(b.ends) == len(b.ids)
    return (a.texts, b.texts) if differ and whole else (a.ids, b.ids)
