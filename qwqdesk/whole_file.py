"""Writing a file as a whole: a crash leaves the old content or the new one, never a part."""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path
from typing import Final

_TRIES: Final = 20
_BETWEEN_TRIES_S: Final = 0.025


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace the file in one step; its folder is made where it is missing.

    Text is written as UTF-8; half a surrogate pair, which has no place there, becomes "?". The
    file has the rights that the system gives to new files.

    Raises:
        OSError: nothing was changed.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(6)}.tmp")
    try:
        # Not tempfile: its files are for their owner only, and an export is meant for others.
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _replace(temporary: Path, path: Path) -> None:
    """On Windows a file that somebody is just reading cannot be replaced: a reader is quick."""
    for _ in range(_TRIES if sys.platform == "win32" else 0):
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(_BETWEEN_TRIES_S)
        else:
            return
    temporary.replace(path)
