"""Finds the .gguf files below a folder; whatever lies there, it neither fails nor runs for ever."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILES = 20_000
MAX_FOLDERS = 50_000
MAX_DEPTH = 8
MAX_SHARDS = 1000
_SHARD = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)


@dataclass(frozen=True)
class ModelFiles:
    """A model's files that are here, in order; `missing` are the numbers of absent shards."""

    files: tuple[Path, ...]
    count: int = 1
    missing: tuple[int, ...] = ()


def models_under(root: Path) -> Iterator[ModelFiles]:
    """Each model below a folder, incomplete sets of shards too."""
    shards: dict[tuple[str, str], dict[int, Path]] = {}
    for file in _gguf_files(root):
        found = _SHARD.match(file.name)
        if found is None or not 1 <= int(found["no"]) <= int(found["count"]) <= MAX_SHARDS:
            yield ModelFiles((file,))
        else:
            key = (str(file.parent / found["stem"]), found["count"])
            shards.setdefault(key, {})[int(found["no"])] = file
    for (_, count), files in shards.items():
        every = range(1, int(count) + 1)
        here = tuple(files[number] for number in sorted(files))
        yield ModelFiles(here, int(count), tuple(n for n in every if n not in files))


def shard_count(name: str) -> int:
    """How many shards a file's name says that there are; 1 for any other name."""
    found = _SHARD.match(name)
    return min(int(found["count"]), MAX_SHARDS) if found is not None else 1


def _gguf_files(root: Path) -> list[Path]:
    """The .gguf files below a folder, sorted; unreadable folders are passed over."""
    found: list[Path] = []
    depth = len(root.parts)
    for visited, (folder, folders, names) in enumerate(os.walk(root, followlinks=False)):
        here = Path(folder)
        if len(here.parts) - depth >= MAX_DEPTH:
            folders.clear()
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(".gguf"):
                file = here / name
                if is_file(file):
                    found.append(file)
        if len(found) >= MAX_FILES or visited >= MAX_FOLDERS:
            break
    return found


def is_file(path: Path) -> bool:
    """Whether there is a file; an impossible path is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # an over-long name, a NUL in it, a folder without permission
        return False


def exists(path: Path) -> bool:
    """Whether there is anything; an impossible path is nothing."""
    try:
        return path.exists()
    except (OSError, ValueError, RuntimeError):
        return False


def real_path(path: Path) -> Path:
    """The path with links followed, as far as they can be."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def size_of(path: Path) -> int:
    """Bytes; 0 if the file is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
