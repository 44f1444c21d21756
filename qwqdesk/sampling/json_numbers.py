"""Whole numbers between two bounds, as a GBNF expression."""

from __future__ import annotations

from typing import Final

DIGITS: Final = 16
"""Most digits of a number without a bound; llama.cpp's converter has the same limit."""
_MOST: Final = 10**DIGITS - 1


def integer_range(low: int | None, high: int | None) -> str:
    """The numbers from `low` to `high`, both included; None has no bound but the digits.

    Zero may be written -0 where negative numbers are allowed, as llama.cpp's converter does.
    """
    parts: list[str] = []
    if low is None or low < 0:
        nearest = 1 if low is None else 0
        if high is not None and high < 0:
            nearest = -high
        parts.append(f'"-" ({_magnitudes(nearest, _MOST if low is None else -low)})')
    if high is None or high >= 0:
        parts.append(_magnitudes(max(low or 0, 0), _MOST if high is None else high))
    return " | ".join(parts)


def _magnitudes(low: int, high: int) -> str:
    """Numbers from 0 up, one alternative for each count of digits."""
    parts: list[str] = []
    while low <= high:
        length = len(str(low))
        last = min(high, 10**length - 1)
        parts.append(_same_length(str(low), str(last)))
        low = last + 1
    return " | ".join(parts)


def _same_length(low: str, high: str) -> str:
    """Digits from `low` to `high`, which have the same length."""
    common = 0
    while common < len(low) and low[common] == high[common]:
        common += 1
    if common == len(low):
        return f'"{low}"'
    prefix = f'"{low[:common]}" ' if common else ""
    return f"{prefix}({_differing(low[common:], high[common:])})"


def _differing(low: str, high: str) -> str:
    """As `_same_length`, when the first digits differ."""
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    parts: list[str] = []
    if low[1:].strip("0"):
        parts.append(f'"{first}" {_same_length(low[1:], "9" * rest)}')
        first += 1
    end = ""
    if high[1:].strip("9"):
        end = f'"{last}" {_same_length("0" * rest, high[1:])}'
        last -= 1
    if first <= last:
        digit = f"[{first}-{last}]"
        parts.append(f"{digit} [0-9]{{{rest}}}" if rest else digit)
    return " | ".join([*parts, *([end] if end else [])])
