"""Opening a large history of an older version: how long the window stands still meanwhile.

    python -m tests.bench.opening [MESSAGES]

Makes a history of so many messages (100,000) without the newest steps of the schema, opens one
copy of it on the caller's thread and one as the window does, and prints seconds: of both, and the
longest time for which the event loop did not run.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from qwqdesk.store.history import History
from qwqdesk.ui.opening import open_history
from tests.bench.search import fill


async def _beside(path: Path) -> tuple[float, float]:
    """Seconds until it is open, and the longest gap between two turns of the loop."""
    longest, began = 0.0, time.perf_counter()
    work = asyncio.ensure_future(open_history(path, lambda _words: None, print))
    last = began
    while not work.done():
        await asyncio.sleep(0.002)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    work.result().close()
    return time.perf_counter() - began, longest


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite3"
        fill(path, messages)
        other = path.with_name("other.sqlite3")
        shutil.copy(path, other)
        began = time.perf_counter()
        History(other).close()
        print(f"{messages:,} messages, {path.stat().st_size / 2**20:.0f} MiB")
        print(f"on the caller's thread: {time.perf_counter() - began:.2f} s")
        whole, gap = asyncio.run(_beside(path))
        print(f"beside the window: {whole:.2f} s, longest gap {gap * 1000:.0f} ms")


if __name__ == "__main__":
    main()
