"""Free space for downloads: asked before and while bytes arrive; a disk is never filled up."""

from __future__ import annotations

import shutil
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import size_words

GB = 10**9


def free_and_whole(folder: Path) -> tuple[int, int]:
    """Free bytes and the size of the volume that a folder is or will be on; zeros if unknown."""
    for place in (folder, *folder.parents):
        try:
            usage = shutil.disk_usage(place)
        except OSError:
            continue
        return usage.free, usage.total
    return 0, 0


def require_space(folder: Path, needed: int, kept: int = 0, *, reserved: int = 0) -> None:
    """Refuse to begin what does not fit: 1 GB stays free, less on small volumes.

    Args:
        needed: bytes still to come. kept: bytes already there, for the message.
        reserved: bytes that other downloads still need.

    Raises:
        UserError: code "disk_full", with both numbers.
    """
    free, whole = free_and_whole(folder)
    if whole and needed and free < needed + reserved + min(GB, whole // 100):
        raise _full(folder, needed, free, kept, reserved)


def require_some(folder: Path, needed: int, kept: int) -> None:
    """While bytes arrive: stop before the last 500 MB (less on small volumes) are gone.

    Raises:
        UserError: code "disk_full".
    """
    free, whole = free_and_whole(folder)
    if whole and needed and free < min(GB // 2, whole // 200):
        raise _full(folder, needed, free, kept)


def _full(folder: Path, needed: int, free: int, kept: int, reserved: int = 0) -> UserError:
    others = f", of which other downloads need {size_words(reserved)}" if reserved else ""
    keeps = f" {size_words(kept)} are kept." if kept else ""
    return UserError(
        f"Not enough space on {folder}: {size_words(needed)} needed, "
        f"{size_words(free)} free{others}.{keeps}",
        "Free some space and try again, or choose another models folder.",
        code="disk_full",
    )
