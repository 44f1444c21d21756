"""Writing a file as a whole: a crash leaves the old content or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


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
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
