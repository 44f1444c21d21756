"""The file on disk while it downloads: `<name>.part` beside its final place, and a note about it.

One process writes a part at a time: it holds a lock on the part itself, which the system gives
back when the process dies. Bytes are written unbuffered, so that `kill -9` loses none. After a
machine went down, only what was known to be on the disk (`durable`) is kept.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models.hub_files import RepoFile
from qwqdesk.models.records import read_json, write_json
from qwqdesk.models.verify import FileDigest, FollowingDigest
from qwqdesk.shared_file import is_held, lock_descriptor
from qwqdesk.whole_file import replace_file

SUFFIX = ".part"
NOTE_SUFFIX = ".part.json"
SYNC_EVERY = 128 << 20
_LOCK_AT = 1 << 62
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@dataclass(frozen=True)
class FileOrder:
    """One file to fetch: from which repository and commit, and where it shall lie."""

    repo: str
    commit: str
    file: RepoFile
    target: Path

    @property
    def part(self) -> Path:
        """Where its bytes are until it is whole."""
        return self.target.with_name(self.target.name + SUFFIX)

    @property
    def note(self) -> Path:
        """What the part was begun for."""
        return self.target.with_name(self.target.name + NOTE_SUFFIX)


class PartFile:
    """An open, locked part. `size` bytes are there; `claim` comes before all that writes."""

    def __init__(self, order: FileOrder) -> None:
        self.order = order
        self.size = 0
        self._synced = 0
        self._sync_at = SYNC_EVERY
        self._syncing: threading.Thread | None = None
        self._sync_error: OSError | None = None
        self._claimed = False
        self._running: FollowingDigest | None = None
        self._descriptor = _open_locked(order)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PartFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        with _disk_errors(self.order.part):
            note = read_json(self.order.note)
            self.size = os.fstat(self._descriptor).st_size
            self.other_version = bool(
                self.size and note and _identity(self.order) != _noted_identity(note)
            )
            durable = note.get("durable")
            if note and note.get("boot") != boot_id() and isinstance(durable, int):
                self._cut(min(self.size, max(durable, 0)))

    def claim(self) -> None:
        """Write the note: from here on the part belongs to this order's version."""
        with _disk_errors(self.order.part):
            if self.size > self.order.file.size_bytes:
                self._cut(0)
            self._write_note()
        self._claimed = True
        self._new_digest()

    def append(self, data: bytes | memoryview) -> None:
        """Write at the end.

        Raises:
            UserError: "disk_full" or "disk"; what was written stays and is counted.
        """
        rest = memoryview(data)
        try:
            with _disk_errors(self.order.part):
                while rest:
                    count = os.write(self._descriptor, rest)
                    self.size += count
                    rest = rest[count:]
        finally:
            self._digest.grow(self.size)
        if self.size >= self._sync_at:
            self._sync_aside()

    def restart(self) -> None:
        """Throw the bytes away and begin at the first one."""
        self._wait_for_sync()
        if self._running is not None:
            self._running.close()
        with _disk_errors(self.order.part):
            self._cut(0)
            self._write_note()
        self._new_digest()

    def digest(self, progress: Callable[[int], None]) -> FileDigest:
        """The checksums of all bytes, once they are read; what `progress` raises ends the wait.

        What was there before is read while more arrives: there is seldom much to wait for.
        """
        with _disk_errors(self.order.part):
            while not self._digest.wait(0.05):
                progress(self._digest.done)
        return self._digest.result()

    def finish(self) -> None:
        """The part becomes the file."""
        self._wait_for_sync()
        with _disk_errors(self.order.target):
            os.fsync(self._descriptor)
            self._claimed = False
            if sys.platform == "win32":  # an open file cannot be renamed there
                self.close()
            replace_file(self.order.part, self.order.target)
            _sync_folder(self.order.target.parent)
        with suppress(OSError):
            self.order.note.unlink()
        self.close()

    def discard(self) -> None:
        """Remove part and note."""
        self._claimed = False
        if sys.platform == "win32":
            self.close()
        for path in (self.order.part, self.order.note):
            with suppress(OSError):
                path.unlink()
        self.close()

    def close(self) -> None:
        """Bring what arrived to the disk, and give the lock back."""
        if self._running is not None:
            self._running.close()
        with suppress(UserError):
            self._wait_for_sync()
        if self._descriptor >= 0:
            if self.size > self._synced and self._claimed:
                self._sync(self.size)
            os.close(self._descriptor)
            self._descriptor = -1

    def _cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        self.size = size
        self._synced = min(self._synced, size)
        self._sync_at = size + SYNC_EVERY

    @property
    def _digest(self) -> FollowingDigest:
        return self._running or self._new_digest()

    def _new_digest(self) -> FollowingDigest:
        """Begin to check at the first byte."""
        if self._running is not None:
            self._running.close()
        git = self.order.file.sha256 is None
        self._running = FollowingDigest(self.order.part, self.order.file.size_bytes, git=git)
        self._running.grow(self.size)
        return self._running

    def _sync_aside(self) -> None:
        """Bring the bytes to the disk while more of them arrive; one such at a time."""
        if self._syncing is not None and self._syncing.is_alive():
            return
        self._wait_for_sync()
        self._sync_at = self.size + SYNC_EVERY
        self._syncing = threading.Thread(
            target=self._sync, args=(self.size,), name="sync", daemon=True
        )
        self._syncing.start()

    def _sync(self, size: int) -> None:
        try:
            os.fsync(self._descriptor)
            self._synced = size
            self._write_note()
        except OSError as error:
            self._sync_error = error

    def _wait_for_sync(self) -> None:
        if self._syncing is not None:
            self._syncing.join()
            self._syncing = None
        if self._sync_error is not None:
            error, self._sync_error = self._sync_error, None
            raise disk_error(self.order.part, error) from error

    def _write_note(self) -> None:
        order = self.order
        note = {
            "repo": order.repo,
            "path": order.file.path,
            "commit": order.commit,
            "size": order.file.size_bytes,
            "sha256": order.file.sha256,
            "blob_id": order.file.blob_id,
            "durable": self._synced,
            "boot": boot_id(),
        }
        write_json(order.note, note)


def boot_id() -> str:
    """Which start of the machine this is, where the system says so."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _identity(order: FileOrder) -> object:
    """What makes two versions of a file the same one."""
    return order.file.sha256 or order.file.blob_id or order.file.size_bytes


def _noted_identity(note: object) -> object:
    assert isinstance(note, dict)
    return note.get("sha256") or note.get("blob_id") or note.get("size")


def _open_locked(order: FileOrder) -> int:
    """Open the part and lock it; a part that was renamed meanwhile is opened anew."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    for _ in range(10):
        with _disk_errors(order.part):
            order.part.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(order.part, flags, 0o644)
        try:
            lock_descriptor(descriptor, _LOCK_AT)
            if os.fstat(descriptor).st_ino == order.part.stat().st_ino:
                os.lseek(descriptor, 0, os.SEEK_END)
                return descriptor
        except FileNotFoundError:
            pass
        except OSError as error:
            os.close(descriptor)
            if is_held(error):
                raise _busy(order.target) from error
            raise disk_error(order.part, error) from error
        os.close(descriptor)
    raise _busy(order.target)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power failure, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _busy(target: Path) -> UserError:
    return UserError(
        f"Another program is downloading {target.name} at this moment.",
        "Wait until it is done, or stop it there.",
        code="busy",
    )


class _disk_errors:  # noqa: N801  (used as a statement)
    """Turns the system's errors into ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise disk_error(self._path, error) from error


def disk_error(path: Path, error: OSError) -> UserError:
    """What a failed write means."""
    if error.errno in _FULL:
        return UserError(
            f"There is no space left in {path.parent}.",
            "Free some space, or choose another models folder; what has arrived is kept.",
            code="disk_full",
        )
    return UserError(
        f"Can't write to {path}: {error.strerror or error}.",
        "Check the folder's permissions and the disk.",
        code="disk",
    )
