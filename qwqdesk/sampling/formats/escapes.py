r"""llama.cpp's escapes in texts of a command line: \n \r \t \' \" \\ and \xNN."""

from __future__ import annotations

import re
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import shown

_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_SIMPLE: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"'": b"'",
    b'"': b'"',
    b"\\": b"\\",
}
_WRITTEN: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def process_escapes(text: str) -> str:
    r"""The text with escapes replaced, as llama.cpp does it on bytes; others stay as written.

    Raises:
        UserError: when the bytes are not valid UTF-8 (a lone ``\xff``).
    """
    try:
        return _ESCAPE.sub(_replaced, text.encode("utf-8")).decode("utf-8")
    except UnicodeError:
        what = f"The text {shown(text)!r} is not valid UTF-8."
        raise UserError(what, "Write all bytes of a character, or the character.") from None


def _replaced(match: re.Match[bytes]) -> bytes:
    digits, sign = match.groups()
    if digits is not None:
        return bytes([int(digits, 16)])
    return _SIMPLE.get(sign, match.group())


def with_escapes(text: str) -> str:
    """The text as it must be written so that `process_escapes` gives it back."""
    return "".join(_WRITTEN.get(character, character) for character in text)
