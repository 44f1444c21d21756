"""Writing a file as a whole: a crash leaves the old content or the new one, never a part."""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path
from typing import Final

# A virus scanner looks at a new file for a second or two, a reader needs milliseconds.
_TRIES: Final = 12
_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 0.5


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
