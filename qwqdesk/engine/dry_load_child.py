"""The dry load's child process: plans contexts without weights and prints what they would take.

`python -m qwqdesk.engine.dry_load_child SETTINGS CONTEXTS MODEL`: the settings as JSON, contexts in
tokens with commas between. It prints a JSON list of rows: context, lanes, bytes of caches, bytes of
buffers. Whatever goes wrong ends it with another status than 0.
"""

from __future__ import annotations

import json
import re
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from qwqdesk.engine.dry_load import LANES
from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.trial_child import be_first_to_go
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError

_MIB = 1 << 20
# What llama.cpp 0c1e57098 logs for each cache, also where it allocates nothing, and each buffer.
_CACHE = re.compile(r"(?<!buffer )\bsize = +([\d.]+) MiB")
_BUFFER = re.compile(r"(?:compute|output) buffer size = +([\d.]+) MiB")


def main(arguments: list[str]) -> int:
    """Measure and print."""
    be_first_to_go()
    settings = EngineSettings.from_json(json.loads(arguments[0]))
    contexts = [int(number) for number in arguments[1].split(",")]
    LlamaLibrary.messages = deque(maxlen=100_000)  # a line for each layer of each cache
    try:
        model = LlamaModel(
            LlamaLibrary(),
            Path(arguments[2]),
            settings,
            use_extra_bufts=False,
            progress=lambda _fraction: True,
            without_weights=True,
        )
        rows = [(n, lanes, *_allocated(model, n, lanes)) for lanes in LANES for n in contexts]
    except UserError:
        return 1
    model.close()
    print(json.dumps(rows))  # noqa: T201  (what the child is for)
    return 0


def _allocated(model: LlamaModel, n_ctx: int, lanes: int) -> tuple[int, int]:
    """Bytes of all caches and of all buffers of a context in exact mode."""
    model.settings = replace(model.settings, n_ctx=n_ctx)
    context = LlamaContext(model, streams=lanes, lanes=lanes, unified=False)
    lines = tuple(model.library.messages)
    context.close()
    return _sum(_CACHE, lines), _sum(_BUFFER, lines)


def _sum(pattern: re.Pattern[str], lines: Iterable[str]) -> int:
    found = (pattern.search(line) for line in lines)
    return round(sum(float(match[1]) for match in found if match is not None) * _MIB)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
