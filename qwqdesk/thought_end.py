"""How reasoning was closed from outside, in the words of the window and the command line."""

from __future__ import annotations

import re
from typing import Final

from qwqdesk.engine.events import CloseReason

_WORDS: Final[dict[CloseReason, str]] = {
    "asked": "closed by you",
    "budget": "closed at the budget",
    "loop": "closed by the loop guard",
}
_AT_BUDGET = re.compile(r"the reasoning was closed at its budget of (\d{1,12}) tokens")
_ASKED = "the reasoning was closed on request"
_LOOPED = "so its reasoning was closed"


def end_words(reason: CloseReason, budget: int = -1) -> str:
    """Why it ended; with a budget its size: "closed at the budget of 2,000 tokens"."""
    if reason == "budget" and budget >= 0:
        return f"{_WORDS['budget']} of {budget:,} {'token' if budget == 1 else 'tokens'}"
    return _WORDS[reason]


def end_of_detail(detail: str | None) -> str:
    """The same from a reply's `finish_detail`, where the engine notes it; "" for its own end."""
    text = detail or ""
    found = _AT_BUDGET.search(text)
    if found:
        return end_words("budget", int(found[1]))
    if _ASKED in text:
        return end_words("asked")
    return end_words("loop") if _LOOPED in text else ""
