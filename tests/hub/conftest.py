"""The loopback hub for the tests of downloads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.hub_fixture import REPO, SIZE, Bench, noise
from tests.hub.loopback_hub import LoopbackHub
from tests.native.cli.conftest import cli, no_log_left, no_trial

__all__ = ["bench", "cli", "no_log_left", "no_trial"]

FILE = noise(SIZE)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A hub with one repository of one quantization."""
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    with LoopbackHub() as hub:
        hub.put(REPO, "T-Q4_K_M.gguf", FILE)
        yield Bench(hub, tmp_path / "models")
        from huggingface_hub import close_session

        close_session()
