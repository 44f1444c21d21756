"""The hub and the download queue of one run of the program, as the settings have them.

Both are made at first use, so that a window opens without them. A changed endpoint or token gives
a new hub: what runs ends with the old one, what begins afterwards uses the new one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from qwqdesk.paths import DataDirs
from qwqdesk.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from qwqdesk.models.hub import Hub
    from qwqdesk.models.hub_files import Quantization, Repository
    from qwqdesk.models.hub_http import Site
    from qwqdesk.models.queue import DownloadQueue


class Downloads:
    """Making one costs nothing and asks nobody. Any thread."""

    def __init__(self, dirs: DataDirs, settings: Settings, environ: Mapping[str, str]) -> None:
        self._dirs = dirs
        self._settings = settings
        self._environ = environ
        self._lock = threading.RLock()
        self._hub: Hub | None = None
        self._queue: DownloadQueue | None = None
        self._started = False

    @property
    def hub(self) -> Hub:
        """The hub by the present settings; ask for it anew at each action.

        Raises:
            UserError: code "network", the endpoint is no address.
        """
        from qwqdesk.models.hub import Hub

        with self._lock:
            if self._hub is None:
                self._hub = Hub(self._site())
            return self._hub

    @property
    def queue(self) -> DownloadQueue:
        """All downloads, over restarts. Raises UserError as `hub` does."""
        from qwqdesk.models.queue import DownloadQueue

        with self._lock:
            if self._queue is None:
                self._queue = DownloadQueue(
                    self.hub, self._dirs.models, self.file, hf_cache=self._hf_cache()
                )
                if self._started:
                    self._queue.start()
            return self._queue

    @property
    def file(self) -> Path:
        """Where the queue is remembered."""
        return self._dirs.data / "downloads.json"

    def add(self, repository: Repository, quantization: Quantization) -> str:
        """Queue a quantization of a repository and return the download's id.

        Raises:
            UserError: the endpoint is no address.
        """
        from qwqdesk.models.download_set import SetOrder

        order = SetOrder(repository.repo, repository.commit, quantization, self._dirs.models)
        return self.queue.add(order)

    def start(self) -> None:
        """Go on with what ran or waited when the program ended; paused and failed ones stay so."""
        with self._lock:
            self._started = True
            if self._queue is not None:
                self._queue.start()
            elif self.file.exists():
                _ = self.queue

    def change(self, settings: Settings) -> None:
        """The settings are these from now on."""
        with self._lock:
            self._settings = settings

    def close(self) -> None:
        """Stop all transfers; they are remembered as they were. Takes 2 s at most."""
        with self._lock:
            queue, self._queue = self._queue, None
            self._started = False
        if queue is not None:
            queue.close()

    def _site(self) -> Site:
        from qwqdesk.models.hub_http import Site

        return Site.find(self._environ)

    def _hf_cache(self) -> Path | None:
        from qwqdesk.models.library import places
        from qwqdesk.resources import resource

        return places(resource("models"), self._dirs.models, (), self._environ).hf_cache
