"""Hugging Face's `generation_config.json`.

Values that are missing have Transformers' defaults, and its order is another one: penalty,
temperature, top-k, top-p, min-p, typical-p.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from qwqdesk.sampling.formats.foreign import Foreign, Imported, Place, places

_MARKS: Final = ("transformers_version", "do_sample", "eos_token_id", "_from_model_config")
_PLACES: Final[Mapping[str, Place]] = places(
    {
        "temperature": "temperature",
        "top_k": "top_k",
        "top_p": "top_p",
        "min_p": "min_p",
        "typical_p": "typical_p",
        "repetition_penalty": "repeat_penalty",
        "max_new_tokens": "n_predict",
        "stop_strings": "stop",
    }
)
_ORDER: Final = ("penalties", "temperature", "top_k", "top_p", "min_p", "typ_p")
# Its repetition penalty sees the whole text.
_DEFAULTS: Final[Mapping[str, object]] = {
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "min_p": 0.0,
    "repeat_last_n": -1,
}


def is_generation_config(data: Mapping[str, Any]) -> bool:
    """Whether a JSON object is such a file."""
    return any(name in data for name in _MARKS) or (
        "repetition_penalty" in data and "samplers" not in data
    )


def read_generation_config(data: Mapping[str, Any], title: str) -> Imported:
    """The recipe in the file; without `do_sample` it is greedy, as it is in Transformers.

    Raises:
        UserError: when it has no sampling setting.
    """
    found = Foreign(_DEFAULTS, order=_ORDER if "do_sample" in data else None)
    values = {key: value for key, value in data.items() if key != "do_sample"}
    stop = values.get("stop_strings")
    if isinstance(stop, str):
        values["stop_strings"] = [stop]
    found.take(values, _PLACES)
    found.order = _ORDER if found.values or found.order else None
    sample = data.get("do_sample")
    if sample is False:
        found.values["temperature"] = 0.0
    elif "do_sample" in data and sample is not True:
        found.leave("do_sample")
    return found.imported(title, "generation_config.json")
