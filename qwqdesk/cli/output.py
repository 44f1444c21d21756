"""Writing to standard output and standard error."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(data: Any) -> None:  # noqa: ANN401  (any JSON)
    """One strict JSON document on standard output (NaN and Infinity are refused)."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1)
    # Lone surrogates cannot be encoded; as escapes they are valid JSON.
    safe = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    write_out(safe + "\n")


def write_out(text: str) -> None:
    """Text on standard output, whatever encoding the terminal has."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def to_stderr(text: str, *, end: str = "\n") -> None:
    """A message or progress on standard error."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "replace").decode(encoding) + end)
    sys.stderr.flush()


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control characters become visible ones."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd" if 0x80 <= code < 0xA0 else character
