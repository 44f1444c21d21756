"""How fast the inspector opens on a large model: `uv run python tests/bench/inspector.py`.

The file has a vocabulary of 152,000 tokens with as many merges, 65 GB (sparse) and the tensors of a
32B model. Prints JSON: milliseconds from the call to the shown overview, for five openings, and for
each other tab from the click to its content.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"

from PySide6.QtWidgets import QApplication  # noqa: E402

import qasync  # isort: skip  # noqa: E402 - after PySide6, which it looks for

from qwqdesk.ui.inspector.window import TABS, open_inspector  # noqa: E402
from qwqdesk.ui.theme import Theme  # noqa: E402
from tests.ui.fakes import Driver, opened  # noqa: E402
from tests.unit.models.gguf_writer import I32, U32, GgufFile  # noqa: E402

TOKENS, BLOCKS, SIZE = 152_000, 64, 65_500_000_000


def large_model(path: Path) -> Path:
    """A header like QwQ-32B's in BF16; its weights are a hole."""
    file = GgufFile().string("general.architecture", "qwen2").string("general.name", "Large")
    for key, value in (
        ("block_count", BLOCKS), ("context_length", 131_072), ("embedding_length", 5120),
        ("feed_forward_length", 27_648), ("attention.head_count", 40),
        ("attention.head_count_kv", 8),
    ):  # fmt: skip
        file.scalar(f"qwen2.{key}", U32, value)
    file.scalar("general.file_type", U32, 32).string("tokenizer.ggml.model", "gpt2")
    file.strings("tokenizer.ggml.tokens", [f"token{number}" for number in range(TOKENS)])
    file.numbers("tokenizer.ggml.token_type", I32, [1] * TOKENS)
    file.strings("tokenizer.ggml.merges", [f"to ken{number}" for number in range(TOKENS)])
    file.string("tokenizer.chat_template", "{{ messages }}\n" * 200)
    for block in range(BLOCKS):  # small ones: the data is not what is measured
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
            file.tensor(f"blk.{block}.{name}.weight", (32, 1), "BF16")
    path.write_bytes(file.build())
    with path.open("r+b") as sparse:
        sparse.truncate(SIZE)
    return path


async def measure(folder: Path, path: Path) -> dict[str, float]:
    """Open five times; the last window shows each of its tabs."""
    async with opened(folder) as driver:
        opening = []
        for _ in range(5):
            began = time.perf_counter()
            window = open_inspector(driver.window.desk, path, driver.frame)
            ready = asyncio.Event()
            window.ready.connect(ready.set)
            await ready.wait()
            window.grab()
            opening.append((time.perf_counter() - began) * 1000)
            if len(opening) < 5:
                window.close()
        found: dict[str, float] = {
            "first_ms": round(opening[0]),
            "median_ms": round(statistics.median(opening)),
        }
        for number, name in list(enumerate(TABS))[1:]:
            began = time.perf_counter()
            window.tabs.setCurrentIndex(number)
            window.grab()
            found[f"{name} ms"] = round((time.perf_counter() - began) * 1000)
        await _vocabulary(driver, window)
        found["vocabulary_read_ms"] = round((time.perf_counter() - began) * 1000)
        window.close()
        return found


async def _vocabulary(driver: Driver, window: object) -> None:
    lists = window.stack.currentWidget()  # type: ignore[attr-defined]
    await driver.until(lambda: len(lists.table.shown) == TOKENS)


def main() -> None:
    """Print the figures."""
    app = QApplication([])
    Theme(app, "light")
    with tempfile.TemporaryDirectory() as name:
        os.environ["HOME"] = name
        path = large_model(Path(name) / "Large-BF16.gguf")
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
            print(json.dumps(runner.run(measure(Path(name) / "data", path)), indent=1))


if __name__ == "__main__":
    main()
