"""A hub on 127.0.0.1: a listing API and redirects on one port, the files on another.

The answers have the shapes that huggingface_hub 2.x reads. `fault` orders what goes wrong next;
`log` says what was asked for, and whether an access token came with it. `renamed` has repositories
that moved, `redirect` the status and the server that they are sent on with; `next_page` is what the
address of a listing's next page looks like.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN, TOKEN_WITHOUT_ACCESS = "hf_goodgoodgood", "hf_nogatenogate"
PIECE = 64 << 10
Origin = Literal["api", "hub", "cdn"]


@dataclass
class FakeFile:
    """One file; `lfs` ones have a sha256 in the listing, others git's blob id."""

    data: bytes
    lfs: bool = True

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def blob_id(self) -> str:
        head = b"blob %d\0" % len(self.data)
        return hashlib.sha1(head + self.data, usedforsecurity=False).hexdigest()


@dataclass
class FakeRepo:
    """One repository. `listed` overrides what the listing says of a path."""

    files: dict[str, FakeFile] = field(default_factory=dict)
    gated: str | bool = False
    private: bool = False
    disabled: bool = False
    downloads: int = 0
    likes: int = 3
    updated: str = "2026-01-02T03:04:05.000Z"
    gguf: dict[str, Any] = field(default_factory=dict)
    version: int = 1
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        return hashlib.sha1(str(self.version).encode(), usedforsecurity=False).hexdigest()


@dataclass
class Fault:
    """What goes wrong, where, and how often (-1: always)."""

    kind: str
    on: Origin
    times: int
    options: dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request."""

    origin: Origin
    path: str
    range: str
    token: bool


class LoopbackHub:
    """Use as a context manager; `endpoint` is what HF_ENDPOINT should be."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._scheme = "https" if tls else "http"
        self.repos: dict[str, FakeRepo] = {}
        self.log: list[Asked] = []
        self.rate = 0.0
        self.expires = 3600.0
        self.page = 0
        self.next_page = "{endpoint}/api/models?{query}"
        self.renamed: dict[str, str] = {}
        self.redirect = (307, "")
        self.cdn_up = True
        self.active = self.peak = 0
        self.closing = threading.Event()
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._hub = _Server(("127.0.0.1", 0), _HubHandler, self)
        self._cdn = _Server(("127.0.0.1", 0), _CdnHandler, self)
        if tls is not None:
            self._hub.socket = tls.wrap_socket(self._hub.socket, server_side=True)

    @property
    def endpoint(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._hub.server_port}"

    @property
    def cdn(self) -> str:
        return f"http://127.0.0.1:{self._cdn.server_port}"

    def add(self, repo: str, **files: bytes) -> FakeRepo:
        """A repository; names of files are given by `put`."""
        return self.repos.setdefault(repo, FakeRepo())

    def put(self, repo: str, path: str, data: bytes, *, lfs: bool = True) -> FakeFile:
        """Add a file, with its repository when that is new."""
        file = FakeFile(data, lfs)
        self.add(repo).files[path] = file
        return file

    def fault(self, kind: str, *, on: Origin = "cdn", times: int = 1, **options: Any) -> None:  # noqa: ANN401
        """Order a fault for the next requests there."""
        with self._lock:
            self._faults.append(Fault(kind, on, times, options))

    def repair(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()

    def taken(self, on: Origin) -> Fault | None:
        """The fault for a request that comes now."""
        with self._lock:
            for fault in self._faults:
                if fault.on == on and fault.times:
                    fault.times -= 1
                    return fault
        return None

    def asked(self, origin: Origin) -> list[Asked]:
        """The requests of one kind so far."""
        return [each for each in self.log if each.origin == origin]

    def __enter__(self) -> LoopbackHub:
        for server in (self._hub, self._cdn):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.close_all()
            server.server_close()
            server.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], hub: LoopbackHub
    ) -> None:
        super().__init__(address, handler)
        self.hub = hub
        self._open: list[socket.socket] = []
        self._answering: list[threading.Thread] = []

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        self._answering = [each for each in self._answering if each.is_alive()] + [thread]
        thread.start()

    def wait(self) -> None:
        """Until every answer has ended: their threads must not outlive a test."""
        for each in self._answering:
            each.join(2)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def close_all(self) -> None:
        for each in self._open:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A client that went away is what the tests are about."""


class _Cut(Exception):  # noqa: N818
    """The connection ends here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    @property
    def hub(self) -> LoopbackHub:
        return self.server.hub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
        """The log is `LoopbackHub.log`."""

    def note(self, origin: Origin) -> Fault | None:
        token = "authorization" in self.headers
        self.hub.log.append(Asked(origin, self.path, self.headers.get("range", ""), token))
        return self.hub.taken(origin)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        headers.setdefault("Content_Type", "application/json")
        for name, value in {**headers, "Content_Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, code: str, message: str = "") -> None:
        body = json.dumps({"error": message}).encode()
        self.answer(status, body, X_Error_Code=code, X_Error_Message=message)

    def general_fault(self, fault: Fault | None) -> bool:
        """Faults that replace the whole answer."""
        if fault is None:
            return False
        options = fault.options
        if fault.kind == "delay":
            self.hub.closing.wait(options["seconds"])
            return False
        if fault.kind == "status":
            self.answer(options["code"], b"{}", **options.get("headers", {}))
            return True
        if fault.kind == "html":
            self.answer(200, b"<html>log in</html>", Content_Type="text/html; charset=utf-8")
            return True
        if fault.kind == "body":
            self.answer(200, options["body"])
            return True
        if fault.kind == "reset":
            self.reset()
            return True
        if fault.kind == "trickle":
            self.trickle(options["begin"], options["byte"])
            return True
        return False

    def trickle(self, begin: bytes, byte: bytes) -> None:
        """An answer that is never silent and never ends."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(begin)
            while not self.hub.closing.wait(0.02):
                self.wfile.write(byte)

    def reset(self) -> None:
        """End the connection with RST, as a broken line does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()


class _HubHandler(_Handler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        origin: Origin = "api" if path.startswith("/api/") else "hub"
        if self.general_fault(self.note(origin)):
            return
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in ("", TOKEN, TOKEN_WITHOUT_ACCESS):
            self.refuse(401, "", "Invalid credentials in Authorization header")
        elif path == "/api/models":
            self._search()
        elif path.startswith("/api/models/"):
            self._info(path.removeprefix("/api/models/").partition("/revision/"))
        elif "/resolve/" in path:
            self._resolve(path, token)
        else:
            self.answer(404)

    def _search(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        wanted = query.get("search", [""])[0].lower()
        rows = [(name, repo) for name, repo in self.hub.repos.items() if wanted in name.lower()]
        rows.sort(key=lambda row: -row[1].downloads)
        begin, size = int(query.get("cursor", ["0"])[0]), self.hub.page or 1000
        body = [
            {"id": name, "downloads": repo.downloads, "likes": repo.likes, "gated": repo.gated}
            | {"lastModified": repo.updated}
            for name, repo in rows[begin : begin + size]
        ]
        headers = {}
        if begin + size < len(rows):
            cursor = f"search={wanted}&cursor={begin + size}"
            link = self.hub.next_page.format(endpoint=self.hub.endpoint, query=cursor)
            headers["Link"] = f'<{link}>; rel="next"'
        self.answer(200, json.dumps(body).encode(), **headers)

    def _moved(self, name: str) -> bool:
        """Send a client that uses an old name on to the new one."""
        now = self.hub.renamed.get(unquote(name))
        if now is None:
            return False
        status, base = self.hub.redirect
        self.answer(status, b"{}", Location=base + self.path.replace(name, now, 1))
        return True

    def _info(self, parts: tuple[str, str, str]) -> None:
        if self._moved(parts[0]):
            return
        repo = self.hub.repos.get(unquote(parts[0]))
        if repo is None or repo.private:
            self.refuse(404 if "authorization" in self.headers else 401, "RepoNotFound", "none")
            return
        if repo.disabled:
            self.refuse(403, "", "Access to this resource is disabled.")
            return
        siblings = [self._sibling(path, file) for path, file in repo.files.items()]
        siblings += [{"rfilename": path, **row} for path, row in repo.listed.items()]
        body = {
            "id": unquote(parts[0]),
            "sha": repo.commit,
            "gated": repo.gated,
            "siblings": siblings,
            "downloads": repo.downloads,
            "likes": repo.likes,
            "lastModified": repo.updated,
        } | ({"gguf": repo.gguf} if repo.gguf else {})
        self.answer(200, json.dumps(body).encode())

    def _sibling(self, path: str, file: FakeFile) -> dict[str, Any]:
        row: dict[str, Any] = {"rfilename": path, "size": len(file.data), "blobId": file.blob_id}
        if file.lfs:
            row["lfs"] = {"size": len(file.data), "sha256": file.sha256, "pointerSize": 134}
        return row

    def _resolve(self, path: str, token: str) -> None:
        name, _, rest = path[1:].partition("/resolve/")
        if self._moved(name):
            return
        commit, _, inside = rest.partition("/")
        repo = self.hub.repos.get(unquote(name))
        if repo is None:
            self.refuse(401, "RepoNotFound", "none")
        elif repo.gated and token != TOKEN:
            self.refuse(403 if token else 401, "GatedRepo", "ask for it")
        elif commit not in (repo.commit, "main"):
            self.refuse(404, "RevisionNotFound", "no such commit")
        elif (file := repo.files.get(unquote(inside))) is None:
            self.refuse(404, "EntryNotFound", "no such file")
        else:
            end = time.time() + self.hub.expires
            tag = file.sha256 if file.lfs else file.blob_id
            target = f"{self.hub.cdn}/{unquote(name)}/{file.sha256}?expires={end}"
            self.answer(
                302,
                Location=target,
                X_Repo_Commit=repo.commit,
                X_Linked_Etag=f'"{tag}"',
                X_Linked_Size=str(len(file.data)),
            )


class _CdnHandler(_Handler):
    def do_GET(self) -> None:
        fault = self.note("cdn")
        if not self.hub.cdn_up:
            self.reset()
            return
        if self.general_fault(fault):
            return
        parts = urlsplit(self.path)
        digest = parts.path.rpartition("/")[2]
        repo = self.hub.repos.get(parts.path[1:].rpartition("/")[0])
        file = next((f for f in repo.files.values() if f.sha256 == digest), None) if repo else None
        if time.time() > float(parse_qs(parts.query)["expires"][0]) or file is None:
            self.answer(403, b"<Error>expired</Error>", Content_Type="application/xml")
            return
        self.hub.active += 1
        self.hub.peak = max(self.hub.peak, self.hub.active)
        try:
            self._send(file.data, fault or Fault("none", "cdn", 0, {}))
        finally:
            self.hub.active -= 1

    def _send(self, data: bytes, fault: Fault) -> None:
        begin, end = self._range(len(data))
        ranged = begin is not None and fault.kind != "norange"
        first = (begin or 0) if ranged else 0
        if fault.kind == "wrongrange":
            first = max(first + fault.options.get("by", -7), 0)
        last = end if ranged else len(data)
        if first >= len(data):
            self.answer(416, Content_Range=f"bytes */{len(data)}")
            return
        body = data[first:last]
        if fault.kind == "corrupt":
            at = max(fault.options.get("at", 0) - first, 0) % len(body)
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        self.send_response(206 if ranged else 200)
        if ranged:
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{len(data)}")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._body(body, first, fault)

    def _body(self, body: bytes, first: int, fault: Fault) -> None:
        after = fault.options.get("after", 0) - (first if fault.options.get("absolute") else 0)
        begun = time.monotonic()
        for at, piece in _pieces(body, after if fault.kind in ("cut", "stall") else 0):
            if fault.kind in ("cut", "stall") and at >= max(after, 0):
                if fault.kind == "stall":
                    self.hub.closing.wait(fault.options["seconds"])
                if fault.options.get("how") == "rst":
                    self.reset()
                    return
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(piece)
            if self.hub.rate and not self.hub.closing.is_set():
                due = begun + (at + len(piece)) / self.hub.rate
                self.hub.closing.wait(max(due - time.monotonic(), 0))

    def _range(self, size: int) -> tuple[int | None, int]:
        text = self.headers.get("range", "").removeprefix("bytes=")
        if not text:
            return None, size
        begin, _, end = text.partition("-")
        return int(begin), min(int(end) + 1, size) if end else size


def _pieces(body: bytes, edge: int) -> Iterator[tuple[int, bytes]]:
    """The body in pieces, one of which begins at `edge`."""
    at = 0
    while at < len(body):
        step = min(PIECE, edge - at) if at < edge else PIECE
        yield at, body[at : at + step]
        at += step


def main() -> None:
    """Serve a small repository until interrupted, for trying the program by hand."""
    with LoopbackHub() as hub:
        hub.rate = 5e6
        hub.put("tiny/T-GGUF", "T-Q4_K_M.gguf", b"GGUF" + bytes(20_000_000))
        hub.put("tiny/T-GGUF", "T-Q8_0.gguf", b"GGUF" + bytes(35_000_000))
        print(f"HF_ENDPOINT={hub.endpoint}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
