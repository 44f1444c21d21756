"""Checksums of files: sha256, as the hub has it for large files, and git's for small ones."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qwqdesk.errors import UserError

PIECE = 4 << 20
BATCH, BATCHES = 1 << 20, 16


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

    def update(self, data: bytes) -> None:
        """The next bytes."""
        self._sha256.update(data)
        if self._git is not None:
            self._git.update(data)

    def result(self) -> FileDigest:
        """The checksums so far."""
        return FileDigest(self._sha256.hexdigest(), self._git.hexdigest() if self._git else None)


class DigestThread:
    """The same on a thread of its own: with two cores, checking costs a transfer no time.

    One thread calls `update`, then `result` or `close`.
    """

    def __init__(self, size: int, *, git: bool = False) -> None:
        self._running = RunningDigest(size, git=git)
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._batches: queue.SimpleQueue[list[bytes] | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(BATCHES)
        self._thread: threading.Thread | None = None

    def update(self, data: bytes) -> None:
        """The next bytes; waits when the thread is far behind."""
        self._pieces.append(data)
        self._waiting += len(data)
        if self._waiting >= BATCH:
            self._hand_over()

    def result(self) -> FileDigest:
        """The checksums of all bytes; nothing may follow."""
        self._hand_over()
        self.close()
        return self._running.result()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join()
            self._thread = None

    def _hand_over(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="digest", daemon=True)
            self._thread.start()
        self._room.acquire()
        self._batches.put(self._pieces)
        self._pieces, self._waiting = [], 0

    def _work(self) -> None:
        while (pieces := self._batches.get()) is not None:
            for piece in pieces:
                self._running.update(piece)
            self._room.release()


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
