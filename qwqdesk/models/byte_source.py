"""Where a header's bytes come from: a file, bytes in memory, or anything that reads ranges.

The header is read as a growing prefix with ordinary reads. Memory mapping would be as fast, but a
file that shrinks under a mapping kills the process.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Protocol

from qwqdesk.errors import UserError

FIRST_READ = 1 << 20
MAX_HEADER_BYTES = 128 << 20


class ByteSource(Protocol):
    """Random access to bytes; `size` is the length of the whole thing."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""


class MemorySource:
    """Bytes in memory; `size` may be larger than what is here (a file's first part)."""

    def __init__(self, data: bytes, size: int | None = None) -> None:
        self._data = data
        self.size = len(data) if size is None else size

    def read_at(self, offset: int, size: int) -> bytes:
        """A slice of the bytes."""
        return self._data[offset : offset + size]


class FileSource:
    """An open file. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _open_regular(path)
        self.size = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read_at(self, offset: int, size: int) -> bytes:
        """Read from the file.

        Raises:
            UserError: code "unreadable", the disk reports an error.
        """
        try:
            self._file.seek(offset)
            return self._file.read(size)
        except OSError as error:
            raise _unreadable(self.path, error) from error


class Prefix:
    """The first bytes of a source, grown on demand and never beyond `MAX_HEADER_BYTES`."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.data = bytearray(source.read_at(0, FIRST_READ))

    def ensure(self, end: int) -> bool:
        """Make bytes up to `end` available; False if the source ends before or the cap is hit."""
        while len(self.data) < end:
            if end > self.source.size or end > MAX_HEADER_BYTES:
                return False
            wanted = min(max(end, 2 * len(self.data)), MAX_HEADER_BYTES)
            more = self.source.read_at(len(self.data), wanted - len(self.data))
            if not more:
                return False
            self.data += more
        return True


def _open_regular(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a device could block for ever or never end."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UserError(
                f"{path} is a folder, not a model file.",
                "Choose a file that ends in .gguf.",
                code="not_gguf",
            )
        if not stat.S_ISREG(mode):
            raise UserError(
                f"{path} is not an ordinary file.", "Choose a .gguf file.", code="not_gguf"
            )
        return path.open("rb")
    except FileNotFoundError as error:
        raise UserError(
            f"There is no file {path}.",
            "Check the path, or list the models with: qwqdesk models list",
            code="not_found",
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = getattr(error, "strerror", None) or str(error)
    return UserError(
        f"{path} cannot be read: {reason}.",
        "Check the file's permissions and the disk.",
        code="unreadable",
    )
