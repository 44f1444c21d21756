"""What a user does with files of the library: check, delete, take in.

Only the models folder is ever written; other programs' places are read.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models import disk_space
from qwqdesk.models.download_part import NOTE_SUFFIX, SUFFIX, disk_error
from qwqdesk.models.folders import is_file, real_path, size_of
from qwqdesk.models.gguf import read_header
from qwqdesk.models.hub_files import RepoFile
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.parts import read_model_header
from qwqdesk.models.records import Record, read_record, remove_record, write_record
from qwqdesk.models.verify import digest_file
from qwqdesk.whole_file import replace_file

IMPORTED = "imported"
_SHARD = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_BLOB = re.compile(r"[0-9a-f]{64}")

Publisher = Callable[[str, str], RepoFile | None]
Progress = Callable[[int], None]
Discard = Callable[[Path], object]


@dataclass(frozen=True)
class Verified:
    """The result for one file: None when nobody says what its checksum should be."""

    path: Path
    sha256: str
    verified: bool | None


@dataclass(frozen=True)
class Removed:
    """Files that are gone, and the bytes that came free (0 for a file with another name)."""

    paths: tuple[Path, ...]
    freed_bytes: int


def files_of(path: Path) -> tuple[Path, ...]:
    """A model's file, or all its shards that are here, in order."""
    found = _SHARD.fullmatch(path.name)
    if found is None:
        return (path,)
    count = min(int(found["count"]), 1000)
    names = [f"{found['stem']}-{no:05d}-of-{found['count']}.gguf" for no in range(1, count + 1)]
    there = tuple(path.with_name(name) for name in names if is_file(path.with_name(name)))
    return there or (path,)


def verify(
    path: Path,
    models: Path,
    publisher: Publisher,
    progress: Progress = lambda done: None,
    repo: str | None = None,
) -> tuple[Verified, ...]:
    """Checksum a model's files and compare with the publisher's, now.

    Args:
        publisher: the hub's row for (repo, path in it); None when it is not known there.
        progress: called with the bytes of all files read so far; what it raises ends the work.
        repo: where the files come from, when neither a record nor their place says it.

    Raises:
        UserError: "corrupt" when a file differs, "not_found", "unreadable", or from `publisher`.
    """
    results = []
    before = 0
    for file in files_of(path):
        origin = _origin(file, models) or ((repo, file.name) if repo else None)
        # Asked first: without an answer, minutes of reading would be for nothing.
        expected = _expected(file, models, publisher, origin) if is_file(file) else None
        digest = digest_file(file, _after(before, progress), git=True)
        before += size_of(file)
        good = digest.matches(expected.sha256, expected.blob_id) if expected else None
        named, inside = origin if origin is not None else (None, None)
        damaged = (expected.sha256 or "") if expected and good is False else None
        record = Record(digest.sha256, good is True, named, path=inside, expected=damaged)
        write_record(models, file, record)
        if good is False:
            raise UserError(
                f"{file} is damaged: its checksum differs from the publisher's.",
                "Remove it and download it again.",
                code="corrupt",
            )
        results.append(Verified(file, digest.sha256, good))
    return tuple(results)


def removal(path: Path, models: Path) -> Removed:
    """What `remove` would delete, and the bytes that it would free.

    Raises:
        UserError: "read_only" for a file elsewhere, "not_found".
    """
    require_own(path, models)
    files = [path] if path.name.endswith(SUFFIX) else list(files_of(path))
    if not any(is_file(file) for file in files):
        raise UserError(
            f"There is no file {path}.",
            "List the models with: qwqdesk models list",
            code="not_found",
        )
    return Removed(tuple(files), sum(_freed(file) for file in files))


def remove(path: Path, models: Path, discard: Discard = Path.unlink) -> Removed:
    """Delete a model of the models folder with all its shards, or a part that was left.

    Args:
        discard: takes one file away, for good or to the trash; raises OSError.

    Raises:
        UserError: "read_only" for a file elsewhere, "not_found", "disk".
    """
    plan = removal(path, models)
    files = plan.paths
    try:
        for file in files:
            discard(file)
    except OSError as error:
        raise disk_error(path, error) from error
    for file in files:
        remove_record(models, file)
        name = file.name.removesuffix(SUFFIX)
        with suppress(OSError):
            file.with_name(name + NOTE_SUFFIX).unlink()
        _remove_empty(file.parent, models)
    return plan


def take_in(path: Path, models: Path, progress: Progress = lambda done: None) -> tuple[Path, ...]:
    """Put a model file (with its shards) into the library: linked where possible, else copied.

    Raises:
        UserError: no model (as `read_model_header`), "incomplete" when shards miss, "exists",
            "disk_full", "disk".
    """
    files = files_of(path.absolute())
    header = read_header(files[0])
    count = header.split.count if header.split else 1
    found = _SHARD.fullmatch(path.name)
    if found and len(files) < max(count, int(found["count"])):
        raise UserError(
            f"{path.name} is one of {found['count'].lstrip('0')} files, and some are missing.",
            "Put all parts into one folder and import the first.",
            code="incomplete",
        )
    read_model_header(files[0])
    targets = [models / IMPORTED / file.name for file in files]
    for file, target in zip(files, targets, strict=True):
        _require_free_name(file, target)
    copied = 0
    for file, target in zip(files, targets, strict=True):
        if not is_file(target):
            _link_or_copy(file, target, copied, progress)
        copied += size_of(target)
    return tuple(targets)


def copies(models: Iterable[LibraryModel]) -> dict[Path, tuple[Path, ...]]:
    """Models with the same content as others, by the checksums that are known; no file is read.

    Names that lead to one file on the disk are one: deleting one of them would free nothing.
    """
    found: dict[tuple[str, ...], dict[tuple[int, int], Path]] = {}
    for model in models:
        if model.sha256 and model.complete:
            found.setdefault(model.sha256, {}).setdefault(model.identity, model.path)
    groups = [tuple(files.values()) for files in found.values() if len(files) > 1]
    return {path: tuple(p for p in group if p != path) for group in groups for path in group}


def require_own(path: Path, models: Path) -> None:
    """Only files that really lie in the models folder may be changed.

    Raises:
        UserError: code "read_only".
    """
    folder = real_path(path.absolute().parent)
    if not folder.is_relative_to(real_path(models)):
        raise UserError(
            f"{path} is not in this program's models folder, and other places are read-only here.",
            "Delete it with the program that it belongs to.",
            code="read_only",
        )


def _after(before: int, progress: Progress) -> Progress:
    """Progress of one file among several, as bytes of all."""
    return lambda done: progress(before + done)


def _expected(
    file: Path, models: Path, publisher: Publisher, origin: tuple[str, str] | None
) -> RepoFile | None:
    """What the publisher says: as remembered, as a cache's file name has it, or as the hub has."""
    record = read_record(models, file, stale=True)
    if record is not None and (record.verified or record.expected):
        return RepoFile(file.name, size_of(file), record.expected or record.sha256)
    target = real_path(file)
    if target.parent.name == "blobs" and _BLOB.fullmatch(target.name):
        return RepoFile(file.name, size_of(file), target.name)
    return publisher(*origin) if origin is not None else None


def _origin(file: Path, models: Path) -> tuple[str, str] | None:
    """Repository and path in it, from the record or from ``<models>/owner/name/path``."""
    record = read_record(models, file, stale=True)
    if record is not None and record.repo and record.path:
        return record.repo, record.path
    try:
        parts = file.absolute().relative_to(models.absolute()).parts
    except ValueError:
        return None
    return (f"{parts[0]}/{parts[1]}", "/".join(parts[2:])) if len(parts) >= 3 else None


def _freed(file: Path) -> int:
    try:
        state = file.lstat()
    except OSError:
        return 0
    return state.st_size if state.st_nlink <= 1 else 0


def _remove_empty(folder: Path, models: Path) -> None:
    """Remove folders that have become empty, never the models folder itself."""
    inside: Sequence[Path] = (folder, *folder.parents)
    for each in inside:
        if each == models or not each.is_relative_to(models):
            return
        try:
            each.rmdir()
        except OSError:
            return


def _require_free_name(file: Path, target: Path) -> None:
    if not target.exists():
        return
    with suppress(OSError):
        if target.samefile(file):
            return
    raise UserError(
        f"The library has another file called {target.name} already.",
        "Rename your file, or remove the other one.",
        code="exists",
    )


def _link_or_copy(file: Path, target: Path, before: int, progress: Progress) -> None:
    part = target.with_name(target.name + SUFFIX)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(real_path(file), target)
            return
        except OSError as error:
            if error.errno == errno.EEXIST:
                raise
        disk_space.require_space(target.parent, size_of(file))
        _copy(file, part, before, progress)
        replace_file(part, target)
    except OSError as error:
        raise disk_error(target, error) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _copy(file: Path, part: Path, before: int, progress: Progress) -> None:
    done = before
    with file.open("rb") as source, part.open("wb") as copy:
        while piece := source.read(4 << 20):
            copy.write(piece)
            done += len(piece)
            progress(done)
        copy.flush()
        os.fsync(copy.fileno())
    shutil.copystat(file, part)
