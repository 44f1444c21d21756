"""The hub and the download queue of one run of the program, as the settings have them.

Both are made at first use, so that a window opens without them. A changed endpoint or token gives
a new hub: what runs ends with the old one, what begins afterwards uses the new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from qwqdesk.errors import UserError
from qwqdesk.paths import DataDirs
from qwqdesk.pipe import Stream
from qwqdesk.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from qwqdesk.models.hub import Hub
    from qwqdesk.models.hub_files import Quantization, Repository
    from qwqdesk.models.hub_http import Site
    from qwqdesk.models.queue import DownloadQueue
    from qwqdesk.models.queue_item import QueueRow
    from qwqdesk.models.rate_limit import RateLimit
    from qwqdesk.models.token_store import TokenStore
    from qwqdesk.models.tokens import Token


class Downloads:
    """Making one costs nothing and asks nobody. Any thread."""

    def __init__(
        self,
        dirs: DataDirs,
        settings: Settings,
        environ: Mapping[str, str],
        tokens: TokenStore | None = None,
    ) -> None:
        self._dirs = dirs
        self._settings = settings
        self._environ = environ
        self._lock = threading.RLock()
        self._tokens = tokens
        self._limit: RateLimit | None = None
        self._hub: Hub | None = None
        self._queue: DownloadQueue | None = None
        self._streams: list[Stream[QueueRow]] = []
        self._started = False
        self._first: Callable[[], bool] = lambda: True
        self._held_back = False

    @property
    def hub(self) -> Hub:
        """The hub by the present settings; ask for it anew at each action.

        Raises:
            UserError: code "network", the endpoint is no address.
        """
        with self._lock:
            if self._hub is None:
                site = find_site(self._environ, self._settings, use_token=False)
                self._hub = _hub(site, self._environ, self.tokens, self._settings.token_saved)
            return self._hub

    @property
    def tokens(self) -> TokenStore:
        """Where the settings' access token is kept."""
        from qwqdesk.models.token_store import TokenStore

        with self._lock:
            if self._tokens is None:
                self._tokens = TokenStore()
            return self._tokens

    @property
    def queue(self) -> DownloadQueue:
        """All downloads, over restarts. Raises UserError as `hub` does."""
        with self._lock:
            if self._queue is None:
                self._queue = self._new_queue()
            return self._queue

    @property
    def rows(self) -> tuple[QueueRow, ...]:
        """All downloads; none while nothing made the queue."""
        with self._lock:
            queue = self._queue
        return queue.rows() if queue is not None else ()

    @property
    def offline(self) -> bool:
        """Whether HF_HUB_OFFLINE forbids every request."""
        with suppress(UserError):
            return self.hub.address.offline
        return False

    @property
    def file(self) -> Path:
        """Where the queue is remembered."""
        return self._dirs.data / "downloads.json"

    def listen(self) -> Stream[QueueRow]:
        """A stream of downloads as they change, from now on; it does not make the queue."""
        stream: Stream[QueueRow] = Stream()
        with self._lock:
            self._streams.append(stream)
            if self._queue is not None:
                self._queue.listen(stream)
        return stream

    def add(self, repository: Repository, quantization: Quantization) -> str:
        """Queue a quantization of a repository and return the download's id.

        Raises:
            UserError: "offline"; "disk_full", it does not fit beside the others; "network", the
                endpoint is no address; "other_window", another window keeps the downloads.
        """
        from qwqdesk.models import hub_errors
        from qwqdesk.models.download_set import SetOrder

        if self.hub.address.offline:
            raise hub_errors.offline()
        self._claim()
        order = SetOrder.of(repository, quantization, self._dirs.models)
        return self.queue.add(order)

    def share(self, first: Callable[[], bool]) -> None:
        """Keep the downloads only while `first` says that no earlier window does."""
        self._first = first

    def _claim(self) -> None:
        if not self._first():
            raise UserError(
                "Another window of QwQ Desk keeps the downloads.",
                "Download there, or close that window and try again.",
                code="other_window",
            )
        if self._held_back:
            self.start()

    def start(self) -> None:
        """Go on with what ran or waited when the program ended; paused and failed ones stay so.

        Where another window keeps the downloads, nothing is read, written or begun.
        Raises UserError as `hub` does.
        """
        self._held_back = not self._first()
        if self._held_back:
            return
        with self._lock:
            self._started = True
            if self._queue is not None:
                self._queue.start()
            elif self.file.exists():
                self._queue = self._new_queue()

    def change(self, settings: Settings) -> None:
        """The settings are these from now on."""
        with self._lock:
            before, self._settings = self._settings, settings
            if self._limit is not None:
                self._limit.set(settings.speed_limit)
            names = ("hub_endpoint", "token_saved")
            if any(getattr(before, name) != getattr(settings, name) for name in names):
                self.renew()

    def renew(self) -> None:
        """The endpoint or the token has changed: what begins from now on uses the new one."""
        with self._lock:
            self._hub = None
            if self._queue is not None:
                with suppress(UserError):  # told when somebody wants something of the hub
                    self._queue.use(self.hub)

    def go_without_token(self) -> None:
        """Ask the hub as somebody without an account, until the program ends or settings change.

        Raises UserError as `hub` does.
        """
        with self._lock:
            self._hub = self.hub.without_token()
            if self._queue is not None:
                self._queue.use(self._hub)

    def close(self) -> None:
        """Stop all transfers; they are remembered as they were. Takes some 2 s at most."""
        with self._lock:
            queue, self._queue = self._queue, None
            self._started = False
            streams, self._streams = self._streams, []
        if queue is not None:
            queue.close()
        else:
            for stream in streams:
                stream.close()

    def _new_queue(self) -> DownloadQueue:
        from qwqdesk.models.queue import DownloadQueue
        from qwqdesk.models.rate_limit import RateLimit

        cache = hf_cache(self._dirs, self._environ)
        self._limit = RateLimit(self._settings.speed_limit)
        queue = DownloadQueue(
            self.hub, self._dirs.models, self.file, hf_cache=cache, limit=self._limit
        )
        for stream in self._streams:
            queue.listen(stream)
        if self._started:
            queue.start()
        return queue


def hf_cache(dirs: DataDirs, environ: Mapping[str, str]) -> Path | None:
    """Where huggingface_hub keeps what it has fetched; None where there is no such folder."""
    from qwqdesk.models.library import places
    from qwqdesk.resources import resource

    return places(resource("models"), dirs.models, (), environ).hf_cache


def find_site(environ: Mapping[str, str], settings: Settings, *, use_token: bool = True) -> Site:
    """The hub that variables and settings name. It may ask the keyring, unless without a token.

    Raises:
        UserError: code "network", the endpoint is no address.
    """
    from dataclasses import replace

    from qwqdesk.models.hub_http import Site
    from qwqdesk.models.token_store import TokenStore

    site = Site.find(environ, use_token=False, endpoint=settings.hub_endpoint)
    if not use_token:
        return site
    return replace(site, token=present_token(environ, TokenStore(), settings.token_saved))


def present_token(environ: Mapping[str, str], tokens: TokenStore, saved: bool) -> Token | None:
    """The token that is used now: the variable, that of the settings, huggingface_hub's own file.

    Args:
        saved: whether the keyring may have one; it is asked only then.
    """
    from qwqdesk.models.tokens import find_token, variable_token

    found = variable_token(environ)
    if found is None and (saved or tokens.in_session):
        found = tokens.load()
    return found or find_token(environ)


def _hub(site: Site, environ: Mapping[str, str], tokens: TokenStore, saved: bool) -> Hub:
    from qwqdesk.models.hub import Hub

    return Hub(site, find_token=lambda: present_token(environ, tokens, saved))
