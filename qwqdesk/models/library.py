"""The models on this disk: bundled, downloaded, in added folders, and in other programs' places.

Other programs' folders are read, never written. Nothing that lies in a folder can stop a scan:
a file that is no readable model is listed without its facts or left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qwqdesk.errors import UserError
from qwqdesk.models import quants
from qwqdesk.models.folders import ModelFiles, exists, is_file, models_under, real_path
from qwqdesk.models.hub_names import HubName, is_address, is_repo, parse_name
from qwqdesk.models.library_facts import Facts, FactsMemory
from qwqdesk.models.library_places import Places as Places
from qwqdesk.models.library_places import Source as Source
from qwqdesk.models.library_places import places as places
from qwqdesk.models.library_places import repo_of
from qwqdesk.models.library_uses import read_uses
from qwqdesk.models.records import Record, is_of, stored_record
from qwqdesk.models.renamed import names_of
from qwqdesk.models.side_names import is_side_file

# What is known of the files' checksums: as the publisher's; never compared; the file has changed
# since; different from the publisher's; known, and there is no publisher to compare with.
Check = Literal["verified", "unchecked", "changed", "damaged", "unpublished"]
_BLOB = re.compile(r"[0-9a-f]{64}")
_JSON = ("repo", "label", "size_bytes", "verified", "architecture", "source")


@dataclass(frozen=True)
class LibraryModel:
    """One model; a model in shards is one entry whose path is the first shard that is here.

    `repo` is ``owner/name`` where the place says so; `verified` whether its checksum was compared
    with the publisher's (bundled models are part of the program); sizes in bytes, all shards.
    `missing` are the numbers of shards that are not here: such a model cannot be loaded. `sha256`
    has the checksum of each file when all are known. `last_used` is in seconds since 1970.
    `identity` names the first file on its disk, whatever its path. `readable` is False for a file
    whose header is damaged.
    """

    path: Path
    repo: str | None
    label: str
    size_bytes: int
    verified: bool
    architecture: str | None
    source: Source
    files: tuple[Path, ...] = ()
    parts: int = 1
    missing: tuple[int, ...] = ()
    check: Check = "unchecked"
    sha256: tuple[str, ...] = ()
    last_used: float | None = None
    identity: tuple[int, int] = (0, 0)
    readable: bool = True

    @property
    def complete(self) -> bool:
        """Whether every shard is here."""
        return not self.missing


@dataclass(frozen=True)
class _Entry:
    """A model found in a folder, before its header is read."""

    source: Source
    root: Path
    found: ModelFiles

    @property
    def path(self) -> Path:
        """The first shard, or the only file."""
        return self.found.files[0]

    @property
    def inside(self) -> Path:
        """The path below its place."""
        return self.path.relative_to(self.root)

    @property
    def repo(self) -> str | None:
        """``owner/name`` if the place is laid out that way."""
        return repo_of(self.source, self.inside.parts)


class Library:
    """Scans `Places`; what headers say is remembered by path, size and time of change."""

    def __init__(self, where: Places, memory: FactsMemory | None = None) -> None:
        self.places = where
        self._memory = memory or FactsMemory()
        self._unread = False  # whether a file was left out for its name alone

    def scan(self) -> list[LibraryModel]:
        """All models, by place and path; a file reachable in two places is listed once.

        It reads files: some 50 ms for each model that was not seen before.
        """
        return self._models(read=True)

    def glance(self) -> tuple[list[LibraryModel], bool]:
        """The same by what is remembered and by names, without opening a header.

        The second value says whether `scan` would know more.
        """
        models = self._models(read=False)
        return models, self._unread or any(model.architecture is None for model in models)

    def list_json(self) -> list[dict[str, Any]]:
        """What INTERFACE says for `models list --json`; sets that miss a shard are left out."""
        return [
            {"path": str(model.path), **{name: getattr(model, name) for name in _JSON}}
            for model in self.scan()
            if model.complete
        ]

    def find(self, text: str | None) -> Path:
        """The file that MODEL on a command line means; None is the bundled demo model.

        Args:
            text: a path, a name in the library, ``hf.co/OWNER/NAME:LABEL`` or, with a file of that
                repository, ``hf.co/OWNER/NAME:FILE.gguf``.

        Raises:
            UserError: code "not_found", or "ambiguous" when a name fits several models.
        """
        if text is None:
            return self._demo()
        path = _path(text)
        if is_file(path):
            return path.absolute()
        if is_address(text, self.places.endpoint):
            return self._from_hub(parse_name(text, self.places.endpoint))
        return self._named(text, path)

    def _demo(self) -> Path:
        path = self.places.bundled / "qwqdesk-demo-F16.gguf"
        if not is_file(path):
            raise UserError(
                "The bundled demo model is missing from this installation.",
                "Install the program again, or name a model file.",
                code="not_found",
            )
        return path

    def _from_hub(self, name: HubName) -> Path:
        repo, label = name.repo, name.wanted
        names = {each.lower() for each in names_of(self.places.models, repo)}
        entries = [entry for entry in self._loadable() if (entry.repo or "").lower() in names]
        models = self._readable(entries)
        fitting = [model for model in models if _fits(model, label)]
        if len({model.label for model in fitting}) == 1:
            return fitting[0].path
        if fitting:
            labels = ", ".join(sorted({model.label for model in fitting}))
            raise UserError(
                f"{repo} is here in several quantizations: {labels}.",
                f"Name one: hf.co/{repo}:{fitting[0].label}",
                code="ambiguous",
            )
        if label is not None and label.lower().endswith(".gguf"):
            raise UserError(
                f"{label} of {repo} is not on this machine.",
                f"Download it with: qwqdesk models download {repo} {label}",
                code="not_found",
            )
        shown = quants.canonical(label) if label else "LABEL"
        asked = f"{repo}:{shown}" if label else repo
        raise UserError(
            f"{asked} is not on this machine.",
            f"Download it with: qwqdesk models download {repo} {shown}",
            code="not_found",
        )

    def _named(self, text: str, path: Path) -> Path:
        """By file name, which needs no header; else by repository and label."""
        entries, wanted = self._loadable(), self._spellings(text)
        fitting = [entry.path for entry in entries if wanted & _file_names(entry)]
        if not fitting:
            models = self._readable([entry for entry in entries if entry.repo])
            fitting = [model.path for model in models if wanted & _longer_names(model)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            choices = ", ".join(str(choice) for choice in fitting[:4])
            raise UserError(
                f"{len(fitting)} models are called {text}: {choices}.",
                "Give the path of one.",
                code="ambiguous",
            )
        if exists(path):
            raise UserError(
                f"{text} is {'a folder' if path.is_dir() else 'not an ordinary file'}.",
                "Choose a .gguf file.",
                code="not_found",
            )
        kind = "file" if path.suffix.lower() == ".gguf" or "/" in text else "model"
        raise UserError(
            f"There is no {kind} {text}.",
            "List the models with: qwqdesk models list",
            code="not_found",
        )

    def _spellings(self, text: str) -> set[str]:
        """What was typed, in lower case, by every name that its repository has or had."""
        found = re.match(r"[^/:]+/[^/:]+", text)
        if found is None or not is_repo(found[0]):
            return {text.lower()}
        names = names_of(self.places.models, found[0])
        return {f"{name}{text[found.end() :]}".lower() for name in names}

    # ------------------------------------------------------------ inside

    def _entries(self) -> list[_Entry]:
        found: dict[str, _Entry] = {}
        folders: dict[Path, str] = {}
        for source, root in self.places.roots():
            for files in models_under(root):
                name = _real_name(files.files[0], folders)
                found.setdefault(name, _Entry(source, root, files))
        return list(found.values())

    def _loadable(self) -> list[_Entry]:
        return [entry for entry in self._entries() if not entry.found.missing]

    def _readable(self, entries: Sequence[_Entry]) -> list[LibraryModel]:
        models = (self._model(entry, {}, read=True) for entry in entries)
        return [model for model in models if model is not None]

    def _models(self, *, read: bool) -> list[LibraryModel]:
        entries = self._entries()
        self._unread = False
        uses = read_uses(self.places.models)
        models = (self._model(entry, uses, read=read) for entry in entries)
        found = [model for model in models if model is not None]
        if read:
            self._memory.save(entry.path for entry in entries)
        return found

    def _model(
        self, entry: _Entry, uses: Mapping[str, float], *, read: bool
    ) -> LibraryModel | None:
        """Other programs' files are listed only if they can be read, and nothing but models.

        While a header was not read, its name says whether it is one.
        """
        states = [_state(file) for file in entry.found.files]
        facts = self._facts(entry, states[0], read=read)
        unreadable = facts is not None and not facts.readable
        if states[0] is None or (unreadable and entry.source in ("hf-cache", "lm-studio")):
            return None
        if facts is not None and facts.readable:
            if not facts.is_model:
                return None
        elif is_side_file(entry.path.name):
            self._unread = self._unread or facts is None
            return None
        records = [stored_record(self.places.models, file) for file in entry.found.files]
        check = _check(entry, records, states)
        label = facts.label if facts is not None and facts.readable else None
        return LibraryModel(
            path=entry.path,
            repo=entry.repo,
            label=label or quants.label_of_name(str(entry.inside)) or "unknown",
            size_bytes=sum(state.st_size for state in states if state is not None),
            verified=check == "verified",
            architecture=facts.architecture if facts is not None else None,
            source=entry.source,
            files=entry.found.files,
            parts=entry.found.count,
            missing=entry.found.missing,
            check=check,
            sha256=_checksums(entry, records, states),
            last_used=uses.get(str(entry.path.absolute())),
            identity=(states[0].st_dev, states[0].st_ino),
            readable=not unreadable,
        )

    def _facts(self, entry: _Entry, state: os.stat_result | None, *, read: bool) -> Facts | None:
        """None where nothing is known yet, or where the file is gone."""
        if state is None:
            return None
        key = (state.st_size, state.st_mtime_ns)
        if read:
            return self._memory.read(entry.path, key, str(entry.inside))
        return self._memory.get(entry.path, key)


def _real_name(file: Path, folders: dict[Path, str]) -> str:
    """The path without links; `folders` remembers those of folders, which cost the most."""
    if file.is_symlink():
        return str(real_path(file))
    folder = file.parent
    if folder not in folders:
        folders[folder] = str(real_path(folder))
    return f"{folders[folder]}{os.sep}{file.name}"


def _state(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


def _check(
    entry: _Entry, records: Sequence[Record | None], states: Sequence[os.stat_result | None]
) -> Check:
    """What is known of all files together: the worst of them, except that one unchecked is all."""
    if entry.source == "bundled":
        return "verified"
    pairs = zip(records, states, strict=True)
    checks = {_check_of(record, state, entry.repo) for record, state in pairs}
    for check in ("damaged", "changed", "unchecked", "unpublished"):
        if check in checks:
            return check
    return "verified"


def _check_of(record: Record | None, state: os.stat_result | None, repo: str | None) -> Check:
    if record is None or state is None:
        return "unchecked"
    if not is_of(record, state):
        return "changed"
    if record.expected is not None:
        return "damaged"
    if record.verified:
        return "verified"
    return "unchecked" if repo or record.repo else "unpublished"


def _checksums(
    entry: _Entry, records: Sequence[Record | None], states: Sequence[os.stat_result | None]
) -> tuple[str, ...]:
    """The checksum of each file; nothing unless all are known. A cache's blobs are named by it."""
    found = []
    for file, record, state in zip(entry.found.files, records, states, strict=True):
        name = real_path(file).name if entry.source == "hf-cache" else ""
        if record is not None and state is not None and is_of(record, state):
            found.append(record.sha256)
        elif _BLOB.fullmatch(name):
            found.append(name)
    return tuple(found) if len(found) == len(records) else ()


def missing_words(model: LibraryModel) -> str:
    """Which shards are not here, in a few words; empty when all are."""
    if model.complete:
        return ""
    if len(model.missing) == 1:
        return f"Part {model.missing[0]} of {model.parts} is missing"
    return f"{len(model.missing)} of {model.parts} parts are missing"


# ---------------------------------------------------------------- names


def _path(text: str) -> Path:
    """A path as typed, with ``~`` resolved where there is a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _fits(model: LibraryModel, wanted: str | None) -> bool:
    """Whether a model has a label, or is a file of a repository's page."""
    if wanted is None or model.label.lower() == quants.canonical(wanted).lower():
        return True
    low = wanted.lower()
    return any(f"/{path.as_posix()}".lower().endswith(f"/{low}") for path in model.files)


def _file_names(entry: _Entry) -> set[str]:
    """The names that a file answers to, in lower case, alone and behind its repository."""
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", entry.path.stem)
    names = {name.lower() for name in (entry.path.name, entry.path.stem, stem)}
    return names | {f"{entry.repo}/{name}".lower() for name in names if entry.repo}


def _longer_names(model: LibraryModel) -> set[str]:
    """The names of a repository, with the label and without."""
    repo = model.repo or ""
    short = repo.partition("/")[2]
    names = {f"{name}:{model.label}" for name in (repo, short)} | {repo, short}
    return {name.lower() for name in names}
