"""One download of the queue: what is asked, how far it is, and what goes when it is cancelled."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass

from qwqdesk.models.download_part import NOTE_SUFFIX, SUFFIX
from qwqdesk.models.download_set import QuantizationDownload, SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.folders import size_of
from qwqdesk.models.queue_file import Queued, Stage
from qwqdesk.models.records import remove_record


@dataclass(frozen=True)
class QueueRow:
    """One download as it is shown. `gone` says that it was cancelled and has left the queue."""

    id: str
    repo: str
    label: str
    status: Status
    gone: bool = False
    order: SetOrder | None = None


@dataclass
class Item:
    """Changed under the queue's lock only. `anonymous` leaves the access token out.

    `removed`: taken out, it can still be brought back; `cancelled`: its files are being deleted.
    """

    order: SetOrder
    stage: Stage
    code: str = ""
    note: str = ""
    restart: bool = False
    anonymous: bool = False
    removed: bool = False
    cancelled: bool = False
    job: QuantizationDownload | None = None
    thread: threading.Thread | None = None

    @property
    def id(self) -> str:
        """One for each quantization of a repository."""
        return f"{self.order.repo}:{self.order.quantization.label}"

    @property
    def remaining(self) -> int:
        """Bytes that are still to come."""
        done = self.job.status().done if self.job is not None else self.order.kept
        return max(self.order.quantization.size_bytes - done, 0)

    def status(self) -> Status:
        """How it stands; queued until its worker has begun."""
        total = self.order.quantization.size_bytes
        if self.job is not None and self.stage in ("running", "done"):
            return self.job.status()
        done = self.job.status().done if self.job is not None else self.order.kept
        state = "queued" if self.stage == "running" else self.stage
        return Status(state, min(done, total), total, note=self.note, code=self.code)

    def row(self, *, gone: bool = False) -> QueueRow:
        """As it is shown."""
        order = self.order
        return QueueRow(self.id, order.repo, order.quantization.label, self.status(), gone, order)


def restored(item: Queued) -> Item:
    """What was running goes on; the rest is as it was."""
    if item.stage == "removed":
        return Item(item.order, "paused", removed=True)
    stage: Stage = "queued" if item.stage == "running" else item.stage
    return Item(item.order, stage, item.code, item.note)


def discard(order: SetOrder) -> None:
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
