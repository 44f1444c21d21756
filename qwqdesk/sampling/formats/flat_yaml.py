"""The small part of YAML that presets use: one `key: value` in a line.

Values are numbers, true and false, quoted or plain texts, lists in one line or with dashes, and
texts of several lines after `|`. Anything else of YAML (anchors, tags, nesting) is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import shown

_PAIR: Final = re.compile(r"([A-Za-z_][\w.-]*)[ \t]*:(?:[ \t]+(.*))?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_WORDS: Final = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
_MOST_LINES: Final = 5_000


def read_flat_yaml(text: str) -> dict[str, Any]:
    """The values by key; of a key that comes twice the last one.

    Raises:
        UserError: naming the first line that is not of this kind.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > _MOST_LINES:
        raise UserError("The preset is too long.", "Give one preset.", code="yaml")
    values: dict[str, Any] = {}
    at = 0
    while at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if not line.strip() or line.lstrip().startswith("#") or line in ("---", "..."):
            continue
        pair = _PAIR.fullmatch(line)
        if pair is None:
            raise _refused(line, at)
        end = _block_end(lines, at)
        block, at = lines[at:end], end
        values[pair[1]] = _read(pair[2] or "", block, at)
    return values


def _block_end(lines: list[str], start: int) -> int:
    """Lines that are indented, or begin with a dash, belong to the key above."""
    end = start
    for at in range(start, len(lines)):
        if lines[at][:1] in (" ", "\t") or lines[at].startswith("- "):
            end = at + 1 if lines[at].strip() else end
        elif lines[at]:
            break
    return end


def _read(text: str, block: list[str], line: int) -> object:
    text = _without_comment(text)
    inner = [entry.strip() for entry in block if entry.strip()]
    if text[:1] in ("|", ">"):
        return "\n".join(inner)
    if inner and not text and all(entry.startswith("-") for entry in inner):
        return [_scalar(_without_comment(entry[1:].strip()), line) for entry in inner]
    if inner and text[:1] == "'" and not text.endswith("'"):
        return _scalar("\n".join([text, *inner]), line)
    if inner:
        raise _refused(block[0], line)
    if text.startswith("["):
        return _list(text, line)
    return _scalar(text, line)


def _list(text: str, line: int) -> list[Any]:
    """A list in one line; of the commas in quotes only JSON's kind is known."""
    try:
        found = json.loads(text)
        if isinstance(found, list):
            return found
    except (ValueError, RecursionError):
        pass
    if not text.endswith("]") or "[" in text[1:] or '"' in text:
        raise _refused(text, line)
    return [_scalar(entry.strip(), line) for entry in text[1:-1].split(",") if entry.strip()]


def _scalar(text: str, line: int) -> object:
    if text[:1] == '"':
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise _refused(text, line) from None
        return found
    if text[:1] == "'":
        if len(text) < 2 or text[-1] != "'" or "'" in text[1:-1].replace("''", ""):
            raise _refused(text, line)
        return text[1:-1].replace("''", "'")
    if text[:1] in ("&", "*", "!", "{", "%", "@", "`"):
        raise _refused(text, line)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.lower() in ("", "~", "null"):
        return None
    return _WORDS.get(text.lower(), text)


def _without_comment(text: str) -> str:
    if text[:1] in ('"', "'"):
        quote = text[0]
        end = text.rfind(quote)
        behind = text[end + 1 :].strip()
        return text[: end + 1] if end > 0 and behind.startswith("#") else text.strip()
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()


def _refused(text: str, line: int) -> UserError:
    what = f"Line {line} of the preset cannot be read: {shown(text)!r}."
    return UserError(what, "Write one 'name: value' in a line.", code="yaml")
