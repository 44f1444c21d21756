"""What headers say, remembered between runs: a vocabulary takes some 50 ms to read past.

One JSON file in the cache folder, keyed by path; an entry holds while size and time of change are
the same. It is only a memory: whatever is wrong with it, the headers are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwqdesk.errors import UserError
from qwqdesk.models import quants
from qwqdesk.models.gguf import read_header
from qwqdesk.models.loadable import kind_of
from qwqdesk.shared_file import DamagedFileError, change_json, read_json

VERSION = 2
MAX_BYTES = 16 << 20
MAX_TEXT = 200


@dataclass(frozen=True)
class Facts:
    """What the library keeps of a header; `readable` is False for a damaged one.

    `is_model` is False for adapters, projectors and the like.
    """

    readable: bool
    architecture: str | None = None
    label: str = ""
    is_model: bool = True


State = tuple[int, int]  # size, time of change in ns


class FactsMemory:
    """Facts by path. Used by one thread at a time."""

    def __init__(self, file: Path | None = None) -> None:
        """`file` keeps them between runs; None keeps them only here."""
        self._file = file
        self._known: dict[str, tuple[State, Facts]] = {}
        self._changed = False
        if file is not None:
            self._known = dict(_entries(_read(file)))

    def get(self, path: Path, state: State) -> Facts | None:
        """What is known of this file as it is now."""
        known = self._known.get(str(path))
        return known[1] if known is not None and known[0] == state else None

    def read(self, path: Path, state: State, name: str) -> Facts:
        """What the file says, from memory or from its header; `name` may hold its label."""
        known = self.get(path, state)
        if known is None:
            known = read_facts(path, name)
            self._known[str(path)] = (state, known)
            self._changed = True
        return known

    def save(self, paths: Iterable[Path]) -> None:
        """Keep what is known of these files, and forget others; a full disk is no error here."""
        wanted = {str(path) for path in paths}
        gone = self._known.keys() - wanted
        for path in gone:
            del self._known[path]
        if self._file is None or not (self._changed or gone):
            return
        with suppress(OSError):
            change_json(self._file, lambda now: self._merged(now, wanted), most=MAX_BYTES)
            self._changed = False

    def _merged(self, now: object, wanted: Set[str]) -> dict[str, Any]:
        """Another program may know more of the same files, or look at other places than this one;
        what it knows stays while its files are there. Of one file, what was read here counts.
        """
        theirs = dict(_entries(_rows(now)))
        for path in theirs.keys() & wanted - self._known.keys():
            self._known[path] = theirs[path]
        every = {path: known for path, known in theirs.items() if Path(path).exists()} | self._known
        rows = {path: [*state, facts.readable, facts.architecture, facts.label, facts.is_model]
                for path, (state, facts) in every.items()}  # fmt: skip
        return {"version": VERSION, "facts": rows}


def read_facts(path: Path, name: str) -> Facts:
    """Read a header, whatever lies there."""
    try:
        header = read_header(path)
    except UserError:
        return Facts(readable=False)
    architecture = header.metadata.get("general.architecture")
    return Facts(
        True,
        architecture[:MAX_TEXT] if isinstance(architecture, str) else None,
        quants.quantization_label(header, name),
        kind_of(header) == "model",
    )


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return _rows(read_json(file, MAX_BYTES))
    except (OSError, DamagedFileError):
        return {}


def _rows(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict) or data.get("version") != VERSION:
        return {}
    rows = data.get("facts")
    return rows if isinstance(rows, dict) else {}


def _entries(rows: Mapping[str, Any]) -> Iterable[tuple[str, tuple[State, Facts]]]:
    for path, row in rows.items():
        match row:
            case [
                int(size),
                int(mtime),
                bool(readable),
                str() | None as architecture,
                str(label),
                bool(is_model),
            ]:
                yield path, ((size, mtime), Facts(readable, architecture, label, is_model))
