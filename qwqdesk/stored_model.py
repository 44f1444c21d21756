"""Finding the model of a stored run on this machine.

The run may come from a stranger's file, so its path is only followed to an ordinary .gguf file of
the right size on this disk, never to another machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from qwqdesk.errors import UserError
from qwqdesk.models.folders import is_file
from qwqdesk.models.library import LibraryModel
from qwqdesk.stored_values import StoredModel


@dataclass(frozen=True)
class FoundModel:
    """Where the model is; `note` says what is not certain about it."""

    path: Path
    note: str = ""


def find_model(wanted: StoredModel, library: Sequence[LibraryModel]) -> FoundModel:
    """The file that wrote a run: by checksum, by its place, else by name and size.

    Raises:
        UserError: code "no_such_model", saying which file is wanted and what is like it here.
    """
    here = [model for model in library if model.complete]
    if wanted.sha256:
        for model in here:
            if model.sha256 == wanted.sha256:
                return FoundModel(model.path)
    place = Path(wanted.path)
    if _may_follow(wanted) and _size(place) == _first_size(wanted):
        known = next((m.sha256 for m in here if m.path == place), ())
        if not (known and wanted.sha256):  # else the checksums differ
            return FoundModel(place, "" if not wanted.sha256 else _unchecked(place))
    name, size = file_name(wanted), sum(size for _, size, _ in wanted.files)
    for model in here:
        differs = bool(model.sha256 and wanted.sha256)
        if model.path.name == name and model.size_bytes == size and not differs:
            return FoundModel(model.path, _unchecked(model.path))
    raise _missing(wanted, here)


def file_name(wanted: StoredModel) -> str:
    """The name of the model's file, whichever system wrote the path."""
    return PureWindowsPath(wanted.path).name if "\\" in wanted.path else Path(wanted.path).name


def _may_follow(wanted: StoredModel) -> bool:
    """An absolute path of this system to a .gguf; no network share, no device."""
    path = wanted.path
    if not path or path.startswith(("//", "\\\\")) or "\0" in path:
        return False
    place = Path(path)
    return place.is_absolute() and place.suffix.lower() == ".gguf" and is_file(place)


def _first_size(wanted: StoredModel) -> int:
    return wanted.files[0][1] if wanted.files else -1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -2


def _unchecked(path: Path) -> str:
    return f"{path.name} has the same name and size; its checksum was not compared."


def _missing(wanted: StoredModel, here: Sequence[LibraryModel]) -> UserError:
    name = file_name(wanted) or wanted.title
    details = []
    # The model's own size is that of its tensors, so it says nothing about a file.
    if size := sum(size for _, size, _ in wanted.files):
        details.append(f"{size:,} bytes")
    if wanted.sha256:
        details.append(f"sha256 {wanted.sha256[0]}")
    what = f"The model of this run is not here: {name}"
    what += f" ({', '.join(details)})." if details else "."
    like = next((m for m in here if PurePosixPath(m.path).name == name), None)
    if like is not None:
        if not wanted.files:
            what = f"The run does not say which file its model was, only its name: {name}."
        other = " with another content" if wanted.files else ""
        return UserError(
            what,
            f"A file of that name is here{other}: {like.path}. Name it to use it.",
            code="no_such_model",
        )
    return UserError(
        what, "Download it, or name another model to use instead.", code="no_such_model"
    )
