"""Writing exports to disk: one file, or a new folder with all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.whole_file import write_whole

_MOST_TRIES: Final = 1000


def write_file(path: Path, text: str) -> None:
    """Write a text in one step: the file is there whole, or not at all.

    Raises:
        UserError: code "disk", when it cannot be written.
    """
    try:
        write_whole(path, text)
    except (OSError, ValueError) as error:
        raise _not_written(path, error) from None


def write_new_folder(parent: Path, stem: str, files: Mapping[str, str]) -> Path:
    """Write files into a new folder of this name, or of this name with a number; returns it.

    Nothing that is there already is touched.

    Raises:
        UserError: code "disk", when it cannot be written.
    """
    folder = parent / stem
    for number in range(2, _MOST_TRIES):
        try:
            folder.mkdir()
            break
        except FileExistsError:
            folder = parent / f"{stem}-{number}"
        except (OSError, ValueError) as error:
            raise _not_written(folder, error) from None
    for name, text in files.items():
        write_file(folder / name, text)
    return folder


def _not_written(path: Path, error: Exception) -> UserError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UserError(f"{path} was not written: {reason}.", "Choose another place.", code="disk")
