"""Why a lane could not begin to answer a message: kept as a code, said in words where it is shown.

A model that is gone, damaged or too large costs its own lanes only. The reason is kept with the
message, so that the lane says it again when the conversation is opened again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from qwqdesk.conversation import LaneFailure
from qwqdesk.errors import UserError

# Codes that are about the model's file: as long as it is the same, so is the failure.
_OF_THE_FILE: Final = frozenset({"not_found", "not_gguf", "corrupt", "byte_order", "architecture"})
_NEXT_STEPS: Final = {
    "not_found": "Put the file back, or choose another model for this lane.",
    "unreadable": "Check the file's permissions and the disk, or choose another model.",
    "not_gguf": "Choose another model for this lane.",
    "corrupt": "Download or copy the file again, or choose another model for this lane.",
    "architecture": "Choose another model for this lane.",
    "memory": "Close other programs, or choose a smaller model or context for this lane.",
}


def failure_of(error: UserError, model: Path | None) -> LaneFailure:
    """What is kept of an error that came before a lane's first token.

    Args:
        error: what the loader or the engine reported; its sentences are kept as such.
        model: the file that the lane runs on; None is whatever was loaded.
    """
    arguments: dict[str, Any] = {"reported": error.what, "advice": error.what_to_do}
    if model is not None:
        arguments |= {"model": str(model), "file": _state(model)}
    return LaneFailure(error.code, arguments)


def failure_error(failure: LaneFailure) -> UserError:
    """A failure in words, with what a user can do about it at this lane."""
    model = failure.arguments.get("model")
    what = str(failure.arguments.get("reported") or "This lane could not run.")
    if failure.code == "not_found" and model and failure.arguments.get("file") is None:
        what = f"There is no file {model}."
    advice = str(failure.arguments.get("advice") or "")
    return UserError(what, _NEXT_STEPS.get(failure.code, advice), code=failure.code)


def may_work_now(failure: LaneFailure, model: str | None) -> bool:
    """Whether asking the lane again could end otherwise.

    Not where the failure is the file's own and the file is still the same. `model` is the path of
    the one that the lane runs on now; None is whatever is loaded.
    """
    then = failure.arguments.get("model")
    if failure.code not in _OF_THE_FILE or not isinstance(then, str):
        return True
    if model is not None and model != then:
        return True
    return _state(Path(then)) != failure.arguments.get("file")


def _state(path: Path) -> list[int] | None:
    """Size in bytes and time of change; None where no file can be asked."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return [state.st_size, state.st_mtime_ns]
