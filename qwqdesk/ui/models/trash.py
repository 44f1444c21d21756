"""Moves files to the platform's trash."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFile, QStandardPaths


def move_to_trash(path: Path) -> None:
    """Any thread; within one disk it takes no time.

    Raises:
        OSError: there is no trash for this file.
    """
    # Qt makes the trash itself, but not the folder that it is to lie in.
    place = QStandardPaths.StandardLocation.GenericDataLocation
    Path(QStandardPaths.writableLocation(place)).mkdir(parents=True, exist_ok=True)
    moved = QFile.moveToTrash(str(path))
    done = moved[0] if isinstance(moved, tuple) else moved
    if not done:
        raise OSError(f"{path.name} cannot be moved to the trash")
