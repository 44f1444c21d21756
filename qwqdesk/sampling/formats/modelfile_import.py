"""The PARAMETER lines of an Ollama Modelfile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from qwqdesk.sampling.formats.foreign import Foreign, Imported, Place, places, seed
from qwqdesk.sampling.formats.modelfile import OLLAMA_NAMES
from qwqdesk.sampling.samplers import PARAMS

_INSTRUCTIONS: Final = (
    *("FROM", "PARAMETER", "TEMPLATE", "SYSTEM", "ADAPTER", "LICENSE", "MESSAGE", "REQUIRES"),
    *("RENDERER", "PARSER", "DRAFT"),
)
_LINE: Final = re.compile(rf"[ \t]*({'|'.join(_INSTRUCTIONS)})[ \t]+(.*)", re.IGNORECASE)
_WORD: Final = re.compile(r"(\S+)\s+(.*)", re.DOTALL)

# Ollama once knew mirostat, and old files name it; seed and stop are read in ways of their own.
_ONCE: Final = ("mirostat", "mirostat_tau", "mirostat_eta")
_PLACES: Final[Mapping[str, Place]] = places(
    {theirs: ours for ours, theirs in OLLAMA_NAMES.items() if ours not in ("seed", "stop")}
    | {name: name for name in _ONCE},
    ("seed", Place("seed", seed)),
)
# Ollama's own values for what a Modelfile leaves out (docs/modelfile.mdx, api/types.go).
_DEFAULTS: Final[Mapping[str, object]] = {
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.9,
    "min_p": 0.0,
    "repeat_penalty": 1.1,
    "repeat_last_n": 64,
}


def is_modelfile(text: str) -> bool:
    """Whether the first line that is no comment is an instruction of a Modelfile."""
    for line in text.removeprefix("\ufeff").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return _LINE.match(line) is not None
    return False


def read_modelfile(text: str, title: str) -> Imported:
    """The recipe in a Modelfile; other instructions and parameters are listed.

    Raises:
        UserError: when no parameter is a sampling setting.
    """
    found = Foreign(_DEFAULTS)
    stops: list[str] = []
    for instruction, rest in _instructions(text):
        if instruction != "PARAMETER":
            found.leave(instruction)
            continue
        pair = _WORD.fullmatch(rest)
        name, value = (pair[1].lower(), _unquoted(pair[2])) if pair else (rest, "")
        if name == "stop" and value:
            stops.append(value)
        elif name in _PLACES:
            _set_number(found, name, value)
        else:
            found.leave(name)
    if stops:
        found.set(Place("stop"), "stop", stops)
    return found.imported(title, "Ollama Modelfile")


def _set_number(found: Foreign, name: str, text: str) -> None:
    """Numbers are written as text; the place's own change comes after they are read."""
    place = _PLACES[name]
    param = PARAMS[place.name]
    found.set(Place(place.name, lambda value: place.change(param.parse(value))), name, text.strip())


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction with what stands after it; three quotes span lines."""
    lines = iter(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"))
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.split()[0], ""
            continue
        rest = [match[2]]
        is_open = match[2].count('"""') % 2 == 1
        while is_open and (following := next(lines, None)) is not None:
            rest.append(following)
            is_open ^= following.count('"""') % 2 == 1
        yield match[1].upper(), "\n".join(rest)


def _unquoted(text: str) -> str:
    stripped = text.strip()
    for quote in ('"""', '"'):
        if len(stripped) >= 2 * len(quote) and stripped.startswith(quote):
            return stripped.removeprefix(quote).removesuffix(quote)
    return stripped
