"""What is known of downloaded files: their checksum, and whether it was compared with the hub's.

One small JSON file for each model file, in `<models>/.records`, so that two programs never write
the same one; those of files in other places lie under `@elsewhere`, named by the path's checksum.
A record holds only while size and time of change of its file are as they were.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qwqdesk import shared_file
from qwqdesk.errors import UserError
from qwqdesk.shared_file import alone_with
from qwqdesk.whole_file import write_whole

FOLDER = ".records"
ELSEWHERE = "@elsewhere"  # no owner on the hub can have this name
MAX_BYTES = 64 << 10


@dataclass(frozen=True)
class Record:
    """What was found out about one file; `repo`, `commit` and `path` say where it came from.

    `expected` is the publisher's checksum when the file's own differs: then it is damaged.
    """

    sha256: str
    verified: bool
    repo: str | None = None
    commit: str | None = None
    path: str | None = None
    size: int = 0
    mtime_ns: int = 0
    expected: str | None = None


def read_record(models: Path, file: Path, *, stale: bool = False) -> Record | None:
    """The record of a file; None if there is none or the file has changed.

    Args:
        stale: also give a record whose file has changed since.
    """
    record = stored_record(models, file)
    if record is None:
        return None
    try:
        state = file.stat()
    except OSError:
        return None
    return record if stale or is_of(record, state) else None


def stored_record(models: Path, file: Path) -> Record | None:
    """The record as it was written, with the file's size and time of change at that moment."""
    data = read_json(_place(models, file))
    if not isinstance(data.get("sha256"), str):
        return None
    return Record(
        data["sha256"],
        data.get("verified") is True,
        _text(data.get("repo")),
        _text(data.get("commit")),
        _text(data.get("path")),
        _whole(data.get("size")),
        _whole(data.get("mtime_ns")),
        _text(data.get("expected")),
    )


def is_of(record: Record, state: os.stat_result) -> bool:
    """Whether a file is as it was when its record was written."""
    return (record.size, record.mtime_ns) == (state.st_size, state.st_mtime_ns)


def with_checksum(record: Record, sha256: str) -> Record:
    """The record after the file was read again: what was compared once is compared once more."""
    published = record.expected or (record.sha256 if record.verified else None)
    return replace(
        record,
        sha256=sha256,
        verified=published == sha256,
        expected=None if published in (None, sha256) else published,
    )


def write_record(models: Path, file: Path, record: Record) -> None:
    """Remember what was found out about a file, as it is now.

    Raises:
        UserError: code "disk".
    """
    place = _place(models, file)
    try:
        state = file.stat()
        now = replace(record, size=state.st_size, mtime_ns=state.st_mtime_ns)
        write_json(place, asdict(now))
    except OSError as error:
        raise _not_saved(file, error) from error


def _not_saved(file: Path, error: OSError) -> UserError:
    return UserError(
        f"The result for {file.name} cannot be saved: {error.strerror or error}.",
        "Check the folder's permissions and the free space.",
        code="disk",
    )


def note_checksum(models: Path, file: Path, sha256: str) -> None:
    """Add a checksum to what is known of a file: where it came from, say, was noted by others.

    Raises:
        UserError: code "disk".
    """
    try:
        with alone_with(models / FOLDER / "records"):
            old = read_record(models, file, stale=True) or Record(sha256, False)
            write_record(models, file, with_checksum(old, sha256))
    except TimeoutError as error:
        raise _not_saved(file, error) from error


def remove_record(models: Path, file: Path) -> None:
    """Forget a file."""
    with suppress(OSError):
        _place(models, file).unlink()


def read_json(path: Path, most: int = MAX_BYTES) -> Mapping[str, Any]:
    """A JSON object of `most` bytes at the most from disk; anything else is empty."""
    try:
        data = shared_file.read_json(path, most)
    except (OSError, shared_file.DamagedFileError):
        return {}
    return data if isinstance(data, dict) else {}


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a JSON file in one step, its folder is made where it is missing; raises OSError."""
    write_whole(path, json.dumps(data))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int:
    return value if type(value) is int else -1


def _place(models: Path, file: Path) -> Path:
    path = file.absolute()
    try:
        inside = path.relative_to(models.absolute())
    except ValueError:
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
        return models / FOLDER / ELSEWHERE / f"{name}.json"
    return models / FOLDER / inside.parent / f"{inside.name}.json"
