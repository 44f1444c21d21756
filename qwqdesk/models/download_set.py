"""Downloads one quantization: its files one after another, what is here already left alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models import disk_space
from qwqdesk.models.download import FileTransfer, Patience
from qwqdesk.models.download_part import SUFFIX, FileOrder
from qwqdesk.models.download_status import Status, StatusBoard
from qwqdesk.models.folders import size_of
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_files import Quantization, RepoFile, Repository
from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.models.hub_paths import local_path
from qwqdesk.models.rate_limit import RateLimit
from qwqdesk.models.records import Record, read_record, write_record
from qwqdesk.models.renamed import names_of
from qwqdesk.models.verify import FileDigest, digest_file


@dataclass(frozen=True)
class FileResult:
    """One file on this disk. `resumed_from` is the byte at which the transfer began."""

    path: Path
    sha256: str
    verified: bool
    resumed_from: int


@dataclass(frozen=True)
class SetOrder:
    """A quantization of a repository at a commit, and the models folder that shall hold it."""

    repo: str
    commit: str
    quantization: Quantization
    models: Path

    @staticmethod
    def of(found: Repository, quantization: Quantization, models: Path) -> SetOrder:
        """An order for what a repository has. It goes on under the name that it began by, where the
        repository had another one then.
        """
        orders = [
            SetOrder(name, found.commit, quantization, models)
            for name in names_of(models, found.repo)
        ]
        return max(orders, key=lambda order: order.kept)  # the first one where nothing is here

    def target(self, file: RepoFile) -> Path:
        """Where a file will lie."""
        return local_path(self.models, self.repo, file.path)

    @property
    def downloaded(self) -> bool:
        """Whether all files are in their places with the right size."""
        files = self.quantization.files
        return self.quantization.complete and all(
            size_of(self.target(file)) == file.size_bytes for file in files
        )

    @property
    def kept(self) -> int:
        """Bytes of it that are on the disk, parts included."""
        targets = [self.target(file) for file in self.quantization.files]
        return sum(size_of(t) or size_of(t.with_name(t.name + SUFFIX)) for t in targets)


class QuantizationDownload:
    """One order; `run` works in the calling thread, all else may be called from any thread."""

    def __init__(
        self,
        hub: Hub,
        order: SetOrder,
        *,
        patience: Patience | None = None,
        limit: RateLimit | None = None,
        restart: bool = False,
        hf_cache: Path | None = None,
        listener: Callable[[Status], None] | None = None,
        reserved: Callable[[], int] = lambda: 0,
    ) -> None:
        """`reserved` gives the bytes that other downloads still need on this disk."""
        self.order = order
        self._hub = hub
        self._patience = patience
        self._limit = limit
        self._restart = restart
        self._hf_cache = hf_cache
        self._reserved = reserved
        self._switch = StopSwitch()
        self._board = StatusBoard(order.quantization.size_bytes, listener)

    def status(self) -> Status:
        """How far it is; paused as soon as `stop` was called."""
        status = self._board.now()
        if not self._switch.on or status.state in ("done", "failed"):
            return status
        return Status("paused", status.done, status.total)

    def stop(self) -> None:
        """End it at once; what has arrived is kept."""
        self._switch.throw()

    def try_now(self) -> None:
        """End a wait for the next try."""
        self._switch.nudge()

    def run(self) -> tuple[FileResult, ...]:
        """Download what is missing and check all of it.

        Raises:
            UserError: with INTERFACE's codes. Stopped: `stop` was called.
        """
        try:
            self._require_space()
            results, before = [], 0
            for file in self.order.quantization.files:
                results.append(self._file(file, before))
                before += file.size_bytes
                self._board.at(before)
        except UserError as error:
            self._board.to("failed", str(error), code=error.code)
            raise
        except Stopped:
            self._board.to("paused")
            raise
        self._board.to("done")
        return tuple(results)

    def _file(self, file: RepoFile, before: int) -> FileResult:
        self._switch.check()
        order = FileOrder(self.order.repo, self.order.commit, file, self.order.target(file))
        there = self._already(order, before)
        if there is not None:
            return there
        transfer = FileTransfer(
            self._hub,
            order,
            self._board,
            self._switch,
            patience=self._patience,
            limit=self._limit,
            before=before,
            restart=self._restart,
        )
        return self._keep(order, transfer.run(), transfer.resumed_from)

    def _already(self, order: FileOrder, before: int) -> FileResult | None:
        """The file if it is here and right; its checksum is made when none is known."""
        size = order.file.size_bytes
        linked = self._link_cached(order)
        if size_of(order.target) != size:
            return None
        record = read_record(self.order.models, order.target)
        if record is not None and record.verified:
            good = order.file.sha256 in (None, record.sha256)
            return FileResult(order.target, record.sha256, True, size) if good else None
        self._board.to("checking")

        def progress(done: int) -> None:
            self._switch.check()
            self._board.at(before + done)

        found = digest_file(order.target, progress, git=order.file.sha256 is None)
        if found.matches(order.file.sha256, order.file.blob_id) is False:
            if linked:
                order.target.unlink(missing_ok=True)
            return None
        return self._keep(order, found, size)

    def _link_cached(self, order: FileOrder) -> bool:
        """A file that huggingface_hub has fetched already takes no second place on the disk."""
        sha256, target = order.file.sha256, order.target
        if self._hf_cache is None or sha256 is None or target.exists() or order.part.exists():
            return False
        blobs = self._hf_cache / f"models--{order.repo.replace('/', '--')}" / "blobs"
        if size_of(blobs / sha256) == order.file.size_bytes:
            with suppress(OSError):  # another disk, or no links there: it is fetched
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link((blobs / sha256).resolve(), target)
                return True
        return False

    def _keep(self, order: FileOrder, found: FileDigest, resumed_from: int) -> FileResult:
        verified = found.matches(order.file.sha256, order.file.blob_id) is True
        record = Record(found.sha256, verified, order.repo, order.commit, order.file.path)
        write_record(self.order.models, order.target, record)
        return FileResult(order.target, found.sha256, verified, resumed_from)

    def _require_space(self) -> None:
        """All files together must fit before the first one begins."""
        kept = self.order.kept
        needed = max(self.order.quantization.size_bytes - kept, 0)
        if needed:
            folder = self.order.target(self.order.quantization.files[0]).parent
            disk_space.require_space(folder, needed, kept, reserved=self._reserved())
