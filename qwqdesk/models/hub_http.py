"""Requests to the hub and to the file servers it redirects to; the only use of httpx2.

The access token goes to the hub's own address and nowhere else. Redirects are followed here, one
by one, because the hub's own headers (which file, which commit) stand in the first answer and the
bytes come with the last. Every wait has a limit, and `StopSwitch` ends any of them at once.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from qwqdesk import __version__
from qwqdesk.errors import UserError
from qwqdesk.models import hub_errors
from qwqdesk.models.hub_body import body_pieces
from qwqdesk.models.hub_errors import Broken, Stopped
from qwqdesk.models.hub_faults import check_proxies, origin, told_error
from qwqdesk.models.hub_names import HOSTS
from qwqdesk.models.tokens import Token, find_token

if TYPE_CHECKING:
    import httpx2

DEFAULT_ENDPOINT = "https://huggingface.co"
MAX_REDIRECTS = 6
_SCHEMES = ("http", "https")
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True)
class Site:
    """Which hub, and as whom."""

    endpoint: str = DEFAULT_ENDPOINT
    token: Token | None = None
    offline: bool = False

    @staticmethod
    def find(environ: Mapping[str, str], *, use_token: bool = True, endpoint: str = "") -> Site:
        """From the variables that huggingface_hub knows.

        Args:
            endpoint: that of the settings; HF_ENDPOINT goes before it.

        Raises:
            UserError: code "network", the endpoint is no address.
        """
        named = environ.get("HF_ENDPOINT", "").strip()
        address = (named or endpoint.strip() or DEFAULT_ENDPOINT).rstrip("/")
        if origin(address) is None:
            raise UserError(
                f"{'HF_ENDPOINT' if named else 'The endpoint in the settings'} is not the address "
                "of a server.",
                "It must begin with https:// or http://.",
                code="network",
            )
        off = (environ.get("HF_HUB_OFFLINE") or environ.get("TRANSFORMERS_OFFLINE") or "").lower()
        token = find_token(environ) if use_token else None
        return Site(address, token, off.strip() in _TRUE)

    @property
    def is_own(self) -> bool:
        """Whether this is the hub itself and no mirror."""
        return self.host.lower() == "huggingface.co"

    @property
    def host(self) -> str:
        """The hub's name for messages, without credentials."""
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]

    def page(self, repo: str) -> str:
        """The address of a model's page, for messages."""
        return f"{urlsplit(self.endpoint).scheme}://{self.host}/{repo}"

    def own(self, url: str) -> str:
        """An address of the hub as this site has it: a mirror passes the hub's own ones on.

        Addresses of other servers, say of those that have the files, are left as they are.
        """
        here, there = urlsplit(self.endpoint), urlsplit(url)
        host = (there.hostname or "").lower()
        usual = there.netloc.lower().rpartition("@")[2] in (host, f"{host}:80", f"{host}:443")
        if not usual or host not in {*HOSTS, (here.hostname or "").lower()}:
            return url
        inside = here.path.rstrip("/")
        path = there.path
        if inside and not path.startswith(f"{inside}/"):
            path = inside + path
        return urlunsplit((here.scheme, here.netloc, path, there.query, ""))

    def file_url(self, repo: str, commit: str, path: str) -> str:
        """Where the hub answers for one file at one commit."""
        return f"{self.endpoint}/{repo}/resolve/{quote(commit, safe='')}/{quote(path)}"


@dataclass(frozen=True)
class Waits:
    """Limits in seconds.

    `connect` is for a connection, `read` for the silence between two pieces of an answer, `head`
    for an answer up to the end of its headers, redirects included, `listing` for all of a listing.
    A server that sends a byte now and then is never silent, so the whole time counts too.
    """

    connect: float = 10.0
    read: float = 30.0
    listing: float = 20.0
    head: float = 60.0


class StopSwitch:
    """Ends every wait of a thread from another one: sleeps at once, sockets by closing them."""

    def __init__(self) -> None:
        self._on = self._nudged = False
        self._sockets: set[socket.socket] = set()
        self._changed = threading.Condition()

    @property
    def on(self) -> bool:
        """Whether it was thrown."""
        return self._on

    def throw(self) -> None:
        """Stop everything that looks at this switch."""
        with self._changed:
            self._on = True
            self._changed.notify_all()
            for each in self._sockets:
                _shut(each)

    def nudge(self) -> None:
        """End the present sleep, if there is one, and nothing else."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def watch(self, each: socket.socket) -> None:
        """Remember an open socket; closed already when the switch is on."""
        with self._changed:
            self._sockets = {old for old in self._sockets if old.fileno() >= 0} | {each}
            if self._on:
                _shut(each)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: the switch was thrown.
        """
        with self._changed:
            self._nudged = False
            self._changed.wait_for(lambda: self._on or self._nudged, max(seconds, 0.0))
        self.check()

    def check(self) -> None:
        """Raises `Stopped` when the switch was thrown."""
        if self._on:
            raise Stopped


@dataclass(frozen=True)
class Answer:
    """The last answer of a chain of redirects; `hub_headers` are those of the first."""

    status: int
    headers: Mapping[str, str]
    hub_headers: Mapping[str, str]
    from_hub: bool
    url: str
    _response: httpx2.Response = field(repr=False)
    _stop: StopSwitch = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives.

        Raises:
            Broken: the connection ended or stood still. Stopped: the switch was thrown.
        """
        with _told(self._stop, self.url):
            for chunk in self._response.iter_raw():
                self._stop.check()
                yield chunk

    def pieces(self, most: Callable[[], int]) -> Iterator[bytes | memoryview]:
        """The body as `chunks`, in large pieces where it can be read straight from the socket.

        A piece has `most()` bytes at most and holds until the next one is taken. Raises as
        `chunks` does.
        """
        with _told(self._stop, self.url):
            for piece in body_pieces(self._response, most):
                self._stop.check()
                yield piece


class HubHttp:
    """A few connections to one hub. Use as a context manager; one thread at a time."""

    def __init__(
        self,
        site: Site,
        stop: StopSwitch | None = None,
        waits: Waits | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`trust` saves reading the system's certificates once more."""
        import httpx2

        self.site = site
        self.waits = waits or Waits()
        self._stop = stop or StopSwitch()
        self._sockets: set[socket.socket] = set()
        limits = self.waits
        timeout = httpx2.Timeout(limits.read, connect=limits.connect, pool=limits.connect)
        headers = {"User-Agent": f"qwqdesk/{__version__}", "Accept-Encoding": "identity"}
        check_proxies()
        self._client = httpx2.Client(
            timeout=timeout, headers=headers, follow_redirects=False, verify=trust or True
        )

    def __enter__(self) -> HubHttp:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    @contextlib.contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """Open one address, following redirects; the body is read by the caller.

        Raises:
            Broken, Stopped, or a UserError for what no other try mends.
        """
        first: Mapping[str, str] | None = None
        end = time.monotonic() + self.waits.head
        for _ in range(MAX_REDIRECTS):
            left = end - time.monotonic()
            with self.within(left, "its answer takes too long"), _told(self._stop, url):
                response = self._send(url, headers or {})
            try:
                from_hub = self._is_hub(url)
                if first is None:
                    first = dict(response.headers)
                target = response.headers.get("location")
                if response.status_code not in (301, 302, 303, 307, 308) or not target:
                    yield Answer(
                        response.status_code,
                        response.headers,
                        first,
                        from_hub,
                        url,
                        response,
                        self._stop,
                    )
                    return
                if from_hub:
                    first = {**first, **response.headers}
                url = self._next(url, target)
            finally:
                response.close()
        raise Broken("network", "too many redirects")

    def get_json(self, url: str, params: Mapping[str, Any], repo: str) -> tuple[Any, str | None]:
        """A JSON document of the hub's API and the address of its next page.

        Raises:
            Broken: may work another time. UserError: for the rest. Stopped.
        """
        import json

        import httpx2

        address = str(httpx2.URL(url).copy_merge_params(params)) if params else url
        limit = self.within(self.waits.listing, "the listing takes too long")
        with limit, self.get(address, {"Accept": "application/json"}) as answer:
            self.require_success(answer, repo)
            text = b"".join(self._bounded(answer))
            following = answer._response.links.get("next", {}).get("url")
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            if text.lstrip()[:1] == b"<":
                raise hub_errors.portal(self.site.host) from None
            raise hub_errors.not_understood(self.site.host) from None
        return document, self._following(answer.url, following)

    def _following(self, address: str, target: str | None) -> str | None:
        """The address of the next page, at this hub whatever server the answer names."""
        if not target:
            return None
        try:
            here, there = urlsplit(self.site.endpoint), urlsplit(urljoin(address, target))
        except ValueError:
            return None
        inside = here.path.rstrip("/")
        if there.path.removeprefix(inside) != "/api/models" or there.scheme not in _SCHEMES:
            return None
        following = urlunsplit((here.scheme, here.netloc, f"{inside}/api/models", there.query, ""))
        return following if following != address else None

    @contextlib.contextmanager
    def within(self, seconds: float, why: str) -> Iterator[None]:
        """Whatever this client reads inside is cut off when the time is over.

        Raises:
            Broken: code "timeout", saying `why`.
        """
        late = threading.Event()

        def cut() -> None:
            late.set()
            for each in tuple(self._sockets):
                _shut(each)

        timer = threading.Timer(max(seconds, 0.0), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Broken:
            if late.is_set():
                raise Broken("timeout", why) from None
            raise
        finally:
            timer.cancel()
            timer.join()

    def require_success(self, answer: Answer, repo: str) -> None:
        """Raise what an answer of the hub that is no success means."""
        if answer.status in (200, 206):
            return
        refused = hub_errors.refusal(
            answer.status,
            answer.headers,
            token=self.site.token is not None,
            host=self.site.host,
            page=self.site.page(repo),
        )
        raise refused

    def _send(self, url: str, headers: Mapping[str, str]) -> httpx2.Response:
        import httpx2

        own = dict(headers)
        if self.site.token is not None and self._is_hub(url):
            own["Authorization"] = f"Bearer {self.site.token.text}"
        try:
            request = self._client.build_request(
                "GET", url, headers=own, extensions={"trace": self._trace}
            )
            return self._client.send(request, stream=True)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError) as error:
            raise Broken("network", "it gives an impossible address") from error

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        """httpcore's events: learn each socket as soon as it is open."""
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            stream = info.get("return_value")
            each = stream.get_extra_info("socket") if stream is not None else None
            if each is not None:
                self._sockets = {old for old in self._sockets if old.fileno() >= 0} | {each}
                self._stop.watch(each)
        if name.endswith(("connect_tcp.started", "send_request_headers.started")):
            self._stop.check()

    def _is_hub(self, url: str) -> bool:
        return origin(url) is not None and origin(url) == origin(self.site.endpoint)

    def _next(self, url: str, target: str) -> str:
        """The address of a redirect; one that leaves encryption is a network's login page."""
        try:
            following = urljoin(url, target)
            passed_on = self.site.own(following) if self._is_hub(url) else following
        except ValueError as error:
            raise Broken("network", "it gives an impossible address") from error
        if passed_on != url:  # else a mirror that leaves its files to the hub
            following = passed_on
        if origin(following) is None:
            raise Broken("network", "it gives an impossible address")
        if url.startswith("https:") and not following.startswith("https:"):
            raise hub_errors.portal(self.site.host)
        return following

    def _bounded(self, answer: Answer) -> Iterator[bytes]:
        """A listing's body within a size."""
        size = 0
        for chunk in answer.chunks():
            size += len(chunk)
            if size > 64 << 20:
                raise hub_errors.not_understood(self.site.host)
            yield chunk


@contextlib.contextmanager
def _told(stop: StopSwitch, url: str) -> Iterator[None]:
    """Turns the HTTP library's exceptions into ours."""
    import httpx2

    try:
        yield
    except (httpx2.HTTPError, httpx2.StreamError, OSError, ssl.SSLError) as error:
        if stop.on:
            raise Stopped from None
        raise told_error(error, url) from error


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
