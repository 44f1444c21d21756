"""What an inspector is about: a file on this disk, or a quantization on the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from qwqdesk.models.details import Details, one_line, read_details
from qwqdesk.models.hub_details import read_hub_details
from qwqdesk.models.hub_files import Quantization, Repository
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.models.asking import ask


@dataclass(frozen=True)
class Subject:
    """Where a model is, and how its header is read. `path` is None for what is on the hub.

    `address` is its page there.
    """

    title: str
    place: str
    read: Callable[[], Awaitable[Details]]
    path: Path | None = None
    address: str = ""


def on_disk(path: Path) -> Subject:
    """A model file."""
    return Subject(path.name, str(path), lambda: asyncio.to_thread(read_details, path), path)


def on_hub(desk: Desk, found: Repository, row: Quantization, address: str) -> Subject:
    """A quantization that may not be here; its header is read by Range."""
    file = one_line(row.files[0].path if row.files else row.stem, 200)
    hub = desk.downloads.hub

    def read() -> Awaitable[Details]:
        return ask(lambda stop: read_hub_details(hub, found, row, stop))

    return Subject(file.rpartition("/")[2], f"{found.repo} · {file}", read, None, address)
