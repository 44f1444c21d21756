"""What one reply of 20,000 tokens writes to the disk over its run, saved each second.

    python -m tests.bench.saving_20k [TOKENS] [TOKENS_PER_SECOND]

Prints the bytes that the process handed to the system (write-ahead log, checkpoints and index), as
a multiple of the reply's own size in the database, and the longest save.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from qwqdesk.conversation import Usage
from qwqdesk.store.history import History


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    speed = int(sys.argv[2]) if len(sys.argv) > 2 else 45
    words = [f"word{n % 977} " for n in range(count)]
    ends, at = [], 0
    for word in words:
        at += len(word)
        ends.append(at)
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "history.sqlite3")
        message = history.add_user_message(history.create_conversation(), None, "go")
        reply = history.add_reply(message, "A")
        before, longest = _written(), 0.0
        for tokens in range(speed, count, speed):
            began = time.perf_counter()
            history.update_reply(reply, **_state(words, ends, tokens))
            longest = max(longest, time.perf_counter() - began)
        state = _state(words, ends, count)
        history.finish_reply(reply, finish_reason="stop", **state)
        written = _written() - before
        history.close()
    size = 2 * at + 12 * count
    saves = count // speed
    print(
        f"{count:,} tokens, {saves} saves: {written / 1e6:.1f} MB written, "
        f"{written / size:.1f} times the reply; longest save {longest * 1000:.1f} ms"
    )


def _state(words: list[str], ends: list[int], tokens: int) -> dict[str, Any]:
    text = "".join(words[:tokens])
    return {
        "text": text,
        "reasoning": None,
        "answer": text,
        "tokens": range(tokens),
        "ends": ends[:tokens],
        "probabilities": [0.5] * tokens,
        "usage": Usage(10, 0, tokens),
    }


def _written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar")).split()[1])


if __name__ == "__main__":
    main()
