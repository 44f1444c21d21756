"""The tokenizer of the optional package transformers, to compare with llama.cpp's.

It works in a child process, because it takes seconds to import and reads a stranger's file; and
from files on this disk alone: the child is told to ask no hub and to run no code of a model.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from qwqdesk.child_process import run_child
from qwqdesk.errors import UserError

_SECONDS = 120.0
_MAX_ANSWER = 64 << 20
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
}


@dataclass(frozen=True)
class Difference:
    """The first place where two lists of tokens differ; None where one of them has ended."""

    place: int
    ours: int | None
    theirs: int | None


def is_installed() -> bool:
    """Whether there is a transformers to compare with; it is not imported."""
    return find_spec("transformers") is not None


def reference_tokens(
    path: Path, text: str, *, add_special: bool, python: str = sys.executable
) -> tuple[str, list[int]]:
    """The version of transformers, and the ids that it makes of a text. Blocks for some seconds.

    Raises:
        UserError: code "load": it does not know this tokenizer, failed, or took too long.
    """
    try:
        done = run_child(
            "qwqdesk.models.reference_tokenizer_child",
            str(path),
            given=json.dumps({"text": text, "add": add_special}).encode("ascii"),
            seconds=_SECONDS,
            python=python,
            more=_OFFLINE,
        )
        lines = done.output[-_MAX_ANSWER:].splitlines()
        answer = json.loads(lines[-1]) if lines else {}
    except (OSError, ValueError, subprocess.TimeoutExpired):
        answer = {"error": "no answer"}
    if "ids" not in answer:
        raise UserError(
            f"transformers cannot use this file's tokenizer ({answer.get('error', '')}).",
            "It may not know the architecture. llama.cpp's tokens are those that the model gets.",
            code="load",
        )
    return str(answer["version"]), [int(token) for token in answer["ids"]]


def first_difference(ours: Sequence[int], theirs: Sequence[int]) -> Difference | None:
    """Where two lists of ids differ first; None when they are the same."""
    for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return Difference(place, one, other)
    if len(ours) == len(theirs):
        return None
    place = min(len(ours), len(theirs))
    longer = (ours[place], None) if len(ours) > place else (None, theirs[place])
    return Difference(place, *longer)
