"""Whether a model's files are still what was loaded: size, time of change, and the folder's disk.

llama.cpp maps a file and reads its pages when they are needed. Where the file is overwritten,
other weights compute the rest; where it becomes shorter, the system ends the process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileState:
    """A file as it was; `disk` is the device number of its folder, None where it is not known."""

    path: Path
    size_bytes: int
    mtime_ns: int
    disk: int | None


def file_states(files: Iterable[Path]) -> tuple[FileState, ...]:
    """The files as they are now; those that cannot be asked are left out."""
    found = []
    for path in files:
        try:
            state = path.stat()
        except (OSError, ValueError):
            continue
        found.append(FileState(path, state.st_size, state.st_mtime_ns, _disk(path)))
    return tuple(found)


def changed_file(states: Iterable[FileState]) -> Path | None:
    """The first file that is no longer what it was; None when all are.

    A file that was deleted stays mapped until nobody uses it, so it still is what was loaded. One
    whose folder or whole disk is gone cannot be read any more.
    """
    return next((state.path for state in states if _has_changed(state)), None)


def _has_changed(then: FileState) -> bool:
    try:
        now = then.path.stat()
    except FileNotFoundError:
        return _disk(then.path) != then.disk
    except OSError:
        return True
    return (now.st_size, now.st_mtime_ns) != (then.size_bytes, then.mtime_ns)


def _disk(path: Path) -> int | None:
    try:
        return path.parent.stat().st_dev
    except OSError:
        return None
