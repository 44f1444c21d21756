"""Checksums of the files that a run depended on: the model's shards and the engine's libraries.

A large model takes a minute to read, so nothing here belongs on the way to a first token: `known`
looks up what was computed before (while size and time of change are the same), `compute` reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.models.records import note_checksum, read_record

_LIBRARY_PATTERNS: Final = ("lib*.so*", "*.dylib", "*.dll")


@dataclass(frozen=True)
class ModelFile:
    """One file of a model; `sha256` is None until it was computed."""

    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As a manifest names it."""
        return {
            "path": self.path,
            "size_bytes": self.size_bytes,
            "mtime_ns": self.mtime_ns,
            "sha256": self.sha256,
        }


class StoppedError(Exception):
    """Somebody asked the computing to stop."""


class ModelHashes:
    """What is known about model files; it is kept in the records of the models folder."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._computed: dict[tuple[str, int, int], str] = {}  # where no record can be written
        self._library: str | None = None

    @property
    def library(self) -> str | None:
        """One sha256 over the engine's native libraries; None until `compute` was called."""
        return self._library

    def known(self, path: Path) -> tuple[ModelFile, ...]:
        """All files of a model with what is known; a few reads of small files."""
        from qwqdesk.models.library_acts import files_of  # only runs need it, not the window

        return tuple(self._known(file) for file in files_of(path))

    def compute(self, path: Path, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Compute what is missing, some 0.5 to 1 GB a second; False when it was stopped.

        Raises:
            UserError: code "not_found" or "unreadable".
        """

        def go_on(_done: int) -> None:
            if stopped():
                raise StoppedError

        try:
            if self._library is None:
                self._library = library_hash(stopped)
            for file in self.known(path):
                if file.sha256 is None:
                    self._compute(Path(file.path), go_on)
        except StoppedError:
            return False
        return True

    def _known(self, file: Path) -> ModelFile:
        try:
            state = file.stat()
        except OSError:
            return ModelFile(str(file), 0, 0)
        found = ModelFile(str(file), state.st_size, state.st_mtime_ns)
        record = read_record(self._models, file)
        sha256 = record.sha256 if record else self._computed.get(_key(found))
        return replace(found, sha256=sha256)

    def _compute(self, file: Path, progress: Callable[[int], None]) -> None:
        from qwqdesk.models.verify import digest_file

        before = self._known(file)
        sha256 = digest_file(file, progress).sha256
        if _key(before) != _key(self._known(file)):
            return  # it was replaced while it was read
        self._computed[_key(before)] = sha256
        with suppress(UserError):  # a full disk: it is computed again at the next start
            note_checksum(self._models, file, sha256)


def library_hash(stopped: Callable[[], bool] = lambda: False) -> str | None:
    """One sha256 over the native libraries of llama-cpp-python, by name: what was really built.

    None when there are none. The package is looked for, not imported.
    """
    try:
        spec = find_spec("llama_cpp")
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    folders = [Path(place) / "lib" for place in places]
    # libllama.so, libllama.so.0 and libllama.so.0.5.0 are one library.
    found = (file for folder in folders for file in _libraries(folder))
    files = {file.name.partition(".so")[0]: file for file in found}
    if not files:
        return None
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode("utf-8", "replace") + b"\0")
        with suppress(OSError), files[name].open("rb", buffering=0) as opened:
            while piece := opened.read(4 << 20):
                whole.update(piece)
                if stopped():
                    raise StoppedError
    return whole.hexdigest()


def _libraries(folder: Path) -> list[Path]:
    return [file for pattern in _LIBRARY_PATTERNS for file in folder.glob(pattern)]


def _key(file: ModelFile) -> tuple[str, int, int]:
    return file.path, file.size_bytes, file.mtime_ns
