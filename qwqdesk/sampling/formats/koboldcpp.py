"""KoboldCpp's settings: flat JSON, and an order in numbers from 0 to 6.

In KoboldCpp number 2 runs top-p and then min-p; DRY runs before the listed ones, XTC after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from qwqdesk.sampling.formats.foreign import Foreign, Imported, Place, places, seed, sigma
from qwqdesk.sampling.samplers import DEFAULT_ORDER

_STEPS: Final[Mapping[int, tuple[str, ...]]] = {
    0: ("top_k",),
    2: ("top_p", "min_p"),
    4: ("typ_p",),
    5: ("temperature",),
    6: ("penalties",),
}
_UNKNOWN: Final[Mapping[int, str]] = {1: "top_a", 3: "tfs"}
DEFAULT_NUMBERS: Final = (6, 0, 1, 3, 4, 2, 5)

_PLACES: Final[Mapping[str, Place]] = places(
    {
        "temperature": "temperature",
        "dynatemp_range": "dynatemp_range",
        "dynatemp_exponent": "dynatemp_exponent",
        "top_k": "top_k",
        "top_p": "top_p",
        "min_p": "min_p",
        "typical": "typical_p",
        "rep_pen": "repeat_penalty",
        "rep_pen_range": "repeat_last_n",
        "presence_penalty": "presence_penalty",
        "dry_multiplier": "dry_multiplier",
        "dry_base": "dry_base",
        "dry_allowed_length": "dry_allowed_length",
        "dry_penalty_last_n": "dry_penalty_last_n",
        "dry_sequence_breakers": "dry_sequence_breakers",
        "xtc_probability": "xtc_probability",
        "xtc_threshold": "xtc_threshold",
        "mirostat": "mirostat",
        "mirostat_tau": "mirostat_tau",
        "mirostat_eta": "mirostat_eta",
        "max_length": "n_predict",
        "stop_sequence": "stop",
    },
    ("nsigma", Place("top_n_sigma", sigma)),
    ("sampler_seed", Place("seed", seed)),
)
# What KoboldCpp's server uses for values that a request leaves out.
_DEFAULTS: Final[Mapping[str, object]] = {
    "temperature": 0.75,
    "top_k": 100,
    "top_p": 0.92,
    "min_p": 0.0,
    "repeat_penalty": 1.0,
    "repeat_last_n": 360,
}

_OURS: Final[Mapping[object, str]] = {name: name for name in DEFAULT_ORDER}


def is_koboldcpp(data: Mapping[str, Any]) -> bool:
    """Whether a JSON object is such a request or a saved setting."""
    return "temp" not in data and ("sampler_order" in data or "rep_pen" in data)


def read_koboldcpp(data: Mapping[str, Any], title: str) -> Imported:
    """The recipe in the settings; samplers that llama.cpp has not are listed.

    Raises:
        UserError: when there is no sampling setting.
    """
    found = Foreign(_DEFAULTS)
    found.take({key: value for key, value in data.items() if key != "sampler_order"}, _PLACES)
    numbers = data.get("sampler_order")
    set_numbers(found, "sampler_order", numbers if isinstance(numbers, list) else DEFAULT_NUMBERS)
    return found.imported(title, "KoboldCpp settings")


def set_numbers(found: Foreign, key: str, numbers: list[object] | tuple[int, ...]) -> None:
    """Take KoboldCpp's order; what it runs before and after the listed ones is added."""
    order: list[object] = ["dry", "top_n_sigma"]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int):
            order.append(number)
        elif number in _UNKNOWN:
            found.leave(f"{key}: {number} ({_UNKNOWN[number]})")
        else:
            order += _STEPS.get(number, (number,))
    found.set_order(key, [*order, "xtc"], _OURS)
