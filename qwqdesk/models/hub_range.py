"""Reads a file on the hub piece by piece, as a `ByteSource` for the header reader."""

from __future__ import annotations

from qwqdesk.models import hub_errors
from qwqdesk.models.byte_source import MAX_HEADER_BYTES
from qwqdesk.models.hub_errors import Broken
from qwqdesk.models.hub_http import Answer, HubHttp

_SLOWEST = 50_000
"""Bytes a second of a connection that is slow but goes on."""


class RangeSource:
    """Bytes of one file by HTTP Range. The signed address behind the hub's is used while it works.

    Raises (when read): Broken, Stopped, UserError.
    """

    def __init__(self, http: HubHttp, url: str, repo: str, size: int) -> None:
        self.size = size
        self._http = http
        self._url = url
        self._repo = repo
        self._direct: str | None = None

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; a server that ignores ranges is read from its start."""
        end = min(offset + size, self.size, MAX_HEADER_BYTES)
        if end <= offset:
            return b""
        if self._direct is not None:
            try:
                return self._read(self._direct, offset, end)
            except Broken:
                self._direct = None
        return self._read(self._url, offset, end)

    def _read(self, url: str, offset: int, end: int) -> bytes:
        seconds = self._http.waits.listing + (end - offset) / _SLOWEST
        limit = self._http.within(seconds, "the file's header takes too long")
        with limit, self._http.get(url, {"Range": f"bytes={offset}-{end - 1}"}) as answer:
            if answer.status not in (200, 206) and not answer.from_hub:
                raise Broken("network", f"status {answer.status}")
            self._http.require_success(answer, self._repo)
            if answer.headers.get("content-type", "").startswith("text/html"):
                raise hub_errors.portal(self._http.site.host)
            self._direct = None if answer.from_hub else answer.url
            begin = offset if answer.status == 206 else 0
            if answer.status == 206 and _start(answer) != offset:
                raise Broken("network", "another range was sent")
            return _collect(answer, offset - begin, end - offset)


def _start(answer: Answer) -> int | None:
    text = answer.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    return int(text) if text.isascii() and text.isdigit() else None


def _collect(answer: Answer, skip: int, wanted: int) -> bytes:
    """`wanted` bytes behind the first `skip` ones; what follows is not read."""
    data = bytearray()
    for chunk in answer.chunks():
        data += chunk
        if len(data) >= skip + wanted:
            break
    return bytes(data[skip : skip + wanted])
