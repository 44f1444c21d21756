"""Checksums of files: sha256, as the hub has it for large files, and git's for small ones."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from qwqdesk.errors import UserError

PIECE = 4 << 20
FOLLOWED, BATCH = 256 << 10, 2 << 20


@dataclass(frozen=True)
class FileDigest:
    """What a content's checksums are; `git` only when it was asked for."""

    sha256: str
    git: str | None

    def matches(self, sha256: str | None, blob_id: str | None) -> bool | None:
        """Whether these are the hub's checksums; None when it gave none."""
        if sha256 is not None:
            return self.sha256 == sha256
        if blob_id is not None and self.git is not None:
            return self.git == blob_id
        return None


class RunningDigest:
    """Checksums of bytes that arrive in order; `size` is that of the whole, which git needs."""

    def __init__(self, size: int, *, git: bool = False) -> None:
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False) if git else None

    def update(self, data: bytes | memoryview) -> None:
        """The next bytes."""
        self._sha256.update(data)
        if self._git is not None:
            self._git.update(data)

    def result(self) -> FileDigest:
        """The checksums so far."""
        return FileDigest(self._sha256.hexdigest(), self._git.hexdigest() if self._git else None)


class FollowingDigest:
    """Checksums of a file that grows: a thread of its own reads behind the writer.

    So checking costs a transfer no time where there are two cores, what was there before is checked
    while more arrives, and what is checked is what the file really has. `grow`, `wait` and `close`
    belong to one thread.
    """

    def __init__(self, path: Path, size: int, *, git: bool = False) -> None:
        """`size` is that of the whole, which git's checksum needs."""
        self._path = path
        self._running = RunningDigest(size, git=git)
        self._changed = threading.Condition()
        self._there = 0
        self._closed = self._all = False
        self._thread: threading.Thread | None = None
        self.done = 0
        self.error: OSError | None = None

    def grow(self, size: int) -> None:
        """The file has `size` bytes now."""
        with self._changed:
            self._there = size
            if size - self.done >= BATCH:
                self._changed.notify()
        if self._thread is None and size:
            self._thread = threading.Thread(target=self._work, name="digest", daemon=True)
            self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait until all bytes are read, some seconds at most; whether they are.

        Raises:
            OSError: the file cannot be read.
        """
        with self._changed:
            self._all = True
            self._changed.notify_all()
            self._changed.wait_for(self._at_the_end, timeout)
            if self.error is not None:
                raise self.error
            return self.done >= self._there

    def result(self) -> FileDigest:
        """The checksums of the bytes read so far; nothing may follow."""
        self.close()
        return self._running.result()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _at_the_end(self) -> bool:
        return self.error is not None or self.done >= self._there

    def _work(self) -> None:
        try:
            with self._path.open("rb", buffering=0) as file:
                self._follow(file)
        except OSError as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()

    def _follow(self, file: FileIO) -> None:
        piece = memoryview(bytearray(FOLLOWED))
        while (room := self._more()) > 0:
            end = self.done + room
            while self.done < end and not self._closed:
                count = file.readinto(piece[: min(end - self.done, FOLLOWED)])
                if not count:
                    raise OSError(errno.EIO, "it is shorter than what was written")
                self._running.update(piece[:count])
                self.done += count
            with self._changed:
                self._changed.notify_all()

    def _more(self) -> int:
        """How many bytes can be read now; 0 at the end."""
        with self._changed:
            self._changed.wait_for(self._is_worth_it)
            return 0 if self._closed else self._there - self.done

    def _is_worth_it(self) -> bool:
        """Threads that wake each other for every piece cost more than the checksum."""
        room = self._there - self.done
        return self._closed or room >= BATCH or (self._all and room > 0)


def digest_file(
    path: Path, progress: Callable[[int], None] = lambda done: None, *, git: bool = False
) -> FileDigest:
    """Read a whole file: some 0.5 to 1 GB a second.

    Args:
        progress: called with the bytes read so far; what it raises ends the reading.

    Raises:
        UserError: code "not_found" or "unreadable".
    """
    try:
        with path.open("rb", buffering=0) as file:
            running = RunningDigest(path.stat().st_size, git=git)
            done = 0
            while piece := file.read(PIECE):
                running.update(piece)
                done += len(piece)
                progress(done)
            return running.result()
    except FileNotFoundError as error:
        raise UserError(
            f"There is no file {path}.",
            "List the models with: qwqdesk models list",
            code="not_found",
        ) from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Check the file's permissions and the disk.",
            code="unreadable",
        ) from error
