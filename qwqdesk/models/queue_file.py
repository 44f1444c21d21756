"""The download queue on disk: one JSON file, replaced in one step, read with distrust.

A file that cannot be read is put aside; the parts of its downloads stay, and are found again by
their notes, as paused ones.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qwqdesk.models.download_part import NOTE_SUFFIX, SUFFIX
from qwqdesk.models.download_set import SetOrder
from qwqdesk.models.hub_files import Quantization, RepoFile, listed, quantizations
from qwqdesk.models.hub_names import is_repo
from qwqdesk.models.records import read_json, write_json
from qwqdesk.whole_file import open_regular, replace_file

VERSION = 1
MAX_BYTES = 16 << 20
MAX_ITEMS = 1000
Stage = Literal["queued", "running", "paused", "failed", "done"]
Kept = Stage | Literal["removed"]
_LOG = logging.getLogger(__name__)
_KEPT_STAGES: tuple[Kept, ...] = ("queued", "running", "paused", "failed", "removed")


@dataclass(frozen=True)
class Queued:
    """One download as it is remembered; `code` and `note` say why it failed.

    A removed one is remembered until its files are deleted, so that no crash leaves them behind.
    """

    order: SetOrder
    stage: Kept
    code: str = ""
    note: str = ""

    @property
    def part(self) -> Path:
        """Where the first file's bytes are until it is whole."""
        target = self.order.target(self.order.quantization.files[0])
        return target.with_name(target.name + SUFFIX)


class QueueSaver:
    """Writes the queue's file on a thread of its own; of several states only the last counts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._next: list[Queued] | None = None
        self._thread: threading.Thread | None = None

    def save(self, items: list[Queued]) -> None:
        """Write this soon (any thread)."""
        with self._lock:
            self._next = items
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="queue-save", daemon=True)
                self._thread.start()

    def wait(self, timeout: float) -> None:
        """Wait until all is written, this many seconds at most."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _work(self) -> None:
        while True:
            with self._lock:
                items, self._next = self._next, None
                if items is None:
                    self._thread = None
                    return
            try:
                save_queue(self._file, items)
            except OSError as error:  # a full disk: the parts have their notes
                _LOG.warning("the download queue cannot be saved: %s", error.strerror)


def save_queue(file: Path, items: list[Queued]) -> None:
    """Replace the file. Finished downloads are left out: the library has them.

    Raises:
        OSError: it cannot be written.
    """
    rows = [_row(item) for item in items if item.stage in _KEPT_STAGES]
    write_json(file, {"version": VERSION, "items": rows})


def load_queue(file: Path, models: Path) -> list[Queued]:
    """The downloads in their order; of a broken file, what the parts tell. Never raises."""
    try:
        with open_regular(file) as handle:
            data = json.loads(handle.read(MAX_BYTES))
        if not isinstance(data, dict) or not isinstance(data.get("items"), list):
            raise ValueError("no queue")
    except FileNotFoundError:
        return []
    except OSError:
        return left_parts(models)  # what cannot be read is left where it is
    except (ValueError, RecursionError):
        with suppress(OSError):
            replace_file(file, file.with_name(f"{file.name}.broken"))
        return left_parts(models)
    items = [item for row in data["items"] for item in _item(row, models)]
    return items[:MAX_ITEMS]


def left_parts(models: Path) -> list[Queued]:
    """Downloads that the notes of parts below the models folder tell of, whoever began them.

    A shard is left out: it says nothing of the others. It is used when its set is asked for again.
    """
    found = []
    for note in sorted(models.glob(f"*/*/**/*{NOTE_SUFFIX}")):
        part = note.with_name(note.name.removesuffix(NOTE_SUFFIX) + SUFFIX)
        found += [item for item in _left(read_json(note), models) if item.part == part]
    return found[:MAX_ITEMS]


def _left(note: Mapping[str, Any], models: Path) -> Iterator[Queued]:
    repo, commit = note.get("repo"), note.get("commit")
    file = listed(note.get("path"), note.get("size"), note.get("sha256"), note.get("blob_id"))
    if file is None or not isinstance(repo, str) or not isinstance(commit, str):
        return
    for row in quantizations([file]):
        if row.complete and commit and is_repo(repo):
            yield Queued(SetOrder(repo, commit, row, models), "paused")


def _row(item: Queued) -> dict[str, Any]:
    order = item.order
    return {
        "repo": order.repo,
        "commit": order.commit,
        "label": order.quantization.label,
        "files": [
            {"path": f.path, "size": f.size_bytes, "sha256": f.sha256, "blob_id": f.blob_id}
            for f in order.quantization.files
        ],
        "stage": item.stage,
        "code": item.code,
        "note": item.note,
    }


def _item(row: object, models: Path) -> Iterator[Queued]:
    """The download of a row; nothing for a row that makes no sense."""
    if not isinstance(row, dict) or row.get("stage") not in _KEPT_STAGES:
        return
    texts = [row.get(name) for name in ("repo", "commit", "label")]
    files = _files(row)
    if files and all(isinstance(text, str) and text for text in texts) and is_repo(str(texts[0])):
        repo, commit, label = (str(text) for text in texts)
        order = SetOrder(repo, commit, Quantization(label, files), models)
        yield Queued(order, row["stage"], str(row.get("code", "")), str(row.get("note", "")))


def _files(row: Mapping[str, Any]) -> tuple[RepoFile, ...]:
    """The files of a row; none at all when one of them is not right."""
    rows = row.get("files")
    files = [
        listed(each.get("path"), each.get("size"), each.get("sha256"), each.get("blob_id"))
        for each in (rows if isinstance(rows, list) else [])
        if isinstance(each, dict)
    ]
    good = tuple(file for file in files if file is not None)
    return good if isinstance(rows, list) and len(good) == len(rows) else ()
