"""JSON that a user wrote: read strictly, and found again by path for a message."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from qwqdesk.sampling.param import shown
from qwqdesk.sampling.text_error import TextError, line_and_column

Path = tuple[str | int, ...]
"""The names and numbers that lead to a value."""

_BLANK: Final = re.compile(r"[ \t\r\n]*")


def path_text(path: Path) -> str:
    """The path as JSON pointers are written: ``#/properties/name``."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "/".join(("#", *parts))


def read_json(text: str, *, code: str, what: str) -> object:
    """The value of a JSON text; NaN, Infinity and a name given twice are refused.

    Args:
        text: the whole text.
        code: of the error.
        what: the text's name in messages, such as "The JSON schema".

    Raises:
        TextError: with line and column.
    """
    try:
        found: object = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
        return found
    except json.JSONDecodeError as error:
        line, column = line_and_column(text, error.pos)
        found = f"{what} is wrong in line {line}, column {column}: {_words(error.msg)}."
        raise TextError(found, "Fix the JSON.", code=code, line=line, column=column) from None
    except RecursionError:
        raise TextError(f"{what} is nested too deep.", "Flatten it.", code=code) from None
    except ValueError as error:
        raise TextError(f"{what} is wrong: {shown(str(error))}.", "Fix it.", code=code) from None


def place(text: str, path: Path) -> tuple[int, int]:
    """Line and column of the value at a path of a valid JSON text; (0, 0) if it is not there."""
    at = _blank(text, 0)
    for part in path:
        found = _member(text, at, part)
        if found is None:
            return 0, 0
        at = found
    return line_and_column(text, at)


def _member(text: str, at: int, part: str | int) -> int | None:
    """Where the value of a name, or number `part` of a list, begins."""
    decoder = json.JSONDecoder()
    opening = text[at : at + 1]
    if opening != ("[" if isinstance(part, int) else "{"):
        return None
    at = _blank(text, at + 1)
    index = 0
    while at < len(text) and text[at] not in "]}":
        key: object = index
        if opening == "{":
            key, at = decoder.raw_decode(text, at)
            at = _blank(text, _blank(text, at) + 1)
        if key == part:
            return at
        _, at = decoder.raw_decode(text, at)
        at = _blank(text, at)
        if text.startswith(",", at):
            at = _blank(text, at + 1)
        index += 1
    return None


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    assert match is not None
    return match.end()


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {shown(name)} stands twice in one object")
        found[name] = value
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number of JSON")


def _words(message: str) -> str:
    return message[:1].lower() + message[1:]
