"""Fetches one file: resume, check, retry; the bytes are right or the file does not appear.

Each try asks the hub again, never a stored address: those expire. A range is accepted only if it
begins where the part ends. `If-Range` is not sent: file servers that differ in their tags would
throw good bytes away, and the hub's own tag (the sha256) says whether the file is still the same.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace

from qwqdesk.errors import UserError
from qwqdesk.models import disk_space, hub_errors
from qwqdesk.models.download_part import FileOrder, PartFile
from qwqdesk.models.download_status import StatusBoard
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import RETRIED, Broken
from qwqdesk.models.hub_http import Answer, HubHttp, StopSwitch, Waits
from qwqdesk.models.rate_limit import RateLimit
from qwqdesk.models.verify import FileDigest

CHECK_SPACE_EVERY = 32 << 20
ENOUGH_PROGRESS = 64 << 10
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_TAG = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Patience:
    """When to give up. Waits grow from `first` to `longest` seconds.

    After `tries` tries in a row without a byte the download fails, unless bytes have arrived in
    the last `keep_on` seconds (None: it goes on for ever, as in the window).
    """

    first: float = 1.0
    longest: float = 30.0
    tries: int = 6
    keep_on: float | None = 300.0
    waits: Waits = field(default_factory=Waits)


@dataclass
class _Tries:
    """Tries since the last one that brought something."""

    fruitless: int = 0
    wrong_ranges: int = 0
    last_progress: float | None = None


class FileTransfer:
    """One file, in the calling thread, until it is whole, stopped or impossible."""

    def __init__(
        self,
        hub: Hub,
        order: FileOrder,
        board: StatusBoard,
        stop: StopSwitch,
        *,
        patience: Patience | None = None,
        limit: RateLimit | None = None,
        before: int = 0,
        restart: bool = False,
    ) -> None:
        self.order = order
        self.resumed_from = 0
        self._hub = hub
        self._board = board
        self._stop = stop
        self._patience = patience or Patience()
        self._limit = limit or RateLimit()
        self._before = before
        self._restart = restart
        self._tries = _Tries()
        self._checked_at = 0

    def run(self) -> FileDigest:
        """Fetch the file to its place and return its checksums.

        Raises:
            UserError: with INTERFACE's codes. Stopped: the switch was thrown; the part is kept.
        """
        with PartFile(self.order) as part:
            self._prepare(part)
            with self._hub.http(self._stop, self._patience.waits) as http:
                for _ in range(2):
                    self._fetch(http, part)
                    self._board.to("verifying")
                    found = part.digest(self._checked)
                    if found.matches(self.order.file.sha256, self.order.file.blob_id) is not False:
                        part.finish()
                        return found
                    part.restart()
                    self._board.at(self._before)
            part.discard()
        raise UserError(
            f"The downloaded file {self.order.target.name} is damaged (its checksum differs, "
            "twice). It was deleted.",
            "Try again; if it happens again, the network or a proxy changes the bytes.",
            code="corrupt",
        )

    # ------------------------------------------------------------ before the first request

    def _prepare(self, part: PartFile) -> None:
        size = self.order.file.size_bytes
        if self._restart and part.size:
            part.restart()
        elif part.other_version:
            raise hub_errors.changed(self.order.file.path, size)
        part.claim()
        self.resumed_from = self._checked_at = part.size
        self._board.at(self._before + part.size)
        disk_space.require_space(self.order.target.parent, size - part.size, part.size)

    def _checked(self, done: int) -> None:
        self._stop.check()
        self._board.at(self._before + done)

    # ------------------------------------------------------------ tries

    def _fetch(self, http: HubHttp, part: PartFile) -> None:
        while part.size < self.order.file.size_bytes:
            begun = part.size
            try:
                self._stop.check()
                self._once(http, part)
            except Broken as error:
                self._count(part.size - begun)
                self._wait(error, part)

    def _count(self, gained: int) -> None:
        if gained >= ENOUGH_PROGRESS:
            self._tries = _Tries(last_progress=time.monotonic())
        self._tries.fruitless += 1

    def _wait(self, error: Broken, part: PartFile) -> None:
        """Until the next try, or the end of all tries."""
        if self._gives_up(error):
            if error.code == "no_file":
                raise hub_errors.no_file(f"{self.order.repo}/{self.order.file.path}") from error
            raise hub_errors.final(error, self._hub.site.host, part.size) from error
        if error.expired and self._tries.fruitless == 1:
            return
        patience = self._patience
        wait = min(patience.first * 2 ** min(self._tries.fruitless - 1, 10), patience.longest)
        if error.retry_after is not None:
            wait = max(error.retry_after, 0.05)
        note = _reason(error, self._hub.site.host)
        waiting = self._tries.fruitless >= patience.tries
        self._board.to("waiting" if waiting else "retrying", note, code=error.code, wait=wait)
        self._stop.sleep(wait)

    def _gives_up(self, error: Broken) -> bool:
        if (error.retry_after or 0.0) > hub_errors.LONGEST_WAIT:
            return True
        tries, patience = self._tries, self._patience
        if tries.fruitless < patience.tries:
            return False
        if error.code in ("incomplete", "rate", "no_file"):
            return True
        if patience.keep_on is None:
            return False
        last = tries.last_progress
        return last is None or time.monotonic() - last > patience.keep_on

    def _once(self, http: HubHttp, part: PartFile) -> None:
        """One request; returns when the file is whole."""
        order = self.order
        url = self._hub.site.file_url(order.repo, order.commit, order.file.path)
        if self._tries.wrong_ranges >= 2 and part.size:
            part.restart()
        headers = {"Range": f"bytes={part.size}-"} if part.size else {}
        with http.get(url, headers) as answer:
            self._require_same_file(answer)
            self._require_success(http, answer)
            self._require_place(answer, part)
            self._board.to("downloading")
            self._read(answer, part)
        if part.size < order.file.size_bytes:
            raise Broken(
                "incomplete", f"it ends after {part.size} of {order.file.size_bytes} bytes"
            )

    def _read(self, answer: Answer, part: PartFile) -> None:
        size = self.order.file.size_bytes
        for chunk in answer.pieces(lambda: self._limit.piece):
            if part.size == 0 and bytes(chunk[:64]).lstrip()[:1] == b"<":
                raise hub_errors.portal(self._hub.site.host)
            piece = chunk[: size - part.size]
            part.append(piece)
            self._board.at(self._before + part.size, len(piece))
            if part.size - self._checked_at >= CHECK_SPACE_EVERY:
                self._checked_at = part.size
                folder = self.order.target.parent
                disk_space.require_some(folder, size - part.size, part.size)
            if part.size >= size:
                return
            self._limit.take(len(piece), self._stop)

    # ------------------------------------------------------------ is this the right answer

    def _require_same_file(self, answer: Answer) -> None:
        """The hub's tag of a large file is its sha256."""
        wanted = self.order.file.sha256
        for name in ("x-linked-etag", "etag"):
            tag = answer.hub_headers.get(name, "").removeprefix("W/").strip('"').lower()
            if wanted is not None and _TAG.fullmatch(tag):
                if tag != wanted:
                    raise hub_errors.changed(self.order.file.path, self.order.file.size_bytes)
                return

    def _require_success(self, http: HubHttp, answer: Answer) -> None:
        site = self._hub.site
        if answer.status in (200, 206):
            if answer.headers.get("content-type", "").lower().startswith("text/html"):
                raise hub_errors.portal(site.host)
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise Broken("network", "the bytes come compressed")
            return
        if answer.status == 416:
            return
        if not answer.from_hub and answer.status not in RETRIED | {407, 511}:
            code = "no_file" if answer.status in (404, 410) else "network"
            raise Broken(code, f"the file server answers {answer.status}", expired=True)
        try:
            http.require_success(answer, self.order.repo)
        except UserError as error:
            if answer.status in (404, 410):
                self._look_again(error)
            raise

    def _look_again(self, error: UserError) -> None:
        """The commit may be gone while the same file is still there at another one."""
        found = self._hub.listing(self.order.repo, stop=self._stop)
        rows = (file for row in found.quantizations for file in row.files)
        now = next((file for file in rows if file.path == self.order.file.path), None)
        if now is None:
            raise hub_errors.no_file(f"{self.order.repo}/{self.order.file.path}") from error
        if now.sha256 != self.order.file.sha256:
            raise hub_errors.changed(now.path, now.size_bytes) from error
        if found.commit != self.order.commit:
            self.order = replace(self.order, commit=found.commit)
            raise Broken("network", "the repository has a new commit", expired=True) from error
        raise hub_errors.no_file(f"{self.order.repo}/{self.order.file.path}") from error

    def _require_place(self, answer: Answer, part: PartFile) -> None:
        """The bytes must begin where the part ends."""
        size = self.order.file.size_bytes
        if answer.status == 200:
            length = answer.headers.get("content-length", "")
            if length.isascii() and length.isdigit() and int(length) > size:
                raise hub_errors.changed(self.order.file.path, int(length))
            if part.size:
                part.restart()
                self._board.to("downloading", "The server began again at the first byte.")
                self._board.at(self._before)
            return
        found = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
        if answer.status == 206 and found and int(found[1]) == part.size:
            if found[3] in ("*", str(size)):
                return
            raise Broken("incomplete", f"the file has {found[3]} instead of {size} bytes there")
        self._tries.wrong_ranges += 1
        raise Broken("incomplete", "the server sends another part of the file")


def _reason(error: Broken, host: str) -> str:
    if error.code == "rate":
        return f"{host} asks to wait."
    words = {"timeout": "No answer in time.", "proxy": "The proxy refuses the connection."}
    return words.get(error.code, f"Connection lost ({error.why}).")
