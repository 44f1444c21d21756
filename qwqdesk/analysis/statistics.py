"""Numbers about repetition in a sequence of tokens or a text. Every function is near linear."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

ZLIB_LEVEL = 6


@dataclass(frozen=True)
class RepeatedSpan:
    """The longest span that occurs twice; `first` and `second` are where it starts."""

    length: int
    first: int
    second: int


def distinct_n(tokens: Sequence[Hashable], n: int) -> float | None:
    """The share of different n-grams among all n-grams, 0..1 (Li et al. 2016, arXiv 1510.03055).

    None when the sequence is shorter than `n`.
    """
    total = len(tokens) - n + 1
    if total < 1:
        return None
    grams = set(zip(*(tokens[shift : shift + total] for shift in range(n)), strict=True))
    return len(grams) / total


def seq_rep_n(tokens: Sequence[Hashable], n: int = 4) -> float | None:
    """The share of n-grams that repeat an earlier one (Welleck et al. 2019, arXiv 1908.04319).

    1 - distinct-n of the generated continuation; None when it is shorter than `n`.
    """
    distinct = distinct_n(tokens, n)
    return None if distinct is None else 1.0 - distinct


def longest_repeat(tokens: Sequence[int]) -> RepeatedSpan | None:
    """The longest span that occurs at two places, which may overlap; None when no token does.

    Naming after Karp, Miller and Rosenberg (1972): spans of length 2^k get numbers made from two
    numbers of length 2^(k-1), so that any length can be asked with two of them. Doubling finds
    the largest power with a repeat, then the bits below it are tried: O(n log n).
    """
    size = len(tokens)
    levels = [_numbered(tokens)]
    while (step := 1 << (len(levels) - 1)) < size and _repeats(levels[-1]):
        levels.append(_joined(levels[-1], step, size - 2 * step + 1))
    if len(levels) == 1 and not _repeats(levels[0]):
        return None
    length = 0
    names: Sequence[int] = levels[0]
    for power in range(len(levels) - 1, -1, -1):
        longer = length + (1 << power)
        tried = _of_length(levels, longer, size)
        if _repeats(tried):
            length, names = longer, tried
    return _places(names, length)


def compression_ratio(text: str) -> float | None:
    """Bytes of the text over its bytes after zlib; a loop compresses well. None for no text."""
    raw = text.encode("utf-8", "replace")
    return len(raw) / len(zlib.compress(raw, ZLIB_LEVEL)) if raw else None


def _numbered(items: Sequence[int]) -> list[int]:
    numbers: dict[int, int] = {}
    return [numbers.setdefault(item, len(numbers)) for item in items]


def _joined(names: Sequence[int], shift: int, count: int) -> list[int]:
    """A number for each pair of names that lie `shift` apart."""
    base = len(names) + 1
    if count < 1:
        return []
    pairs = zip(names[:count], names[shift : shift + count], strict=True)
    return _numbered([left * base + right for left, right in pairs])


def _of_length(levels: Sequence[Sequence[int]], length: int, size: int) -> Sequence[int]:
    """Names of all spans of a length: two overlapping spans of the power of two below it."""
    power = length.bit_length() - 1
    if power >= len(levels):
        return []
    if length == 1 << power:
        return levels[power]
    return _joined(levels[power], length - (1 << power), size - length + 1)


def _repeats(names: Sequence[int]) -> bool:
    return len(set(names)) < len(names)


def _places(names: Sequence[int], length: int) -> RepeatedSpan:
    seen: dict[int, int] = {}
    for at, name in enumerate(names):
        if name in seen:
            return RepeatedSpan(length, seen[name], at)
        seen[name] = at
    raise AssertionError("there is a repeat of this length")
