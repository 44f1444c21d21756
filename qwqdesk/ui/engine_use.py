"""For what the engine is used, one thing at a time, and how that is said to those who must wait."""

from __future__ import annotations

from typing import Final, Literal

from qwqdesk.errors import UserError

EngineUse = Literal["", "chat", "check", "trials", "load"]
"""An answer, a fairness check or rerun, an experiment's trials, or the load of the user's model."""

_BUSY: Final[dict[EngineUse, str]] = {
    "chat": "A chat is being answered.",
    "check": "A fairness check is running.",
    "trials": "The lab is running an experiment.",
    "load": "The model is being loaded.",
}
_UNTIL: Final[dict[EngineUse, str]] = {
    "chat": "Waits until the other chat is answered.",
    "check": "Waits for the end of the fairness check.",
    "trials": "Waits for the end of the experiment in the lab.",
    "load": "Waits until the model is loaded.",
}


def busy_words(use: EngineUse) -> str:
    """What the engine is doing; "" when it is free."""
    return _BUSY.get(use, "")


def waiting_words(use: EngineUse) -> str:
    """For what something waits that needs the engine."""
    return _UNTIL.get(use, "")


def busy_error(use: EngineUse) -> UserError:
    """Why something cannot run now."""
    todo = "Wait until it is ready." if use == "load" else "Wait for its end or stop it."
    return UserError(busy_words(use), todo, code="busy")
