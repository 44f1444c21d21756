"""Which quantizations are being downloaded: the queue's rows for the table of one repository."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import cast

from PySide6.QtCore import QObject, Signal

from qwqdesk.models.download_status import Status
from qwqdesk.models.queue_item import QueueRow
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.tasks import Tasks


class DownloadStates(QObject):
    """Listens to the queue without making it; `changed` carries repository, label and a Status.

    The status is None when a download has left the queue.
    """

    changed = Signal(str, str, object)

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tasks = Tasks(self, desk.report)
        self._tasks.start(self._listen(), "download states")

    def of(self, names: Collection[str]) -> dict[str, Status]:
        """The downloads of one repository by label; `names` are all of its names in lower case."""
        rows = self._desk.downloads.rows
        return {row.label: row.status for row in rows if row.repo.lower() in names}

    async def _listen(self) -> None:
        batches = cast("AsyncGenerator[list[QueueRow], None]", aiter(self._desk.downloads.listen()))
        async with aclosing(batches):
            async for batch in batches:
                latest = {(row.repo, row.label): row for row in batch}
                for (repo, label), row in latest.items():
                    self.changed.emit(repo, label, None if row.gone else row.status)
