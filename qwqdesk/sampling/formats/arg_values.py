"""What llama.cpp's programs make of a value outside a parameter's range, and of unknown steps.

Some values outside the range mean the same as its end: a temperature of -1 is 0, a top-p of 1.5
keeps all tokens. llama.cpp's programs take them, so they are taken here and said. What is not in
these tables is refused, as llama.cpp refuses it, or because it would do something that no setting
of this program does. Read in common/arg.cpp and src/llama-sampler.cpp of llama.cpp 0c1e57098.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.param import UINT32_MAX, Param, Value, number_text, shown
from qwqdesk.sampling.samplers import STEPS, sampler_named

_BELOW: Final[Mapping[str, float]] = MappingProxyType(
    {
        "temperature": 0.0,
        "dynatemp_range": 0.0,
        "top_k": 0,
        "top_p": 0.0,
        "min_p": 0.0,
        "top_n_sigma": -1.0,
        "typical_p": 0.0,
        "xtc_probability": 0.0,
        "xtc_threshold": 0.0,
        "adaptive_target": -1.0,
        "adaptive_decay": 0.0,
    }
)
"""What a number below the range means."""
_ABOVE: Final[Mapping[str, float]] = MappingProxyType(
    {
        "top_p": 1.0,
        "typical_p": 1.0,
        "xtc_probability": 1.0,
        "xtc_threshold": 1.0,
        "adaptive_decay": 0.99,
    }
)
"""What a number above the range means."""

_FREE: Final = {
    kind: Param("", kind, (), 0, "", "")  # the same notation, without a range
    for kind in ("int", "float")
}


def taken_as(param: Param, number: float) -> Value | None:
    """The value inside the range that does what this number does; None where none does."""
    end: float | None = None
    if param.minimum is not None and number < param.minimum:
        end = _BELOW.get(param.name)
    elif param.maximum is not None and number > param.maximum:
        end = _ABOVE.get(param.name)
    if param.name == "seed" and param.kind == "int":
        end = int(number) & UINT32_MAX  # std::stoul, then 32 bits of it
    return None if end is None else param.check(end)


def read_number(param: Param, text: str) -> tuple[Value | None, str]:
    """The value of a number on a command line, and a sentence where it is not the number itself.

    The value is None where llama.cpp leaves the flag without effect.

    Raises:
        UserError: when it is no number, or one that is refused.
    """
    try:
        return param.parse(text), ""
    except UserError:
        free = _FREE["int" if param.kind == "int" else "float"]
        try:
            number = free.parse(text)
        except UserError:
            number = None
        if not isinstance(number, (int, float)):
            raise
        if param.name == "dry_base" and number < 1:
            return None, f"{param.flags[0]} {text.strip()} is below 1: llama.cpp leaves it out."
        value = taken_as(param, number)
        if not isinstance(value, (int, float)):
            raise
    said = number_text(value)
    return value, f"{param.flags[0]} {text.strip()} counts as {said}, as in llama.cpp."


# ---------------------------------------------------------------- steps


def known_steps(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps that these names mean, and the names that mean none.

    Raises:
        UserError: for llama.cpp's infill, which is known there and not built here.
    """
    steps: list[str] = []
    skipped: list[str] = []
    for name in names:
        if name.strip().lower() == "infill":
            raise _infill()
        try:
            steps.append(sampler_named(name).name)
        except UserError:
            skipped.append(name.strip())
    return tuple(steps), tuple(name for name in dict.fromkeys(skipped) if name)


def known_letters(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps that these letters mean, and the letters that mean none.

    Raises:
        UserError: for llama.cpp's infill, which is known there and not built here.
    """
    by_letter = {step.letter: step.name for step in STEPS}
    letters = re.sub(r"\s", "", text)
    if "i" in letters:
        raise _infill()
    skipped = dict.fromkeys(letter for letter in letters if letter not in by_letter)
    return tuple(by_letter[letter] for letter in letters if letter in by_letter), tuple(skipped)


def skipped_warnings(skipped: Iterable[str]) -> tuple[ChainWarning, ...]:
    """What a lane says of steps that were skipped, as llama.cpp's programs do."""
    return tuple(ChainWarning("unknown-sampler", _skipped_words(name)) for name in skipped)


def _skipped_words(name: str) -> str:
    hint = " llama.cpp calls it typ_p." if name.lower().startswith("typical") else ""
    return f"There is no sampler {shown(name)!r}: it was skipped, as llama.cpp does.{hint}"


def _infill() -> UserError:
    what = "llama.cpp's sampler infill, for code in the middle of a text, is not built here."
    return UserError(what, "Take infill out of the list.", code="sampler")
