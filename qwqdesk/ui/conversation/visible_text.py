"""Owns what a model's characters become before Qt sees them: nothing unseen, nothing that harms.

Control characters are shown as their pictures, so that a reply cannot hide anything; direction
overrides, which make code read differently from what it says, are shown as their numbers; lone
surrogates and Qt's internal marks become U+FFFD.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
    "\ufdd0-\ufdef\ufffc\ufffe\uffff]"
)


def visible(text: str) -> str:
    """The text as it may be shown; carriage returns vanish (the source keeps them)."""
    return _SPECIAL.sub(_shown, text) if _SPECIAL.search(text) else text


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x0D:
        return ""
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code in (0x2028, 0x2029):
        return "\n"
    if 0x202A <= code <= 0x2069:
        return f"\u27e8U+{code:04X}\u27e9"
    return "\ufffd"


def storable(text: str) -> str:
    """The text for the clipboard and for files: as it is, without lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
