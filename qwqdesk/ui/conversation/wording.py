"""Owns how counts, durations and rates are said in the conversation; no Qt."""

from __future__ import annotations


def count(number: int, unit: str = "token") -> str:
    """`1 token`, `6,212 tokens`."""
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def duration(seconds: float) -> str:
    """`3 s`, `1 min 52 s`, `8 min`, `2 h 5 min`; never less than 0."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def short_seconds(seconds: float) -> str:
    """`20 ms`, `0.4 s`, `12 s`: one decimal while it says something."""
    if seconds < 0.1:
        return f"{max(0, round(seconds * 1000))} ms"
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
