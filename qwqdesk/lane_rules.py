"""What watches over a lane while it writes: loop guard, budget of its reasoning, constraints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints

NO_BUDGET: Final = -1
CLOSING_SENTENCE: Final = "I have thought long enough; I will answer now."
"""Written at the end of reasoning that is closed from outside, unless the user has own words."""


@dataclass(frozen=True)
class LaneRules:
    """All values stated, as the engine gets them.

    Behind `reasoning_budget` tokens of reasoning (-1: no limit, 0: at once), or when the user asks
    for the answer now, `reasoning_budget_message` and the closing tag are written.
    """

    loop_guard: LoopGuard = "mark"
    reasoning_budget: int = NO_BUDGET
    reasoning_budget_message: str = CLOSING_SENTENCE
    constraints: Constraints = NO_CONSTRAINTS

    @classmethod
    def of(cls, guard: LoopGuard, budget: int, message: str | None) -> LaneRules:
        """Rules from what was chosen; without a message the usual sentence, if there is a thought.

        A budget of 0 leaves no thought that the sentence could end.
        """
        if message is None:
            message = "" if budget == 0 else CLOSING_SENTENCE
        return cls(guard, budget, message)
