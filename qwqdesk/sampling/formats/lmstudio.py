"""LM Studio's presets: `operation.fields` and `load.fields`, lists of keys and values.

A value may be `{"checked": true, "value": 0.95}`; unchecked means that the sampler is off. The
keys were seen in files, there is no published schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from qwqdesk.sampling.formats.foreign import Foreign, Imported, Place, places, seed
from qwqdesk.sampling.samplers import PARAMS

_PREFIXES: Final = ("llm.prediction.llama.", "llm.prediction.")
_PLACES: Final[Mapping[str, Place]] = places(
    {
        "temperature": "temperature",
        "topKSampling": "top_k",
        "topPSampling": "top_p",
        "minPSampling": "min_p",
        "typicalPSampling": "typical_p",
        "repeatPenalty": "repeat_penalty",
        "repeatPenaltyLastN": "repeat_last_n",
        "presencePenalty": "presence_penalty",
        "frequencyPenalty": "frequency_penalty",
        "maxPredictedTokens": "n_predict",
        "xtcProbability": "xtc_probability",
        "xtcThreshold": "xtc_threshold",
        "stopStrings": "stop",
    },
    ("seed", Place("seed", seed)),
)
_DEFAULTS: Final[Mapping[str, object]] = {"repeat_penalty": 1.1}


def is_lmstudio(data: Mapping[str, Any]) -> bool:
    """Whether a JSON object is such a preset."""
    return any(
        isinstance(data.get(part), Mapping) and isinstance(data[part].get("fields"), list)
        for part in ("operation", "load")
    )


def read_lmstudio(data: Mapping[str, Any], title: str) -> Imported:
    """The recipe in a preset; its system prompt, load settings and the rest are listed.

    Raises:
        UserError: when it has no sampling setting.
    """
    found = Foreign(_DEFAULTS)
    for key, value in _fields(data, "operation"):
        _set(found, key, value)
    for key, _ in _fields(data, "load"):
        found.leave(key)
    for key in data:
        if key not in ("operation", "load", "identifier", "name", "changed"):
            found.leave(key)
    name = data.get("name")
    return found.imported(name if isinstance(name, str) and name else title, "LM Studio preset")


def _fields(data: Mapping[str, Any], part: str) -> Iterator[tuple[str, object]]:
    section = data.get(part)
    fields = section.get("fields") if isinstance(section, Mapping) else None
    for field in fields if isinstance(fields, list) else ():
        if isinstance(field, Mapping):
            yield str(field.get("key")), field.get("value")
        else:
            yield f"{part}: {field!r}", None


def _set(found: Foreign, key: str, value: object) -> None:
    prefix = next((prefix for prefix in _PREFIXES if key.startswith(prefix)), "")
    place = _PLACES.get(key[len(prefix) :]) if prefix else None
    if place is None:
        found.leave(key)
        return
    if isinstance(value, Mapping):
        if value.get("checked") is False:
            found.set(Place(place.name), key, _off(place.name))
            return
        value = value.get("value")
    found.set(place, key, value)


def _off(name: str) -> object:
    neutral = PARAMS[name].neutral
    return PARAMS[name].default if neutral is None else neutral
