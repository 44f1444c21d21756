"""The loopback hub as a fixture, and downloads with short waits."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.download import Patience
from qwqdesk.models.download_set import FileResult, QuantizationDownload, SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_files import choose
from qwqdesk.models.hub_http import Site, Waits
from qwqdesk.models.rate_limit import RateLimit
from qwqdesk.models.tokens import Token
from tests.hub.loopback_hub import LoopbackHub

REPO = "tiny/T-GGUF"
SIZE = 1_500_000
QUICK = Patience(first=0.02, longest=0.1, tries=4, keep_on=3.0, waits=Waits(1.0, 0.4, 5.0))


def noise(size: int, seed: int = 1) -> bytes:
    """A file that looks like a model at its start and repeats nowhere."""
    return b"GGUF" + random.Random(seed).randbytes(size - 4)


@dataclass(frozen=True)
class Bench:
    """A hub, a models folder, and the means to download."""

    hub: LoopbackHub
    models: Path

    def client(self, token: str | None = None) -> Hub:
        """The hub as the program sees it."""
        found = Token(token, "test") if token else None
        return Hub(Site(self.hub.endpoint, found), Waits(1.0, 2.0, 5.0))

    def job(
        self,
        label: str = "Q4_K_M",
        repo: str = REPO,
        *,
        token: str | None = None,
        restart: bool = False,
        patience: Patience = QUICK,
        limit: RateLimit | None = None,
        listener: Callable[[Status], None] | None = None,
    ) -> QuantizationDownload:
        """One download, not yet running."""
        client = self.client(token)
        found = client.repository(repo)
        order = SetOrder(
            found.repo, found.commit, choose(found.quantizations, label, repo), self.models
        )
        return QuantizationDownload(
            client, order, patience=patience, limit=limit, restart=restart, listener=listener
        )

    def fetch(self, label: str = "Q4_K_M", **options: object) -> FileResult:
        """Download a quantization of one file."""
        [result] = self.job(label, **options).run()  # type: ignore[arg-type]
        return result

    def code(self, label: str = "Q4_K_M", **options: object) -> str:
        """The code with which a download fails."""
        with pytest.raises(UserError) as caught:
            self.fetch(label, **options)
        assert caught.value.what
        assert caught.value.what_to_do
        return caught.value.code

    def part(self, name: str = "T-Q4_K_M.gguf") -> Path:
        """Where a part lies."""
        return self.models / REPO / f"{name}.part"


class Running:
    """A download on a thread; `failure` is what ended it."""

    def __init__(self, job: QuantizationDownload) -> None:
        self.job = job
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.job.run()
        except BaseException as error:
            self.failure = error

    def join(self, timeout: float = 5.0) -> bool:
        """Whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()
