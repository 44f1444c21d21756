"""Start-up and memory of the real program, as ratios and limits.

    python -m tests.bench.startup [--rounds N]

prints JSON:
- `window_over_bare`: time until our window is shown over that of a bare PySide6 window, each a
  fresh process, in alternation, median of the ratios;
- `llama_loaded_before_show`: whether llama.cpp's library was in the process by then;
- `resident_mb`: resident memory with the demo model loaded, less model file and KV cache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from qwqdesk.models.gguf import read_header
from qwqdesk.models.memory import estimate
from qwqdesk.models.shape import model_shape
from qwqdesk.resources import resource

BARE = """
import sys, time
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(sys.argv)
window = QMainWindow()
window.resize(1280, 800)
window.show()
app.processEvents()
print("shown", flush=True)
time.sleep(60)
"""
_SHOWN = "the window is open"
_LOADED_S = 20.0


@dataclass(frozen=True)
class Start:
    """One start of our program; memory in bytes."""

    seconds: float
    llama_loaded: bool
    resident: int


def bare_seconds() -> float:
    """Seconds until a bare window is shown."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", BARE], stdout=subprocess.PIPE, env=_environment(None)
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - began
        process.kill()
    return seconds


def our_start(data: Path, *, wait_for_model: bool) -> Start:
    """Start the program with a data folder of its own and look at it once its window is shown."""
    log = data / "logs" / "qwqdesk.log"
    log.unlink(missing_ok=True)
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "qwqdesk"], env=_environment(data)) as process:
        try:
            _wait(lambda: log.is_file() and _SHOWN in log.read_text(errors="replace"), 30.0)
            seconds = time.perf_counter() - began
            loaded = _has_llama(process.pid)
            if wait_for_model:
                _wait(lambda: _has_llama(process.pid), _LOADED_S)
                time.sleep(3.0)
            resident = psutil.Process(process.pid).memory_info().rss
        finally:
            process.kill()
    return Start(seconds, loaded, resident)


def _has_llama(pid: int) -> bool:
    return any("libllama" in entry.path for entry in psutil.Process(pid).memory_maps())


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            raise TimeoutError("the program did not get there")
        time.sleep(0.005)


def _environment(data: Path | None) -> dict[str, str]:
    added = {"QT_QPA_PLATFORM": "offscreen"}
    # Both sides use compiled bytecode, as an installed program does.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **added, **({"QWQDESK_HOME": str(data)} if data else {})}


def _model_bytes() -> int:
    """The demo model's file and the KV cache of its context."""
    header = read_header(resource("models", "qwqdesk-demo-F16.gguf"))
    needed = estimate(model_shape(header), model_shape(header).context_length)
    return header.file_size + needed.kv_cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        last = our_start(Path(folder), wait_for_model=True)  # also warms the file cache
        pairs = [
            (our_start(Path(folder), wait_for_model=False), bare_seconds())
            for _ in range(options.rounds)
        ]
    print(
        json.dumps(
            {
                "window_over_bare": statistics.median(a.seconds / b for a, b in pairs),
                "llama_loaded_before_show": any(start.llama_loaded for start, _ in pairs),
                "resident_mb": (last.resident - _model_bytes()) / 1e6,
                "ours_s": [round(start.seconds, 3) for start, _ in pairs],
                "bare_s": [round(bare, 3) for _, bare in pairs],
            }
        )
    )


if __name__ == "__main__":
    main()
