"""text-generation-webui's presets: YAML with the values that differ from its own defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.formats.flat_yaml import read_flat_yaml
from qwqdesk.sampling.formats.foreign import Foreign, Imported, Place, places, seed, sigma
from qwqdesk.sampling.samplers import PARAMS

STEPS: Final[Mapping[object, str]] = {
    "repetition_penalty": "penalties",
    "presence_penalty": "penalties",
    "frequency_penalty": "penalties",
    "dry": "dry",
    "temperature": "temperature",
    "dynamic_temperature": "temperature",
    "top_n_sigma": "top_n_sigma",
    "top_k": "top_k",
    "top_p": "top_p",
    "typical_p": "typ_p",
    "min_p": "min_p",
    "xtc": "xtc",
    "adaptive_p": "adaptive_p",
}
# Its order where a preset states none, as far as llama.cpp has the samplers.
_ORDER: Final = (
    *("penalties", "dry", "top_n_sigma", "temperature", "top_k"),
    *("top_p", "typ_p", "min_p", "xtc"),
)
_DEFAULTS: Final[Mapping[str, object]] = {
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "repeat_last_n": 1024,
}


def breakers(value: object) -> object:
    """Sequence breakers as a list, or as JSON texts with commas between them."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return json.loads(text if text.startswith("[") else f"[{text}]")


def _last_n(value: object) -> object:
    """0 is the whole context there, off here."""
    return -1 if value == 0 and not isinstance(value, bool) else value


_PLACES: Final[Mapping[str, Place]] = places(
    {
        "temperature": "temperature",
        "dynatemp_exponent": "dynatemp_exponent",
        "top_k": "top_k",
        "top_p": "top_p",
        "min_p": "min_p",
        "typical_p": "typical_p",
        "xtc_probability": "xtc_probability",
        "xtc_threshold": "xtc_threshold",
        "repetition_penalty": "repeat_penalty",
        "presence_penalty": "presence_penalty",
        "frequency_penalty": "frequency_penalty",
        "dry_multiplier": "dry_multiplier",
        "dry_base": "dry_base",
        "dry_allowed_length": "dry_allowed_length",
        "mirostat_mode": "mirostat",
        "mirostat_tau": "mirostat_tau",
        "mirostat_eta": "mirostat_eta",
        "adaptive_target": "adaptive_target",
        "adaptive_decay": "adaptive_decay",
        "max_new_tokens": "n_predict",
        "ban_eos_token": "ignore_eos",
    },
    ("top_n_sigma", Place("top_n_sigma", sigma)),
    ("repetition_penalty_range", Place("repeat_last_n", _last_n)),
    ("dry_sequence_breakers", Place("dry_sequence_breakers", breakers)),
    ("seed", Place("seed", seed)),
)
_SPECIAL: Final = (
    *("sampler_priority", "temperature_last", "do_sample"),
    *("dynamic_temperature", "dynatemp_low", "dynatemp_high"),
)


def read_textgen(text: str, title: str) -> Imported:
    """The recipe in a preset's text.

    Raises:
        UserError: when it is no flat YAML or has no sampling setting.
    """
    return from_textgen(read_flat_yaml(text), title)


def from_textgen(data: Mapping[str, Any], title: str) -> Imported:
    """The recipe in a preset's values."""
    found = Foreign(_DEFAULTS)
    found.take({key: value for key, value in data.items() if key not in _SPECIAL}, _PLACES)
    _set_dynamic(found, data)
    _set_order(found, data)
    if data.get("do_sample") is False:
        found.values["temperature"] = 0.0
    elif "do_sample" in data and data["do_sample"] is not True:
        found.leave("do_sample")
    return found.imported(title, "text-generation-webui preset")


def is_textgen(text: str) -> bool:
    """Whether a line of the text is `name: value` with a name that such presets have."""
    keys = (line.partition(":")[0].rstrip() for line in text.splitlines() if ":" in line)
    return any(key in _PLACES or key in _SPECIAL for key in keys)


def set_range(found: Foreign, data: Mapping[str, Any], low: str, high: str) -> None:
    """A lowest and a highest temperature as llama.cpp's temperature with a range around it."""
    try:
        bottom, top = float(data[low]), float(data[high])
        if not 0.0 <= bottom <= top:
            raise ValueError
        middle = PARAMS["temperature"].check((bottom + top) / 2)
        around = PARAMS["dynatemp_range"].check((top - bottom) / 2)
    except (KeyError, TypeError, ValueError, OverflowError, UserError):
        for key in (low, high):
            found.leave(key)
        return
    found.values.update(temperature=middle, dynatemp_range=around)


def _set_dynamic(found: Foreign, data: Mapping[str, Any]) -> None:
    if data.get("dynamic_temperature") is True:
        ends = {"dynatemp_low": 1.0, "dynatemp_high": 1.0, **data}
        set_range(found, ends, "dynatemp_low", "dynatemp_high")
        return
    for key in ("dynamic_temperature", "dynatemp_low", "dynatemp_high"):
        if key in data and data[key] is not False:
            found.leave(key)


def _set_order(found: Foreign, data: Mapping[str, Any]) -> None:
    stated = data.get("sampler_priority")
    names = stated.split() if isinstance(stated, str) else stated
    if isinstance(names, list):
        found.set_order("sampler_priority", names, STEPS)
    else:
        if names is not None:
            found.leave("sampler_priority")
        found.order = _ORDER if found.values else None
    last = data.get("temperature_last")
    if last is True and found.order and "temperature" in found.order:
        found.order = (*(step for step in found.order if step != "temperature"), "temperature")
    elif last not in (True, False, None):
        found.leave("temperature_last")
