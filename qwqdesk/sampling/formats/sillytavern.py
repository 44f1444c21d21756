"""SillyTavern's text completion presets: flat JSON with orders for several back ends.

`samplers` is llama.cpp's order; where it is missing, `sampler_priority` (text-generation-webui's
names) and then `sampler_order` (KoboldCpp's numbers) are read. The orders not used are listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from qwqdesk.sampling.formats.foreign import OUR_STEPS, Foreign, Imported, Place, places, sigma
from qwqdesk.sampling.formats.koboldcpp import set_numbers
from qwqdesk.sampling.formats.textgen import STEPS as TEXTGEN_STEPS
from qwqdesk.sampling.formats.textgen import breakers, set_range

_PLACES: Final[Mapping[str, Place]] = places(
    {
        "temp": "temperature",
        "top_k": "top_k",
        "top_p": "top_p",
        "min_p": "min_p",
        "typical_p": "typical_p",
        "rep_pen": "repeat_penalty",
        "rep_pen_range": "repeat_last_n",
        "freq_pen": "frequency_penalty",
        "presence_pen": "presence_penalty",
        "dynatemp_exponent": "dynatemp_exponent",
        "dry_multiplier": "dry_multiplier",
        "dry_base": "dry_base",
        "dry_allowed_length": "dry_allowed_length",
        "dry_penalty_last_n": "dry_penalty_last_n",
        "xtc_probability": "xtc_probability",
        "xtc_threshold": "xtc_threshold",
        "mirostat_mode": "mirostat",
        "mirostat_tau": "mirostat_tau",
        "mirostat_eta": "mirostat_eta",
        "adaptive_target": "adaptive_target",
        "adaptive_decay": "adaptive_decay",
        "genamt": "n_predict",
        "ban_eos_token": "ignore_eos",
    },
    ("nsigma", Place("top_n_sigma", sigma)),
    ("top_n_sigma", Place("top_n_sigma", sigma)),
    ("dry_sequence_breakers", Place("dry_sequence_breakers", breakers)),
)
_ORDERS: Final = ("samplers", "sampler_priority", "sampler_order")
_DYNAMIC: Final = ("dynatemp", "min_temp", "max_temp")
_MARKS: Final = ("rep_pen", "rep_pen_range", "freq_pen", "presence_pen", "typical_p", *_ORDERS)
# llama.cpp's default values would act here unasked.
_DEFAULTS: Final[Mapping[str, object]] = {
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
}
_NAMES: Final[Mapping[object, str]] = {
    **OUR_STEPS,
    "typical_p": "typ_p",
    "temp": "temperature",
}


def is_sillytavern(data: Mapping[str, Any]) -> bool:
    """Whether a JSON object is such a preset: `temp` beside another of its own names."""
    return "temp" in data and any(name in data for name in _MARKS if name != "samplers")


def read_sillytavern(data: Mapping[str, Any], title: str) -> Imported:
    """The recipe in a preset.

    Raises:
        UserError: when it has no sampling setting.
    """
    found = Foreign(_DEFAULTS)
    special = {*_ORDERS, *_DYNAMIC}
    found.take({key: value for key, value in data.items() if key not in special}, _PLACES)
    _set_dynamic(found, data)
    _set_order(found, data)
    return found.imported(title, "SillyTavern preset")


def _set_dynamic(found: Foreign, data: Mapping[str, Any]) -> None:
    """A range from the lowest to the highest temperature, used when `dynatemp` is on."""
    if data.get("dynatemp") is True:
        set_range(found, data, "min_temp", "max_temp")
        return
    for key in _DYNAMIC:
        if key in data and data[key] is not False:
            found.leave(key)


def _set_order(found: Foreign, data: Mapping[str, Any]) -> None:
    lists = [name for name in _ORDERS if isinstance(data.get(name), list) and data[name]]
    for name in _ORDERS:
        if name in data and name not in lists[:1]:
            found.leave(name)
    if not lists:
        return
    if lists[0] == "sampler_order":
        set_numbers(found, lists[0], data[lists[0]])
    else:
        names = _NAMES if lists[0] == "samplers" else TEXTGEN_STEPS
        found.set_order(lists[0], data[lists[0]], names)
