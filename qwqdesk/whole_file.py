"""Reading and writing whole files.

What was written is there as a whole: a crash leaves the old content or the new one, never a part.
What lies where a file should be may be something else: a pipe that nobody writes to would be waited
for without end, and a device has none.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import time
from pathlib import Path
from typing import BinaryIO, Final

# A virus scanner looks at a new file for a second or two, a reader needs milliseconds.
_TRIES: Final = 12
_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 0.5


def open_regular(path: Path) -> BinaryIO:
    """An ordinary file, opened for reading; links to one are followed.

    Raises:
        OSError: there is none (FileNotFoundError), it cannot be read, or what is there is a folder,
            a pipe, a socket, a device or a link to nothing. `strerror` says so.
        ValueError: the path holds a NUL.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        if path.is_symlink():
            raise OSError(errno.EINVAL, "it is a link to nothing", str(path)) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def is_free_for_file(path: Path) -> bool:
    """Whether a file can be opened for writing there without waiting for anybody."""
    return path.is_file() or not (path.exists() or path.is_symlink())


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace the file in one step; its folder is made where it is missing.

    Text is written as UTF-8; half a surrogate pair, which has no place there, becomes "?". The
    file has the rights that the system gives to new files.

    Raises:
        OSError: nothing was changed. What is no file (a folder, a pipe, a link to nothing) was put
            there on purpose, and stays.
    """
    if not is_free_for_file(path):
        raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(6)}.tmp")
    try:
        # Not tempfile: its files are for their owner only, and an export is meant for others.
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        replace_file(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_file(source: Path, target: Path) -> None:
    """Rename a file over another one, in one step.

    On Windows a file that somebody has open cannot be renamed or replaced; whoever reads it, or a
    virus scanner that looks at every new file, is soon done with it.

    Raises:
        OSError: nothing was changed.
    """
    wait = _FIRST_WAIT_S
    for _ in range(_TRIES if sys.platform == "win32" else 0):
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)
        else:
            return
    source.replace(target)
