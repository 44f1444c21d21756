"""Set-up of all tests: no test leaves a thread behind, none touches the user's files."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test touches the system's keyring, and none finds another test's.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# The machine is shared: a slow example is not a failure. The gate tries the same examples each
# time; HYPOTHESIS_PROFILE=explore tries others.
_SLOW = [HealthCheck.too_slow]
settings.register_profile(
    "gate", deadline=None, suppress_health_check=_SLOW, derandomize=True, max_examples=40
)
settings.register_profile("explore", deadline=None, suppress_health_check=_SLOW, max_examples=400)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


def pytest_configure(config: pytest.Config) -> None:
    """Compile every module once, not in each of the many processes that tests start.

    Where the environment forbids files beside the source, they lie in pytest's own folder.
    """
    cache = getattr(config, "cache", None)
    if sys.dont_write_bytecode and cache is not None:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(cache.mkdir("bytecode"))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's files and the home folder lie under this test's own folder."""
    monkeypatch.setenv("QWQDESK_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("HF_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """A thread that a test started must have ended with it."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + 2
    while (left := set(threading.enumerate()) - before) and time.monotonic() < end:
        time.sleep(0.01)
    assert not left, f"the test left threads: {sorted(thread.name for thread in left)}"
