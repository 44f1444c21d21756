"""Asks llama.cpp itself what a model's caches and buffers take, without loading its weights.

Where no formula is known for an architecture, a child process plans contexts as a load would
(`no_alloc` of `llama_model_params`) and reads from llama.cpp's log what they would allocate. The
function that would give the numbers (`llama_get_memory_breakdown`) returns a C++ map, which only
C++ of the same compiler can read. What was measured is remembered for file, settings and build.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.child_process import run_child
from qwqdesk.engine.remembered import keep_json, read_json
from qwqdesk.engine.trial import file_key
from qwqdesk.engine_settings import EngineSettings

_log = logging.getLogger(__name__)
_CHILD_SECONDS = 60.0
_MOST_REMEMBERED = 200
LANES = (1, 4)
"""For how many lanes of exact mode it is measured; what lies between is between."""

Row = tuple[int, int, int, int]
"""Context of a lane in tokens, lanes, and bytes of all caches and of all buffers."""


@dataclass(frozen=True)
class DryLoad:
    """Calling it measures a model; `remembered` is the JSON file with earlier results."""

    remembered: Path
    python: str = sys.executable
    seconds: float = _CHILD_SECONDS

    def __call__(
        self, files: Sequence[Path], settings: EngineSettings, contexts: Sequence[int]
    ) -> tuple[Row, ...]:
        """A row for each context and each of `LANES`; () where llama.cpp could not say it.

        Some tenths of a second; blocks, so use it on a worker thread.
        """
        asked = _asked(settings)
        key = file_key(files, asked, " ".join(map(str, contexts)))
        known = _known(read_json(self.remembered))
        if key not in known:
            rows = self._measure(files[0], asked, contexts)
            if rows:
                keep_json(self.remembered, lambda now: _with(_known(now), key, rows))
            return rows
        return known[key]

    def _measure(
        self, path: Path, settings: EngineSettings, contexts: Sequence[int]
    ) -> tuple[Row, ...]:
        try:
            end = run_child(
                "qwqdesk.engine.dry_load_child",
                json.dumps(settings.to_json()),
                ",".join(map(str, contexts)),
                str(path),
                seconds=self.seconds,
                python=self.python,
            )
            rows = _rows(json.loads(end.output)) if end.status == 0 else ()
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            _log.warning("the dry load of %s did not finish: %s", path, error)
            return ()
        _log.info("dry load of %s: exit status %s, %s", path, end.status, rows)
        return rows


def _asked(settings: EngineSettings) -> EngineSettings:
    """Only the settings that decide sizes; everything is planned in the machine's memory."""
    return replace(
        EngineSettings(),
        n_ctx=512,
        n_batch=settings.n_batch,
        n_ubatch=settings.n_ubatch,
        flash_attn=settings.flash_attn,
        type_k=settings.type_k,
        type_v=settings.type_v,
        override_kv=settings.override_kv,
        swa_full=settings.swa_full,
        n_gpu_layers=0,
        devices="none",
    )


def _with(
    known: dict[str, tuple[Row, ...]], key: str, rows: tuple[Row, ...]
) -> dict[str, tuple[Row, ...]]:
    kept = list(known.items())[-_MOST_REMEMBERED + 1 :]
    return dict([*kept, (key, rows)])


def _known(data: object) -> dict[str, tuple[Row, ...]]:
    found = data.items() if isinstance(data, dict) else ()
    return {key: rows for key, value in found if (rows := _rows(value))}


def _rows(data: object) -> tuple[Row, ...]:
    """The rows of a document, () for any other."""
    rows = []
    for row in data if isinstance(data, list) else ():
        match row:
            case [int(n_ctx), int(lanes), int(cache), int(buffers)] if min(row) >= 0:
                rows.append((n_ctx, lanes, cache, buffers))
            case _:
                return ()
    return tuple(rows)
