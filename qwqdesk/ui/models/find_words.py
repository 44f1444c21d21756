"""Numbers of the hub in the few letters that a list has room for: 82 k, 8 months, 32.8 B."""

from __future__ import annotations

from datetime import UTC, datetime

_DAY, _MONTH, _YEAR = 1, 30.4, 365.25


def count_words(count: int) -> str:
    """A count with three digits at most: 311, 1.2 k, 82 k, 3 M."""
    value, unit = float(count), ""
    for name in ("k", "M", "G"):
        if value < 999.5:
            break
        value, unit = value / 1000, name
    if not unit:
        return str(count)
    return (
        f"{value:.0f} {unit}"
        if value >= 9.95 or round(value, 1) % 1 == 0
        else f"{value:.1f} {unit}"
    )


def age_words(iso_date: str | None, now: datetime | None = None) -> str:
    """How long ago an ISO date was; empty where it is no date."""
    try:
        then = datetime.fromisoformat(iso_date or "")
    except ValueError:
        return ""
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    days = ((now or datetime.now(UTC)) - then).total_seconds() / 86400
    if days < 1:
        return "today"
    for length, name in ((_YEAR, "year"), (_MONTH, "month"), (_DAY, "day")):
        if days >= length:
            count = int(days / length)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return ""


def weights_words(count: int) -> str:
    """A number of weights as model names have it: 32.8 B, 620 M."""
    for name, size in (("T", 10**12), ("B", 10**9), ("M", 10**6)):
        if count >= size:
            value = count / size
            return f"{value:.0f} {name}" if value >= 99.95 or name == "M" else f"{value:.1f} {name}"
    return str(count)
