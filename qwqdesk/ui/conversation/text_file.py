"""Owns the reading of a text file as part of a prompt: limits, encodings, and plain words."""

from __future__ import annotations

from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.whole_file import open_regular

LARGEST = 12_000_000  # bytes
_SNIFFED = 4096  # bytes in which a NUL gives a binary file away


def read_text_file(path: Path) -> str:
    """The text of a file.

    UTF-8, or UTF-16 with its mark; anything else that is no binary file is read with its
    undecodable bytes as U+FFFD.

    Raises:
        UserError: it is missing, a folder, too large, empty or not text.
    """
    name = path.name
    try:
        if not path.is_file():
            raise UserError(f"{name} is not a file.", "Choose a text file.", code="no_file")
        size = path.stat().st_size
        if size > LARGEST:
            raise UserError(
                f"{name} has {size:,} bytes; a prompt may have {LARGEST:,}.",
                "Choose a smaller file.",
                code="too_large",
            )
        with open_regular(path) as file:  # it may have grown since
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise UserError(f"{name} cannot be read: {reason}.", "Check the file.") from error
    return _decoded(name, data)


def _decoded(name: str, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    elif b"\0" in data[:_SNIFFED]:
        raise UserError(f"{name} is not a text file.", "Choose a text file.", code="not_text")
    else:
        text = data.decode("utf-8-sig", "replace")
    if not text.strip():
        raise UserError(f"{name} is empty.", "Choose another file.", code="empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")
