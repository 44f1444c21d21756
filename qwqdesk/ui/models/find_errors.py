"""Errors of the hub in the window: the sentence, and the next steps as buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qwqdesk.errors import UserError
from qwqdesk.ui.base import MessageBand

AGAIN, PAGE, TOKEN, FOLDER = "Try again", "Model page", "Access token", "Choose folder"
WITHOUT = "Try without it"
_STEPS: Mapping[str, tuple[str, ...]] = {
    "gated_login": (PAGE, TOKEN, AGAIN),
    "gated_ask": (PAGE, AGAIN),
    "token": (TOKEN, WITHOUT),
    "not_found": (AGAIN, TOKEN),
    "disabled": (PAGE,),
    "disk_full": (FOLDER, AGAIN),
    "offline": (),
    "no_file": (),
    "ambiguous": (),
    "incomplete": (),
}
# What the command line says with its own flags.
_DO: Mapping[str, str] = {
    "gated_login": "Accept its licence on the model page, then add an access token (Settings, or "
    "the variable HF_TOKEN).",
    "gated_ask": "Ask for access on the model page.",
    "token": "Change the token (Settings, or the variable HF_TOKEN), or go on without an account.",
    "not_found": "Check the name; a private repository needs an access token (Settings).",
}


def error_band(
    error: UserError, acts: Mapping[str, Callable[[], object]], *, below: bool = False, name: str
) -> MessageBand:
    """The message with those of its next steps that `acts` can do."""
    gated = error.code in ("gated_login", "gated_ask")
    made = MessageBand(
        "window" if gated else "warn" if error.code == "offline" else "bad",
        error.what,
        _DO.get(error.code, error.what_to_do),
        icon_name="lock" if gated else "cloud-off" if error.code == "offline" else "",
        below=below,
        name=name,
    )
    for step in _STEPS.get(error.code, (AGAIN,)):
        if step in acts:
            button = made.add_action(step, acts[step])
            button.setObjectName(f"{name}{step.split()[0]}")
    return made
