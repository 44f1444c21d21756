"""A running llama-server of the same build, asked for tokens."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qwqdesk.sampling.chain import SamplerChain


class LlamaServer:
    """Talks to one server over loopback."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def tokens(self, prompt: Sequence[int], chain: SamplerChain, **more: object) -> list[int]:
        """The generated ids for this prompt and chain, cold; `more` goes into the request."""
        body = {
            **_sampling(chain),
            "prompt": list(prompt),
            "cache_prompt": False,
            "return_tokens": True,
            **more,
        }
        found = self._post("/completion", body)["tokens"]
        return [int(token) for token in found]

    def template(self, messages: Sequence[dict[str, str]]) -> str:
        """The prompt that the server renders from messages."""
        return str(self._post("/apply-template", {"messages": list(messages)})["prompt"])

    def wait(self, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
        """Until the model is loaded."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and process.poll() is None:
            if self._is_healthy():
                return
            time.sleep(0.1)
        raise RuntimeError(f"llama-server did not start (status {process.poll()})")

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self._address + "/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            self._address + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextlib.contextmanager
def running(
    program: Path, model: Path, *, threads: int, n_ctx: int, extra: Sequence[str] = ()
) -> Iterator[LlamaServer]:
    """Start a server for this model; it ends with the block.

    It keeps no checkpoints: for memories that cannot be cut (windowed, recurrent, hybrid) it would
    read a prompt's last tokens in batches of their own to keep one, and other batches round
    otherwise.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "-m", str(model), "--port", str(port), "-np", "1"]
    command += ["-t", str(threads), "-c", str(n_ctx), "--no-repack"]
    command += ["--ctx-checkpoints", "0", *extra]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            server = LlamaServer(port)
            server.wait(process)
            yield server
        finally:
            process.terminate()


def _sampling(chain: SamplerChain) -> dict[str, Any]:
    """The chain under the server's names, which are ours."""
    body = chain.to_json()
    body["typical_p"] = body.pop("typical_p")
    body.pop("stop")
    return body
