"""Downloads one GiB over loopback with sha256 as a whole process, in alternation with curl.

    python -m tests.bench.download_speed [--mib 1024] [--rounds 3] [--folder DIR]

prints JSON: seconds of each round, the medians and their ratio, and the most memory that the
program's process had (RSS, MB). The server is a process of its own that hands the file to the
socket with sendfile, so that it costs little.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

REPO, NAME, COMMIT = "big/S-GGUF", "S-Q4_K_M.gguf", "a" * 40
SECOND = "S-Q8_0.gguf"  # the same bytes again
PIECE = 8 << 20
STEP = 1 << 20


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, file: Path, digest: str, rate: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.file, self.digest, self.rate = file, digest, rate

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that pauses goes away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is printed."""

    def do_GET(self) -> None:
        size = self.server.file.stat().st_size
        if self.path.startswith("/api/models/"):
            self._listing(size)
        elif "/resolve/" in self.path:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/cdn")
            self.send_header("X-Linked-Etag", f'"{self.server.digest}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._file(size)

    def _listing(self, size: int) -> None:
        lfs = {"size": size, "sha256": self.server.digest, "pointerSize": 134}
        body = json.dumps(
            {
                "id": REPO,
                "sha": COMMIT,
                "gated": False,
                "siblings": [
                    {"rfilename": name, "size": size, "blobId": "b" * 40, "lfs": lfs}
                    for name in (NAME, SECOND)
                ],
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        with self.server.file.open("rb") as source:
            if not self.server.rate:
                self.connection.sendfile(source)
                return
            begun = time.monotonic()
            for at in range(0, size, STEP):
                self.connection.sendfile(source, at, STEP)
                due = begun + (at + STEP) / self.server.rate
                time.sleep(max(due - time.monotonic(), 0))


def make_file(path: Path, mib: int) -> str:
    """Write `mib` MiB of noise that begins like a model; returns the sha256."""
    digest, chance = hashlib.sha256(), random.Random(7)
    noise = chance.randbytes(PIECE)
    with path.open("wb") as file:
        for number in range(mib * (1 << 20) // PIECE):
            piece = b"GGUF" + number.to_bytes(4, "little") + noise[8:]
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _timed(words: Sequence[str], environ: dict[str, str]) -> float:
    begun = time.monotonic()
    subprocess.run(words, env=environ, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


@contextlib.contextmanager
def served(folder: Path, mib: int, rate: float = 0.0) -> Iterator[str]:
    """The hub's address while a server process hands out a file of `mib` MiB.

    Args:
        rate: bytes a second for each connection; 0 for no limit.
    """
    file = folder / "source.gguf"
    digest = make_file(file, mib)
    words = [sys.executable, "-m", "tests.bench.download_speed", "--serve", str(file), digest]
    with subprocess.Popen([*words, str(rate)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def _serve(file: Path, digest: str, rate: float, out: IO[str]) -> None:
    server = _Server(file, digest, rate)
    print(server.server_port, file=out, flush=True)
    server.serve_forever()


def measure(endpoint: str, folder: Path, rounds: int) -> dict[str, object]:
    """Run both in turn; seconds."""
    environ = {**os.environ, "HF_ENDPOINT": endpoint, "QWQDESK_HOME": str(folder / "home")}
    program = [sys.executable, "-m", "qwqdesk", "models", "download", REPO, "Q4_K_M", "--json"]
    target = folder / "curl.gguf"
    curl = ["curl", "-sLo", str(target), f"{endpoint}/{REPO}/resolve/{COMMIT}/{NAME}"]
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        theirs.append(round(_timed(curl, environ), 3))
        target.unlink()
        ours.append(round(_timed(program, environ), 3))
        shutil.rmtree(folder / "home")
    ratio = statistics.median(ours) / statistics.median(theirs)
    rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return {"curl_s": theirs, "qwqdesk_s": ours, "ratio": round(ratio, 2), "max_rss_mb": rss}


def main() -> None:
    """See the module's words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        _serve(Path(args.serve[0]), args.serve[1], float(args.serve[2]), sys.stdout)
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        with served(folder, args.mib) as endpoint:
            print(json.dumps(measure(endpoint, folder, args.rounds), indent=1))


if __name__ == "__main__":
    main()
