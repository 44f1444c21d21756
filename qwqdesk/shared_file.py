"""Small JSON files that several programs change: a change is made to what the file says now.

Without a lock two programs read the same content, and the second to write takes the first one's
change away. The lock lies on a file of its own beside it, because the content is replaced in one
step (`write_whole`); the system gives it back when its holder ends in any way.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from qwqdesk.whole_file import open_regular, write_whole

MAX_BYTES: Final = 16 << 20
WAIT_S: Final = 3.0  # a holder needs milliseconds, on a bad disk a second
_STEP_S: Final = 0.01
# A network folder, or another file system, that has no locks at all.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
_HELD: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})


class DamagedFileError(Exception):
    """The file is there and can be read, but it is not a JSON document of the permitted size."""


def lock_descriptor(descriptor: int, at: int = 0) -> None:
    """Take the lock on an open file without waiting; closing the descriptor gives it back.

    Two descriptors exclude each other, also within one process. Where the file system has no locks
    (some network folders) nobody has it and it is taken by everybody.

    Args:
        at: the byte that carries the lock on Windows, where nobody else may then read it.

    Raises:
        OSError: somebody else has it (`is_held` is true of this error), or it cannot be locked.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, at, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def is_held(error: OSError) -> bool:
    """Whether a lock was refused because somebody else has it."""
    return error.errno in _HELD


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Only one program, and one thread of it, is inside this block for the same file.

    Where no lock can be made (a read-only folder, a file system without locks) the block is
    entered without one: what cannot be locked is written by nobody, or by luck as before.

    Raises:
        TimeoutError: somebody else has the lock for longer than any write takes.
    """
    descriptor = _open_lock(path)
    try:
        if descriptor is not None:
            _wait_for(descriptor, path)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def change_json(
    path: Path,
    change: Callable[[Any], Any],
    *,
    most: int = MAX_BYTES,
    indent: int | None = None,
) -> None:
    """Read the file, let `change` make its new content, and replace it, alone with it.

    `change` gets what the file says now, None where there is no file or a damaged one.

    Raises:
        OSError: nothing was changed.
    """
    with alone_with(path):
        try:
            now = read_json(path, most)
        except (FileNotFoundError, DamagedFileError):
            now = None
        text = json.dumps(change(now), indent=indent, ensure_ascii=True)
        write_whole(path, text + "\n")


def read_json(path: Path, most: int = MAX_BYTES) -> Any:  # noqa: ANN401 - whatever lies there
    """The document in a file of at most so many bytes.

    Raises:
        OSError: it cannot be read.
        DamagedFileError: it is no JSON document.
    """
    with open_regular(path) as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise DamagedFileError("too large")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(str(error)) from error


def _open_lock(path: Path) -> int | None:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    except OSError:
        return None


def _wait_for(descriptor: int, path: Path) -> None:
    end = time.monotonic() + WAIT_S
    while True:
        try:
            lock_descriptor(descriptor)
        except OSError as error:
            if not is_held(error):
                return  # this file system has no locks
            if time.monotonic() >= end:
                held = "another program is writing it"
                raise TimeoutError(errno.ETIMEDOUT, held, str(path)) from error
            time.sleep(_STEP_S)
        else:
            return
