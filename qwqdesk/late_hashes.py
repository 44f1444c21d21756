"""Checksums that arrive after a run: computed beside it or later, then added to its replies."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.manifest import lacks_hashes, with_hashes
from qwqdesk.model_hash import ModelFile, ModelHashes
from qwqdesk.store.history import History

_LOOK_AGAIN_S: Final = 0.05


class LateHashes:
    """Which replies wait for a checksum. Everything but the reading happens on one thread."""

    def __init__(self, hashes: ModelHashes | None, history: History | None) -> None:
        self._hashes = hashes
        self._history = history
        self._waiting: dict[str, list[int]] = {}
        self._ended = threading.Event()
        self._working = False

    def files(self, path: str) -> tuple[ModelFile, ...]:
        """The model's files, with the checksums that are known."""
        return self._hashes.known(Path(path)) if self._hashes is not None else ()

    @property
    def library(self) -> str | None:
        """The checksum of the engine's libraries, when it is known."""
        return self._hashes.library if self._hashes is not None else None

    def wait_for(self, path: str, reply_ids: Iterable[int]) -> None:
        """These replies of a model have no checksums yet."""
        self._waiting.setdefault(path, []).extend(reply_ids)

    async def complete(self, path: str, busy: Callable[[], bool] = lambda: False) -> bool:
        """Compute what is missing for this model and add it to the replies that wait.

        While `busy` says so, reading pauses: a run needs the processor and the disk. Cancelling
        ends it. Returns whether everything is known now.
        """
        if self._hashes is None or self._working:
            return False
        self._working = True
        self._ended.clear()
        try:
            done = await asyncio.to_thread(self._compute, path, busy)
        except UserError:  # the file has gone: the manifest says null
            return False
        finally:
            self._ended.set()
            self._working = False
        if done:
            self._add(path)
        return done

    def end(self) -> None:
        """Stop the reading."""
        self._ended.set()

    def _compute(self, path: str, busy: Callable[[], bool]) -> bool:
        def stopped() -> bool:
            while busy() and not self._ended.is_set():
                self._ended.wait(_LOOK_AGAIN_S)
            return self._ended.is_set()

        assert self._hashes is not None
        return self._hashes.compute(Path(path), stopped)

    def _add(self, path: str) -> None:
        if self._history is None:
            return
        files, library = self.files(path), self.library
        for reply_id in self._waiting.pop(path, []):
            try:
                manifest = self._history.reply(reply_id).manifest
                if lacks_hashes(manifest):
                    self._history.set_manifest(reply_id, with_hashes(manifest, files, library))
            except UserError:  # it was deleted meanwhile
                continue
