"""What the hub knows: searching repositories, their files, and headers of files not yet here.

huggingface_hub is asked for a repository's listing; it has no time limit for searching, so that
is a request of our own. Nothing here is asked without a user's action.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from qwqdesk.errors import UserError
from qwqdesk.models import hub_errors, hub_files
from qwqdesk.models.gguf import GgufHeader, read_header
from qwqdesk.models.hub_errors import Broken
from qwqdesk.models.hub_faults import check_proxies, told_error
from qwqdesk.models.hub_files import RepoFile, Repository
from qwqdesk.models.hub_http import HubHttp, Site, StopSwitch, Waits
from qwqdesk.models.hub_names import is_repo
from qwqdesk.models.hub_range import RangeSource
from qwqdesk.models.tokens import Token

SORTS: Mapping[str, str] = {
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
    "trending": "trendingScore",
}
PAGE = 50
LISTING_TIMEOUT = 15.0
TRIES, FIRST_WAIT = 3, 0.4
_FIELDS = ("downloads", "likes", "gated", "lastModified")
# Read by huggingface_hub when it is imported: no telemetry, no Xet, no bars on standard error.
_QUIET = ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_PROGRESS_BARS")

Sort = Literal["downloads", "likes", "updated", "trending"]
T = TypeVar("T")


@dataclass(frozen=True)
class FoundRepo:
    """One row of a search; `gated` is False or how access is given, `updated` an ISO date."""

    repo: str
    downloads: int
    likes: int
    gated: str | bool
    updated: str | None


@dataclass(frozen=True)
class SearchPage:
    """Some rows, and where the next ones are (None at the end)."""

    repos: tuple[FoundRepo, ...]
    following: str | None


class Hub:
    """One hub; every call is one user's action and blocks: use it on a worker thread.

    All methods raise UserError with a code of INTERFACE, and `Stopped` once `stop` is thrown.
    """

    def __init__(
        self,
        site: Site,
        waits: Waits | None = None,
        find_token: Callable[[], Token | None] | None = None,
    ) -> None:
        """`find_token` is asked once, when the token is needed first: a keyring may take long.

        Without it, the site's own token is used.
        """
        self.address = site
        self.waits = waits or Waits(read=LISTING_TIMEOUT)
        self._find_token = find_token
        self._site: Site | None = None if find_token else site
        self._lock = threading.Lock()
        self._trust: ssl.SSLContext | None = None

    @property
    def site(self) -> Site:
        """Which hub, and as whom. It may ask a keyring: not on a thread that must not wait.

        `address` is the same without the token.
        """
        with self._lock:
            if self._site is None:
                found = self._find_token() if self._find_token else None
                self._site = replace(self.address, token=found)
            return self._site

    def without_token(self) -> Hub:
        """The same hub for somebody without an account."""
        return Hub(replace(self.address, token=None), self.waits)

    def search(
        self,
        query: str,
        *,
        sort: Sort = "downloads",
        following: str | None = None,
        stop: StopSwitch | None = None,
    ) -> SearchPage:
        """Repositories with GGUF files; `following` is where the last page said the next one is."""
        params: list[tuple[str, str]] = [("filter", "gguf"), ("sort", SORTS[sort])]
        params += [("direction", "-1"), ("limit", str(PAGE))]
        params += [("expand", name) for name in _FIELDS]
        if query.strip():
            params.append(("search", query.strip()))
        url = following or f"{self.site.endpoint}/api/models?{_query(params)}"
        with self._http(stop) as http:
            rows, after = self._tried(lambda: http.get_json(url, {}, "api/models"), stop)
        if not isinstance(rows, list):
            raise hub_errors.not_understood(self.site.host)
        return SearchPage(tuple(_found(rows)), after)

    def repository(
        self, repo: str, revision: str | None = None, stop: StopSwitch | None = None
    ) -> Repository:
        """The quantizations of a repository with sizes and checksums."""
        self._require_online()
        if not is_repo(repo):
            raise hub_errors.not_found(self.site.page(repo))
        try:
            info = self._tried(lambda: self._model_info(repo, revision), stop)
        except UserError as error:
            # huggingface_hub follows a mirror's redirect to the hub itself; we stay at the mirror.
            if self.address.is_own or error.code not in ("network", "timeout"):
                raise
            return self.listing(repo, revision, stop)
        if info.disabled:
            raise hub_errors.disabled(self.site.page(repo))
        files: list[RepoFile] = []
        for row in info.siblings or ():
            size = row.lfs.size if row.lfs else row.size
            digest = row.lfs.sha256 if row.lfs else None
            file = hub_files.listed(row.rfilename, size, digest, row.blob_id)
            files += [file] if file is not None else []
        name = info.id if isinstance(info.id, str) and is_repo(info.id) else repo
        gated = info.gated if isinstance(info.gated, str) else bool(info.gated)
        commit = info.sha if isinstance(info.sha, str) and info.sha else "main"
        rows = hub_files.quantizations(files)
        side, facts = hub_files.side_files(files), hub_files.repo_facts(info)
        unsafe = hub_files.unsafe_names(row.rfilename for row in info.siblings or ())
        return Repository(name, commit, gated, rows, side, facts, unsafe)

    def listing(
        self, repo: str, revision: str | None = None, stop: StopSwitch | None = None
    ) -> Repository:
        """What `repository` finds, without its facts, by a request of our own.

        It can be stopped, and does without huggingface_hub, whose import takes half a second.
        """
        self._require_online()
        if not is_repo(repo):
            raise hub_errors.not_found(self.address.page(repo))
        at = f"/revision/{quote(revision, safe='')}" if revision else ""
        url = f"{self.site.endpoint}/api/models/{repo}{at}?blobs=true"
        with self._http(stop) as http:
            info, _ = self._tried(lambda: http.get_json(url, {}, repo), stop)
        if not isinstance(info, dict) or not info.keys() & {"id", "siblings"}:
            raise hub_errors.not_understood(self.address.host)
        if info.get("disabled") is True:
            raise hub_errors.disabled(self.address.page(repo))
        return hub_files.from_listing(repo, info)

    def header(
        self, repo: str, commit: str, file: RepoFile, stop: StopSwitch | None = None
    ) -> GgufHeader:
        """A file's header, read by ranges: some MB with a large vocabulary."""
        try:
            with self._http(stop) as http:
                url = self.site.file_url(repo, commit, file.path)
                return read_header(RangeSource(http, url, repo, file.size_bytes))
        except Broken as error:
            raise hub_errors.final(error, self.site.host) from error

    def http(self, stop: StopSwitch | None = None, waits: Waits | None = None) -> HubHttp:
        """Connections to this hub, to be closed by the caller."""
        return HubHttp(self.site, stop, waits or self.waits, self._certificates())

    def _http(self, stop: StopSwitch | None) -> HubHttp:
        self._require_online()
        return self.http(stop)

    def _certificates(self) -> ssl.SSLContext:
        """What this computer trusts, read once."""
        import httpx2

        with self._lock:
            if self._trust is None:
                self._trust = httpx2.create_ssl_context()
            return self._trust

    def _require_online(self) -> None:
        if self.address.offline:
            raise hub_errors.offline()

    def _tried(self, ask: Callable[[], T], stop: StopSwitch | None) -> T:
        """A few quick tries: a reset or an overloaded server often answers the second time."""
        switch = stop or StopSwitch()
        for left in reversed(range(TRIES)):
            try:
                return ask()
            except Broken as error:
                wait = (
                    FIRST_WAIT * 2 ** (TRIES - 1 - left)
                    if error.retry_after is None
                    else error.retry_after
                )
                if not left or wait > 5 or error.code in ("timeout", "proxy"):
                    raise hub_errors.final(error, self.site.host) from error
                switch.sleep(wait)
        raise AssertionError("unreachable")

    def _model_info(self, repo: str, revision: str | None) -> Any:  # noqa: ANN401  (no types there)
        for name in _QUIET:
            os.environ.setdefault(name, "1")
        import httpx2
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError

        check_proxies()
        token = self.site.token.text if self.site.token else False
        api = HfApi(endpoint=self.site.endpoint, token=token, library_name="qwqdesk")
        try:
            return api.model_info(
                repo, revision=revision, files_metadata=True, timeout=self.waits.read
            )
        except HfHubHTTPError as error:
            raise self._refused(repo, error.response) from error
        except httpx2.HTTPError as error:
            raise told_error(error, self.site.endpoint) from error
        except Exception as error:  # a strange answer can break the library anywhere
            if str(getattr(error, "doc", "")).lstrip()[:1] == "<":
                raise hub_errors.portal(self.site.host) from error
            raise hub_errors.not_understood(self.site.host) from error

    def _refused(self, repo: str, response: Any) -> UserError | Broken:  # noqa: ANN401
        return hub_errors.refusal(
            response.status_code,
            response.headers,
            token=self.site.token is not None,
            host=self.site.host,
            page=self.site.page(repo),
        )


def _query(params: list[tuple[str, str]]) -> str:
    from urllib.parse import urlencode

    return urlencode(params)


def _found(rows: list[Any]) -> Iterator[FoundRepo]:
    """The rows that have a usable name."""
    for row in rows:
        name = row.get("id") or row.get("modelId") if isinstance(row, dict) else None
        if isinstance(name, str) and is_repo(name):
            gated, updated = row.get("gated"), row.get("lastModified")
            yield FoundRepo(
                name,
                _count(row.get("downloads")),
                _count(row.get("likes")),
                gated if isinstance(gated, str) else bool(gated),
                updated if isinstance(updated, str) else None,
            )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
