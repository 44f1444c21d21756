"""Finds out in a child process whether quantized models may use llama.cpp's extra buffer types.

On some virtual machines whose processor reports AMX, every quantized type dies with SIGSEGV at the
first decode; without the extra buffer types it works. A crash cannot be caught, so a child process
decodes one token of a tiny quantized model both ways before the first quantized load. The result
is kept for each engine build and processor.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qwqdesk.child_process import run_child
from qwqdesk.engine.llama_library import package_version
from qwqdesk.engine.remembered import keep_json, read_json
from qwqdesk.errors import UserError

_log = logging.getLogger(__name__)
_CHILD_SECONDS = 120

Finding = Literal["safe", "plain only", "neither", "unknown"]
_REMEMBERED: dict[Finding, bool | None] = {"safe": True, "plain only": False, "neither": None}
_CRASHES = (signal.SIGSEGV, signal.SIGILL, signal.SIGABRT, signal.SIGFPE)
_WINDOWS_CRASH = 0xC0000000  # access violation, illegal instruction, ...


@dataclass(frozen=True)
class ExtraBuffersProbe:
    """Asks once and remembers; calling it gives True where extra buffer types are safe.

    `remembered` is the JSON file with earlier results, `model` a tiny quantized GGUF.
    """

    remembered: Path
    model: Path
    python: str = sys.executable
    seconds: float = _CHILD_SECONDS

    def __call__(self) -> bool:
        """Whether quantized models may use extra buffer types here.

        Raises:
            UserError: code "engine", when quantized models crash either way.
        """
        key = machine_key()
        results = _read(self.remembered)
        if key not in results:
            found = self._probe()
            if found == "unknown":
                return False
            results[key] = _REMEMBERED[found]
            keep_json(self.remembered, lambda now: {**_results(now), key: results[key]})
        if results[key] is None:
            raise UserError(
                "Quantized models crash in this build of llama.cpp on this processor.",
                "Use an F16 model, or build llama-cpp-python again on this machine.",
                code="engine",
            )
        return bool(results[key])

    def _probe(self) -> Finding:
        if not self.model.is_file():
            return "unknown"
        extra = self._child(extra=True)
        if extra != "crashed":
            return "safe" if extra == "lived" else "unknown"
        plain = self._child(extra=False)
        if plain == "unknown":
            return "unknown"
        return "plain only" if plain == "lived" else "neither"

    def _child(self, *, extra: bool) -> Literal["lived", "crashed", "unknown"]:
        """How the child ended. One that failed in words, hung or was killed proves nothing."""
        try:
            status = run_child(
                "qwqdesk.engine.probe_child",
                str(self.model),
                "extra" if extra else "plain",
                seconds=self.seconds,
                python=self.python,
            ).status
        except (OSError, subprocess.TimeoutExpired) as error:
            _log.warning("probe did not finish: %s", error)
            return "unknown"
        _log.info("probe with extra buffers %s: exit status %s", extra, status)
        if status == 0:
            return "lived"
        return "crashed" if -status in _CRASHES or status >= _WINDOWS_CRASH else "unknown"


def machine_key() -> str:
    """Names this engine build on this processor."""
    parts = [package_version(), platform.machine(), platform.system(), _cpu_identity()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _cpu_identity() -> str:
    """The processor's name and flags; on Linux from /proc/cpuinfo."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def _read(path: Path) -> dict[str, bool | None]:
    return _results(read_json(path))


def _results(data: object) -> dict[str, bool | None]:
    if not isinstance(data, dict):
        return {}
    return {str(key): value for key, value in data.items() if value in (True, False, None)}
