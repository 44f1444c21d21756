"""JSON, YAML and INI from anywhere, as plain values: lenient in writing, strict in size and time.

What people paste has comments, commas too many, another encoding: that is read. What a hostile
file has (aliases that multiply, endless nesting, keys in the millions) is refused in words.
"""

from __future__ import annotations

import configparser
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.recipe_files import json_fault

MAX_YAML: Final = 200_000
"""Characters of a YAML text. Its reader takes some 20 microseconds for each."""
MAX_INI: Final = 1_000_000
"""Characters of an INI text."""
TOP: Final = ""
"""The section of what stands above all sections of an INI file."""


@dataclass(frozen=True)
class Values:
    """The values of a text. `twice` are keys that one object has several times; the last counts."""

    data: Any
    twice: tuple[str, ...] = ()


def decoded(raw: bytes) -> str | None:
    """A text in UTF-8, or in UTF-16 with its mark (what PowerShell writes); None if it is none."""
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        return None


# ---------------------------------------------------------------- JSON

# One piece each: a text in quotes (also an unclosed one), a comment, a comma before a bracket.
_TEXT: Final = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'
_COMMENT: Final = re.compile(rf"{_TEXT}|//[^\r\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMMA: Final = re.compile(rf"{_TEXT}|,(?=\s*[\]}}])", re.DOTALL)


_BEFORE: Final = re.compile(r"\s+|//[^\r\n]*|#[^\r\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)


def starts_as_json(text: str) -> bool:
    """Whether an object or a list is the first thing in a text, after comments."""
    at = 0
    while match := _BEFORE.match(text, at):
        at = match.end()
    return text[at : at + 1] in ("{", "[")


def read_json(text: str) -> Values:
    """A JSON text, also one with comments, commas too many, or written as Python or YAML do.

    Raises:
        UserError: naming the place that is wrong.
    """
    try:
        return _strict_json(text)
    except RecursionError as error:
        raise _not_json(error) from error
    except ValueError as error:
        fault = error
    try:
        return _strict_json(_COMMA.sub(_kept, _COMMENT.sub(_kept, text)))
    except (ValueError, RecursionError):
        pass
    # An object of JavaScript or Python, {'top_k': 20, "do_sample": True}, is YAML.
    try:
        found = read_yaml(text)
    except UserError:
        found = Values(None)
    if isinstance(found.data, (Mapping, list)):
        return found
    raise _not_json(fault) from fault


def _kept(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else " "


def _strict_json(text: str) -> Values:
    twice: list[str] = []

    def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice.extend(key for key, count in counts.items() if count > 1)
        return found

    return Values(json.loads(text, object_pairs_hook=as_object), tuple(twice))


def _not_json(error: ValueError | RecursionError) -> UserError:
    what = f"It is not valid JSON: {json_fault(error)}."
    return UserError(what, "Fix the file or export it again.", code="json")


# ---------------------------------------------------------------- YAML


def read_yaml(text: str) -> Values:
    """A YAML text's first document, or the list of all.

    Raises:
        UserError: naming the line that is wrong; also for a text that is too long.
    """
    if len(text) > MAX_YAML:
        what = f"The text has {len(text):,} characters; a YAML file may have {MAX_YAML:,}."
        raise UserError(what, "Give the part with the settings alone.", code="yaml")
    from qwqdesk.sampling.formats.bounded_yaml import load_yaml  # PyYAML costs time at start

    return Values(*load_yaml(text))


# ---------------------------------------------------------------- INI

_HEADER: Final = re.compile(r"[ \t]*\[([^\[\]\r\n\"{},]+)\][ \t]*(?:[;#].*)?")
_PAIR: Final = re.compile(r"[ \t]*[A-Za-z_][\w.-]*[ \t]*=.*")
# Not from within a run of blanks: a search would begin at each of them.
_INSIDE: Final = re.compile(r"(?<![ \t])[ \t]+[;#].*")


def is_ini(text: str) -> bool:
    """Whether every line is a section, a `name = value`, a comment or blank; one pair at least."""
    pairs = 0
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith((";", "#")):
            continue
        if _PAIR.fullmatch(line):
            pairs += 1
        elif _HEADER.fullmatch(line) is None:
            return False
    return pairs > 0


def read_ini(text: str) -> Values:
    """The sections of an INI text, each with texts by key; `TOP` is what stands above them.

    Raises:
        UserError: for a text that is no INI.
    """
    if len(text) > MAX_INI:
        what = f"The text has {len(text):,} characters; an INI file may have {MAX_INI:,}."
        raise UserError(what, "Give the part with the settings alone.", code="ini")
    # configparser would add indented lines to the value above, and knows no pair above a section.
    lines = [_INSIDE.sub("", line.strip()) for line in text.splitlines()]
    parser = configparser.RawConfigParser(
        delimiters=("=",), strict=False, allow_no_value=True, default_section="\0"
    )
    twice = _ini_repeated(lines)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # documented for this use
    try:
        parser.read_string("\n".join(["[\1]", *lines]))
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", ())), (2,))[0]
        what = f"It is not a valid INI file: line {line - 1} is no 'name = value'."
        raise UserError(what, "Fix the line.", code="ini") from None
    sections: dict[str, dict[str, str]] = {}
    for name in parser.sections():
        values = {key: _ini_value(value) for key, value in parser.items(name)}
        if values or name != "\1":
            sections[TOP if name == "\1" else name] = values
    return Values(sections, twice)


def _ini_repeated(lines: list[str]) -> tuple[str, ...]:
    section = TOP
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if header := _HEADER.fullmatch(line):
            section = header[1]
        elif _PAIR.fullmatch(line):
            counts[section, line.partition("=")[0].strip()] += 1
    return tuple(dict.fromkeys(key for (_, key), count in counts.items() if count > 1))


def _ini_value(value: str | None) -> str:
    text = (value or "").strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
