"""When each model was last loaded: one small file beside the records of the models folder."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from qwqdesk.models.records import FOLDER, read_json
from qwqdesk.shared_file import change_json

NAME = "last-used.json"
MOST = 500
MAX_BYTES = 4 << 20  # for as many paths of the greatest length


def read_uses(models: Path) -> dict[str, float]:
    """Paths to the time of their last load in seconds since 1970; odd entries are left out."""
    return _uses(read_json(models / FOLDER / NAME, MAX_BYTES))


def _uses(data: object) -> dict[str, float]:
    found = {}
    for path, when in data.items() if isinstance(data, Mapping) else ():
        if type(when) in (int, float) and math.isfinite(when) and when > 0:
            found[path] = float(when)
    return found


def note_use(models: Path, path: Path, now: float | None = None) -> None:
    """Remember that a model was loaded. Best effort: a full disk does not stop a load."""
    used = {str(path.absolute()): time.time() if now is None else now}

    def with_it(there: object) -> dict[str, float]:
        uses = {**_uses(there), **used}
        return dict(sorted(uses.items(), key=lambda item: item[1])[-MOST:])

    with suppress(OSError):
        change_json(models / FOLDER / NAME, with_it, most=MAX_BYTES)
