"""The PARAMETER lines of an Ollama Modelfile, read as its own parser reads the file.

A text that begins with a quotation mark goes on until a line that ends with the same mark, however
many lines that takes; what such a text says is no instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from qwqdesk.sampling.formats.foreign import Imported, LeftOut
from qwqdesk.sampling.formats.programs import OLLAMA
from qwqdesk.sampling.param import shown

_INSTRUCTIONS: Final = (
    *("FROM", "PARAMETER", "TEMPLATE", "SYSTEM", "ADAPTER", "LICENSE", "MESSAGE", "REQUIRES"),
    *("RENDERER", "PARSER", "DRAFT"),
)
_LINE: Final = re.compile(rf"[ \t]*({'|'.join(_INSTRUCTIONS)})(?:[ \t]+(.*))?", re.IGNORECASE)
_NAMED: Final = frozenset({"PARAMETER", "MESSAGE"})
"""Instructions whose text stands after one more word."""
_MARKS: Final = ('"""', "'''", '"', "'")
_NEVER_CLOSED: Final = "its quotation mark is never closed."

_MODELFILE: Final = replace(OLLAMA, title="Ollama Modelfile", special={}, silent=frozenset())


@dataclass(frozen=True)
class _Instruction:
    """One instruction; `name` is the word after PARAMETER or MESSAGE."""

    kind: str
    name: str
    text: str
    is_closed: bool = True


def is_modelfile(text: str) -> bool:
    """Whether the first line that is no comment is an instruction of a Modelfile."""
    for line in _lines(text):
        if line.strip() and not line.lstrip().startswith("#"):
            match = _LINE.fullmatch(line)
            return match is not None and bool((match[2] or "").strip())
    return False


def read_modelfile(text: str, title: str) -> Imported:
    """The recipe in a Modelfile; other instructions and parameters are listed.

    Raises:
        UserError: when no parameter is a sampling setting.
    """
    data: dict[str, Any] = {}
    more: list[LeftOut] = []
    stops: list[str] = []
    for item in _instructions(_lines(text)):
        name = item.name.lower()
        if not item.is_closed:
            more.append(LeftOut(name or item.kind, "value-left-out", _NEVER_CLOSED))
        elif item.kind != "PARAMETER" or not name:
            data.setdefault(shown(item.kind), "")
            more.append(LeftOut(shown(item.kind)))
        elif name == "stop":
            stops.append(item.text)
            data["stop"] = stops
        else:
            if name in data:
                more.append(LeftOut(name, "stated-twice", "of the two the last one counts."))
            data[name] = item.text
    values = {key: value for key, value in data.items() if value != ""}
    found = _MODELFILE.read(values, title)
    places = {key: at for at, key in enumerate(data)}
    left_out = sorted(
        dict.fromkeys((*found.left_out, *more)), key=lambda item: places.get(item.name, len(places))
    )
    return replace(found, left_out=tuple(left_out))


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _instructions(lines: list[str]) -> Iterator[_Instruction]:
    closing = {mark: _last_closing(lines, mark) for mark in _MARKS}
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            yield _Instruction(line.split()[0], "", "")
            continue
        kind, rest = match[1].upper(), (match[2] or "").strip()
        name = ""
        if kind in _NAMED:
            name, *after = rest.split(None, 1)[:2] or [""]
            rest = after[0] if after else ""
        mark = next((mark for mark in _MARKS if rest.startswith(mark)), "")
        if not mark:
            yield _Instruction(kind, name, _without_comment(rest, name))
            continue
        text = [rest]
        is_closed = _is_closed(rest, mark)
        if not is_closed and closing[mark] >= at:
            while not lines[at].rstrip().endswith(mark):
                text.append(lines[at])
                at += 1
            text.append(lines[at].rstrip())
            at += 1
            is_closed = True
        elif not is_closed and mark == "'":
            is_closed, mark = True, ""  # an apostrophe
        elif not is_closed and kind != "PARAMETER":
            at = len(lines)  # all of it is the text
        whole = "\n".join(text)
        end = len(whole) - len(mark)
        yield _Instruction(kind, name, whole[len(mark) : end], is_closed)


def _last_closing(lines: list[str], mark: str) -> int:
    return max((at for at, line in enumerate(lines) if line.rstrip().endswith(mark)), default=-1)


def _is_closed(text: str, mark: str) -> bool:
    return len(text) >= 2 * len(mark) and text.endswith(mark)


def _without_comment(text: str, name: str) -> str:
    """Ollama knows no comment behind a value; people write them all the same."""
    return text if name == "stop" else re.split(r"\s#", text, maxsplit=1)[0]
