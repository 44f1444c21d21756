"""The rules for a lane's reasoning as a person writes and reads them; no Qt."""

from __future__ import annotations

from typing import Final

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import NO_BUDGET
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.param import INT32_MAX
from qwqdesk.setup_differences import GUARD_WORDS

GUARD_CHOICES: Final[tuple[tuple[LoopGuard, str], ...]] = (
    ("off", "Ignore"),
    ("mark", "Mark"),
    ("stop", "Stop the lane"),
    ("close", "Close the reasoning"),
)
_NO_LIMIT: Final = "no limit"
_MEANINGS: Final[dict[LoopGuard, str]] = {
    "off": "Nothing watches for repetition.",
    "mark": "Repetition is marked; no token changes.",
    "stop": "The lane stops itself; the others go on.",
    "close": "Its reasoning is closed and it answers; in an answer it stops.",
}


def budget_of(text: str) -> int | None:
    """The budget that somebody wrote: a number of tokens; None where nothing is said.

    Raises:
        UserError: code "value", for what is no number from 0 on, nor "no limit".
    """
    plain = text.strip().replace(",", "").replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
    if not plain:
        return None
    if plain.lower() in ("nolimit", "none", "-1"):
        return NO_BUDGET
    if not (plain.isascii() and plain.isdigit()) or int(plain[:12]) > INT32_MAX or len(plain) > 12:
        raise UserError(
            f"Reasoning budget {text.strip()[:20]}: write a whole number of tokens.",
            "Leave the field empty for no own limit.",
            code="value",
        )
    return int(plain)


def budget_text(budget: int | None) -> str:
    """The text that `budget_of` reads."""
    if budget is None:
        return ""
    return _NO_LIMIT if budget == NO_BUDGET else f"{budget:,}"


def guard_meaning(guard: LoopGuard) -> str:
    """What happens to a lane that repeats itself."""
    return _MEANINGS[guard]


def rules_in_short(setup: LaneSetup) -> str:
    """What is set for this lane: "budget 2,000 tokens, stops loops"; "" for nothing."""
    words = ["two chains"] if setup.answer is not None else []
    budget = setup.reasoning_budget
    if budget is not None:
        unit = "token" if budget == 1 else "tokens"
        words.append("no budget" if budget == NO_BUDGET else f"budget {budget:,} {unit}")
    if setup.reasoning_budget_message is not None:
        words.append("own closing sentence")
    if setup.loop_guard is not None:
        words.append(GUARD_WORDS[setup.loop_guard])
    return ", ".join(words)
