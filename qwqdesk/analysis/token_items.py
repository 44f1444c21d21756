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
    text of its last tokens may still be held back. It is `whole` where it ended by itself, and not
    because it was stopped, ran into a limit or a loop, or failed.
    """

    ids: Sequence[int]
    text: str = ""
    ends: Sequence[int] = ()
    vocabulary: str = ""
    growing: bool = False
    whole: bool = True

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each token; "" for one whose text came with a later one.

        Of a growing lane only the tokens whose text is sure.
        """
        ends = self.ends[: bisect_left(self.ends, len(self.text))] if self.growing else self.ends
        starts = (0, *ends[:-1]) if ends else ()
        return tuple(self.text[a:b] for a, b in zip(starts, ends, strict=True))


def same_vocabulary(a: str, b: str) -> bool:
    """Whether token ids of two tokenizers mean the same; so it is taken to be where one is unknown.

    A name may end in "#" and a checksum of the tokens, which older runs do not have.
    """
    (a_name, _, a_sum), (b_name, _, b_sum) = a.partition("#"), b.partition("#")
    if not a_name or not b_name:
        return True
    return a_name == b_name and (not a_sum or not b_sum or a_sum == b_sum)


def comparable(
    a: WrittenTokens, b: WrittenTokens
) -> tuple[Sequence[Hashable], Sequence[Hashable]] | None:
    """The two sequences to align, one item for each token; None where nothing can be aligned.

    Ids within one vocabulary, else the tokens' texts, if both lanes know where their tokens end.
    """
    if same_vocabulary(a.vocabulary, b.vocabulary):
        return a.ids, b.ids
    known = len(a.ends) == len(a.ids) and len(b.ends) == len(b.ids)
    return (a.texts, b.texts) if known else None
