"""Small JSON files in the cache folder: what a child process found out about this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qwqdesk import shared_file

_log = logging.getLogger(__name__)


def read_json(path: Path) -> Any:  # noqa: ANN401  (whatever lies there; the caller checks)
    """The file's content, None where there is none that can be read."""
    try:
        return shared_file.read_json(path)
    except (OSError, shared_file.DamagedFileError):
        return None


def keep_json(path: Path, change: Callable[[Any], object]) -> None:
    """Let `change` make the new content from what the file says now (None: nothing).

    Best effort: without it the same is only found out again.
    """
    try:
        shared_file.change_json(path, change)
    except OSError as error:
        _log.warning("%s could not be kept: %s", path.name, error)
