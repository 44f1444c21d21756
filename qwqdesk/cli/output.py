"""Writing to standard output and standard error."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from pathlib import Path
from typing import TextIO

from qwqdesk.errors import UserError

_CLEAR_LINE = "\r\x1b[2K"


def print_json(data: object) -> None:
    """One strict JSON document on standard output (NaN and Infinity are refused)."""
    only_ascii = _encoding(sys.stdout) != "utf-8"
    text = json.dumps(data, ensure_ascii=only_ascii, allow_nan=False, indent=1)
    # Lone surrogates cannot be encoded; as replacement characters they are valid text.
    safe = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    write_out(safe + "\n")


def write_out(text: str) -> None:
    """Text on standard output, whatever encoding the terminal has.

    Raises:
        BrokenPipeError: the reader has gone. UserError: code "output", when it cannot be written.
    """
    if sys.stdout is None:  # closed by the caller (`>&-`): nobody wants to read it
        return
    encoding = _encoding(sys.stdout)
    show_line("")
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(
            f"Standard output cannot be written: {error.strerror or error}.",
            "Make room, or send the output somewhere else.",
            code="output",
        ) from None


def to_stderr(text: str, *, end: str = "\n") -> None:
    """A message on standard error; lost where that is closed or full."""
    show_line("")
    _write_error(text + end)


def show_line(text: str) -> None:
    """Rewrite the line of progress on the terminal of standard error; "" removes it.

    Whatever else is written takes its place.
    """
    if text or _line.shown:
        _line.shown = bool(text)
        _write_error(_CLEAR_LINE + text)


class _Line:
    """Whether a line of progress stands where the next text would go on."""

    shown = False


_line = _Line()


def _write_error(text: str) -> None:
    if sys.stderr is None:
        return
    encoding = _encoding(sys.stderr)
    with contextlib.suppress(OSError):
        sys.stderr.write(text.encode(encoding, "replace").decode(encoding))
        sys.stderr.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads this standard stream; False for one that is closed."""
    return stream is not None and stream.isatty()


def discard_output() -> None:
    """Drop what Python still holds for standard output, so that its flush at exit cannot fail."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _encoding(stream: TextIO | None) -> str:
    return (stream.encoding if stream is not None else None) or "utf-8"


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


def note_pipe(name: str) -> None:
    """Say that reading this name waits until somebody has written, where it is a pipe."""
    with contextlib.suppress(OSError, ValueError):  # what is wrong is said by whoever reads it
        if stat.S_ISFIFO(Path(name).stat().st_mode):
            to_stderr(printable(f"note: {name} is a pipe; its text is awaited."))
