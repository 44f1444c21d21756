"""The download queue: quantizations one after another, two files at a time, over restarts.

One daemon thread for each active download. Every method may be called from any thread and returns
at once: a paused download is shown as paused before its thread has ended, and a download that is
resumed meanwhile starts when it has.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models.download import Patience
from qwqdesk.models.download_part import NOTE_SUFFIX, SUFFIX
from qwqdesk.models.download_set import QuantizationDownload, SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.folders import size_of
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.queue_file import Queued, Stage, load_queue, save_queue
from qwqdesk.models.rate_limit import RateLimit
from qwqdesk.models.records import remove_record
from qwqdesk.pipe import Stream

ACTIVE = 2
ASK_ABOVE = 100 * 10**6
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueueRow:
    """One download as it is shown. `gone` says that it was cancelled and has left the queue."""

    id: str
    repo: str
    label: str
    status: Status
    gone: bool = False

    @property
    def ask_before_cancel(self) -> bool:
        """Whether so much is here that cancelling needs a question."""
        return self.status.done > ASK_ABOVE


@dataclass
class _Item:
    order: SetOrder
    stage: Stage
    code: str = ""
    note: str = ""
    restart: bool = False
    cancelled: bool = False
    job: QuantizationDownload | None = None
    thread: threading.Thread | None = None

    @property
    def id(self) -> str:
        return f"{self.order.repo}:{self.order.quantization.label}"


class DownloadQueue:
    """Downloads in their order. `file` remembers them; nothing starts before `start`."""

    def __init__(
        self,
        hub: Hub,
        models: Path,
        file: Path,
        *,
        patience: Patience | None = None,
        hf_cache: Path | None = None,
    ) -> None:
        self._hf_cache = hf_cache
        self._hub = hub
        self._file = file
        self._patience = patience or Patience(keep_on=None)
        self._lock = threading.RLock()
        self._streams: list[Stream[QueueRow]] = []
        self._closing = True
        saved, limit = load_queue(file, models)
        self._limit = RateLimit(limit)
        self._items = [_restored(item) for item in saved]

    def start(self) -> None:
        """Go on with what was queued or running when the program ended."""
        with self._lock:
            self._closing = False
            self._schedule()

    def listen(self) -> Stream[QueueRow]:
        """A stream of rows as they change; about ten a second for each active download."""
        stream: Stream[QueueRow] = Stream()
        with self._lock:
            self._streams.append(stream)
        return stream

    def rows(self) -> tuple[QueueRow, ...]:
        """All downloads of this session and those that were left, in their order."""
        with self._lock:
            return tuple(self._row(item) for item in self._items)

    @property
    def speed_limit(self) -> int:
        """Bytes a second for all together; 0 for none."""
        return self._limit.bytes_per_second

    # ------------------------------------------------------------ what a user does

    def add(self, order: SetOrder) -> str:
        """Queue a quantization and return its id; one that is there already goes on."""
        with self._lock:
            item = _Item(order, "queued")
            there = self._find(item.id)
            if there is not None and there.stage != "done":
                self.resume(there.id)
                return there.id
            self._items = [each for each in self._items if each is not there]
            self._items.append(item)
            self._changed(item)
            return item.id

    def pause(self, item_id: str) -> None:
        """Stop a download; what has arrived is kept."""
        with self._lock:
            item = self._find(item_id)
            if item is None or item.stage not in ("queued", "running"):
                return
            item.stage = "paused"
            if item.job is not None:
                item.job.stop()
            self._changed(item)

    def resume(self, item_id: str, *, restart: bool = False) -> None:
        """Go on with a paused or failed download.

        Args:
            restart: throw away what has arrived, for a file that was changed on the hub.
        """
        with self._lock:
            item = self._find(item_id)
            if item is None or item.stage not in ("paused", "failed"):
                return
            item.stage, item.code, item.note, item.restart = "queued", "", "", restart
            self._changed(item)

    def cancel(self, item_id: str) -> None:
        """Take a download out and delete what has arrived; finished ones are only taken out."""
        with self._lock:
            item = self._find(item_id)
            if item is None:
                return
            self._items.remove(item)
            item.cancelled = item.stage != "done"
            if item.job is not None:
                item.job.stop()
            elif item.cancelled:
                _discard(item.order)
            self._changed(item, gone=True)

    def move(self, item_id: str, position: int) -> None:
        """Change the order; 0 is the first place."""
        with self._lock:
            item = self._find(item_id)
            if item is not None:
                self._items.remove(item)
                self._items.insert(max(position, 0), item)
                self._changed(item)

    def limit_speed(self, bytes_per_second: int) -> None:
        """Share that many bytes a second between all downloads; 0 for no limit."""
        self._limit.set(bytes_per_second)
        with self._lock:
            self._save()

    def close(self, timeout: float = 2.0) -> None:
        """Stop all transfers and remember them as they were."""
        with self._lock:
            self._closing = True
            self._save()
            threads = [item.thread for item in self._items if item.thread is not None]
            for item in self._items:
                if item.job is not None:
                    item.job.stop()
        end = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0.0))
        with self._lock:
            for stream in self._streams:
                stream.close()
            self._streams.clear()

    # ------------------------------------------------------------ under the lock

    def _find(self, item_id: str) -> _Item | None:
        return next((item for item in self._items if item.id == item_id), None)

    def _row(self, item: _Item, *, gone: bool = False) -> QueueRow:
        status = self._status(item)
        return QueueRow(item.id, item.order.repo, item.order.quantization.label, status, gone)

    def _status(self, item: _Item) -> Status:
        total = item.order.quantization.size_bytes
        if item.job is not None and item.stage in ("running", "done"):
            return item.job.status()
        done = item.job.status().done if item.job is not None else item.order.kept
        state = "queued" if item.stage == "running" else item.stage
        return Status(state, min(done, total), total, note=item.note, code=item.code)

    def _changed(self, item: _Item, *, gone: bool = False) -> None:
        self._save()
        self._tell(self._row(item, gone=gone))
        self._schedule()

    def _tell(self, row: QueueRow) -> None:
        for stream in self._streams:
            stream.put(row)

    def _save(self) -> None:
        items = [Queued(item.order, item.stage, item.code, item.note) for item in self._items]
        try:
            save_queue(self._file, items, self._limit.bytes_per_second)
        except OSError as error:  # a full disk: the parts have their notes
            _LOG.warning("the download queue cannot be saved: %s", error.strerror)

    def _schedule(self) -> None:
        """Start waiting downloads while there is room."""
        running = sum(item.thread is not None for item in self._items)
        for item in self._items:
            if self._closing or running >= ACTIVE:
                return
            if item.stage == "queued" and item.thread is None:
                self._begin(item)
                running += 1

    def _begin(self, item: _Item) -> None:
        item.stage = "running"
        item.job = QuantizationDownload(
            self._hub,
            item.order,
            patience=self._patience,
            limit=self._limit,
            restart=item.restart,
            hf_cache=self._hf_cache,
            listener=lambda status: self._progress(item, status),
        )
        item.restart = False
        item.thread = threading.Thread(
            target=self._work, args=(item, item.job), name="download", daemon=True
        )
        self._save()
        item.thread.start()

    # ------------------------------------------------------------ on the download's thread

    def _progress(self, item: _Item, status: Status) -> None:
        with self._lock:
            if item.stage == "running" and not item.cancelled and status.state != "failed":
                self._tell(replace(self._row(item), status=status))

    def _work(self, item: _Item, job: QuantizationDownload) -> None:
        stage: Stage = "done"
        code = note = ""
        try:
            job.run()
        except Stopped:
            stage = "paused"
        except UserError as error:
            stage, code, note = "failed", error.code, str(error)
        except Exception as error:  # a bug of ours must not leave a download running for ever
            _LOG.exception("a download failed")
            stage, code, note = "failed", "internal", f"The program failed: {error}"
        with self._lock:
            self._ended(item, stage, code, note)

    def _ended(self, item: _Item, stage: Stage, code: str, note: str) -> None:
        item.thread = None
        if item.cancelled:
            _discard(item.order)
            self._schedule()
            return
        if item.stage == "running" and not (self._closing and stage == "paused"):
            item.stage, item.code, item.note = stage, code, note
        if item.stage != "done":
            item.job = None
        self._changed(item)


def _restored(item: Queued) -> _Item:
    """What was running goes on; the rest is as it was."""
    stage: Stage = "queued" if item.stage == "running" else item.stage
    return _Item(item.order, stage, item.code, item.note)


def _discard(order: SetOrder) -> None:
    """Delete parts, notes, and those shards that are no whole model without the rest."""
    files = order.quantization.files
    partial = len(files) > 1 and not order.downloaded
    for file in files:
        target = order.target(file)
        names = [target.with_name(target.name + suffix) for suffix in (SUFFIX, NOTE_SUFFIX)]
        if partial and size_of(target) == file.size_bytes:
            remove_record(order.models, target)
            names.append(target)
        for path in names:
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            target.parent.rmdir()
