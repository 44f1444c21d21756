"""Small JSON files in the cache folder: what a child process found out about this machine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from qwqdesk.whole_file import write_whole

_log = logging.getLogger(__name__)


def read_json(path: Path) -> Any:  # noqa: ANN401  (whatever lies there; the caller checks)
    """The file's content, None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def keep_json(path: Path, data: object) -> None:
    """Replace the file as a whole. Best effort: without it the same is only found out again."""
    try:
        write_whole(path, json.dumps(data))
    except OSError as error:
        _log.warning("%s could not be kept: %s", path.name, error)
