"""The download queue: quantizations one after another, two files at a time, over restarts.

One daemon thread for each active download. Every method may be called from any thread and returns
at once: a paused download is shown as paused before its thread has ended, and a download that is
resumed meanwhile starts when it has.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models import disk_space
from qwqdesk.models.download import Patience
from qwqdesk.models.download_set import QuantizationDownload, SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.queue_file import Queued, QueueSaver, Stage, load_queue
from qwqdesk.models.queue_item import Item, QueueRow, discard, restored
from qwqdesk.models.rate_limit import RateLimit
from qwqdesk.pipe import Stream

ACTIVE = 2
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Removed:
    """A download that was taken out, and where it stood."""

    item: Item
    place: int


class DownloadQueue:
    """Downloads in their order. `file` remembers them; nothing starts before `start`.

    Nothing is waited for under the lock: files are written and deleted on threads of their own.
    """

    def __init__(
        self,
        hub: Hub,
        models: Path,
        file: Path,
        *,
        patience: Patience | None = None,
        hf_cache: Path | None = None,
        limit: RateLimit | None = None,
    ) -> None:
        self._hf_cache = hf_cache
        self._hub = hub
        self._saver = QueueSaver(file)
        self._patience = patience or Patience(keep_on=None)
        self._lock = threading.RLock()
        self._streams: list[Stream[QueueRow]] = []
        self._closing = True
        self._limit = limit or RateLimit()
        self._leaving: dict[str, threading.Thread] = {}
        known = [restored(item) for item in load_queue(file, models)]
        self._items = [item for item in known if not item.removed]
        there = {item.id for item in self._items}
        left = [item for item in known if item.removed and item.id not in there]
        self._removed = {item.id: _Removed(item, 0) for item in left}

    def start(self) -> None:
        """Go on with what was queued or running when the program ended.

        What had been removed then is deleted now: nobody can bring it back any more.
        """
        with self._lock:
            self._closing = False
            for item_id in list(self._removed):
                self.discard(item_id)
            self._schedule()

    def use(self, hub: Hub) -> None:
        """What begins from now on asks this hub; what runs ends with the one it began with."""
        with self._lock:
            self._hub = hub
            self._schedule()

    def listen(self, stream: Stream[QueueRow] | None = None) -> Stream[QueueRow]:
        """A stream of rows as they change; about ten a second for each active download."""
        stream = stream or Stream()
        with self._lock:
            self._streams.append(stream)
        return stream

    def rows(self) -> tuple[QueueRow, ...]:
        """All downloads of this session and those that were left, in their order."""
        with self._lock:
            return tuple(item.row() for item in self._items)

    # ------------------------------------------------------------ what a user does

    def add(self, order: SetOrder) -> str:
        """Queue a quantization and return its id; one that is there already goes on.

        Raises:
            UserError: code "disk_full", it does not fit beside all that is queued or running.
        """
        with self._lock:
            item = Item(order, "queued")
            self.restore(item.id)
            there = self._find(item.id)
            if there is not None and there.stage != "done":
                self.resume(there.id)
                return there.id
            self._require_space(item)
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

    def resume(self, item_id: str, *, restart: bool = False, anonymous: bool = False) -> None:
        """Go on with a paused or failed download.

        Args:
            restart: throw away what has arrived, for a file that was changed on the hub.
            anonymous: leave the access token out this time.
        """
        with self._lock:
            item = self._find(item_id)
            if item is None or item.stage not in ("paused", "failed"):
                return
            item.stage, item.code, item.note = "queued", "", ""
            item.restart, item.anonymous = restart, anonymous
            self._changed(item)

    def try_now(self, item_id: str) -> None:
        """End the wait of a download for the network."""
        with self._lock:
            item = self._find(item_id)
            if item is not None and item.job is not None:
                item.job.try_now()

    def remove(self, item_id: str) -> None:
        """Take a download out. What has arrived stays until `discard`, the end, or the next start:
        so long `restore` brings it back. Finished ones are only taken out.
        """
        with self._lock:
            item = self._find(item_id)
            if item is None:
                return
            place = self._items.index(item)
            self._items.remove(item)
            if item.stage != "done":
                item.stage = "queued" if item.stage == "running" else item.stage
                item.removed = True
                self._removed[item.id] = _Removed(item, place)
            if item.job is not None:
                item.job.stop()
            self._changed(item, gone=True)

    def restore(self, item_id: str) -> bool:
        """Bring a removed download back to its place, to go on at the byte where it was.

        Returns False when it is too late.
        """
        with self._lock:
            removed = self._removed.get(item_id)
            if removed is None or removed.item.cancelled:
                return False
            del self._removed[item_id]
            removed.item.removed = False
            self._items.insert(removed.place, removed.item)
            self._changed(removed.item)
            return True

    def discard(self, item_id: str) -> None:
        """Delete what has arrived of a removed download."""
        with self._lock:
            removed = self._removed.get(item_id)
            if removed is None or removed.item.cancelled:
                return
            item = removed.item
            item.cancelled = True
            thread = threading.Thread(
                target=self._discard, args=(item, item.thread), name="discard", daemon=True
            )
            self._leaving[item.id] = thread
            thread.start()

    def cancel(self, item_id: str) -> None:
        """Take a download out and delete what has arrived, at once."""
        with self._lock:
            self.remove(item_id)
            self.discard(item_id)

    def move(self, item_id: str, position: int) -> None:
        """Change the order; 0 is the first place."""
        with self._lock:
            item = self._find(item_id)
            if item is not None:
                self._items.remove(item)
                self._items.insert(max(position, 0), item)
                self._changed(item)

    def close(self, timeout: float = 2.0) -> None:
        """Stop all transfers and remember them as they were; what was removed is deleted."""
        with self._lock:
            self._closing = True
            for item_id in list(self._removed):
                self.discard(item_id)
            self._save()
            threads = [item.thread for item in self._items if item.thread is not None]
            threads += self._leaving.values()
            for item in self._items:
                if item.job is not None:
                    item.job.stop()
        end = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0.0))
        self._saver.wait(max(end - time.monotonic(), 0.2))
        with self._lock:
            for stream in self._streams:
                stream.close()
            self._streams.clear()

    # ------------------------------------------------------------ under the lock

    def _find(self, item_id: str) -> Item | None:
        return next((item for item in self._items if item.id == item_id), None)

    def _require_space(self, item: Item) -> None:
        """All that is queued or running must fit together; what is paused waits for its turn."""
        others = [each for each in self._items if each.stage in ("queued", "running")]
        reserved = sum(each.remaining for each in others)
        disk_space.require_space(item.order.models, item.remaining, reserved=reserved)

    def _running(self, but: Item) -> int:
        """Bytes that the other running downloads still need (called on a download's thread)."""
        with self._lock:
            others = [each for each in self._items if each.stage == "running" and each is not but]
            return sum(each.remaining for each in others)

    def _changed(self, item: Item, *, gone: bool = False) -> None:
        self._save()
        self._tell(item.row(gone=gone))
        self._schedule()

    def _tell(self, row: QueueRow) -> None:
        self._streams = [stream for stream in self._streams if not stream.cancelled.is_set()]
        for stream in self._streams:
            stream.put(row)

    def _save(self) -> None:
        items = [Queued(i.order, i.stage, i.code, i.note) for i in self._items]
        removed = [Queued(each.item.order, "removed") for each in self._removed.values()]
        self._saver.save(items + removed)

    def _schedule(self) -> None:
        """Start waiting downloads while there is room, and none while working offline."""
        running = sum(item.thread is not None for item in self._items)
        for item in self._items:
            if self._closing or self._hub.address.offline or running >= ACTIVE:
                return
            if item.stage == "queued" and item.thread is None and item.id not in self._leaving:
                self._begin(item)
                running += 1

    def _begin(self, item: Item) -> None:
        item.stage = "running"
        item.job = QuantizationDownload(
            self._hub.without_token() if item.anonymous else self._hub,
            item.order,
            patience=self._patience,
            limit=self._limit,
            restart=item.restart,
            hf_cache=self._hf_cache,
            listener=lambda status: self._progress(item, status),
            reserved=lambda: self._running(item),
        )
        item.restart = False
        item.thread = threading.Thread(
            target=self._work, args=(item, item.job), name="download", daemon=True
        )
        self._save()
        item.thread.start()

    # ------------------------------------------------------------ on threads of their own

    def _progress(self, item: Item, status: Status) -> None:
        with self._lock:
            if item.stage == "running" and not item.removed and status.state != "failed":
                self._tell(replace(item.row(), status=status))

    def _work(self, item: Item, job: QuantizationDownload) -> None:
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

    def _ended(self, item: Item, stage: Stage, code: str, note: str) -> None:
        item.thread = None
        if item.removed:
            item.job = None
            return
        if item.stage == "running" and not (self._closing and stage == "paused"):
            item.stage, item.code, item.note = stage, code, note
        if item.stage != "done":
            item.job = None
        self._changed(item)

    def _discard(self, item: Item, worker: threading.Thread | None) -> None:
        """Delete a cancelled download's files once its worker has left them."""
        if worker is not None:
            worker.join()
        discard(item.order)
        with self._lock:
            self._leaving.pop(item.id, None)
            self._removed.pop(item.id, None)
            self._save()
            self._schedule()
