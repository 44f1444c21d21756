"""A repository's listing, and its GGUF files grouped into quantizations.

What a listing says is not believed: unsafe names, impossible sizes and double names are left out.
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from qwqdesk.errors import UserError
from qwqdesk.models import quants
from qwqdesk.models.hub_names import is_repo
from qwqdesk.models.hub_paths import folded, is_safe
from qwqdesk.models.side_names import is_side_file

_SHARD = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
MAX_SHARDS = 1000
MAX_SIZE = 1 << 46


@dataclass(frozen=True)
class RepoFile:
    """One file on the hub. `sha256` is that of its content; small git files have a `blob_id`."""

    path: str
    size_bytes: int
    sha256: str | None
    blob_id: str | None = None


@dataclass(frozen=True)
class Quantization:
    """One row: a file, or all shards of one, in order. `missing` are paths that should be there."""

    label: str
    files: tuple[RepoFile, ...]
    missing: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """All files that are there."""
        return sum(file.size_bytes for file in self.files)

    @property
    def complete(self) -> bool:
        """Whether every shard is on the hub."""
        return not self.missing

    @property
    def kind(self) -> str:
        """The label without what tells it from others of its kind in the repository."""
        return quants.label_of_name(self.files[0].path) or self.label

    @property
    def stem(self) -> str:
        """The path without shard number and ending."""
        return _stem(self.files[0].path)


@dataclass(frozen=True)
class RepoFacts:
    """What the hub's listing says beside the files; 0 and "" where it says nothing.

    `updated` is an ISO date. The numbers about the model are the hub's reading of one file.
    """

    downloads: int = 0
    likes: int = 0
    updated: str = ""
    architecture: str = ""
    parameters: int = 0
    context_length: int = 0


@dataclass(frozen=True)
class Repository:
    """What the hub says about one repository at one commit.

    `unsafe` counts the GGUF files that are left out because of their names.
    """

    repo: str
    commit: str
    gated: str | bool
    quantizations: tuple[Quantization, ...]
    side_files: tuple[RepoFile, ...] = ()
    facts: RepoFacts = RepoFacts()
    unsafe: int = 0


def listed(path: object, size: object, sha256: object, blob_id: object) -> RepoFile | None:
    """A row of a listing if it can be a file here; None otherwise."""
    if not isinstance(path, str) or not is_safe(path):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MAX_SIZE:
        return None
    return RepoFile(path, size, _digest(sha256, _SHA256), _digest(blob_id, _SHA1))


def unsafe_names(paths: Iterable[object]) -> int:
    """How many of a listing's names are GGUF files that cannot be files here."""
    return sum(
        isinstance(path, str) and path.lower().endswith(".gguf") and not is_safe(path)
        for path in paths
    )


def from_listing(repo: str, info: Mapping[str, Any]) -> Repository:
    """What the hub's API says of a repository (`/api/models/{repo}?blobs=true`), without facts."""
    siblings = info.get("siblings")
    rows = [row for row in siblings if isinstance(row, dict)] if isinstance(siblings, list) else []
    files = [file for row in rows if (file := _sibling(row)) is not None]
    name, gated, commit = info.get("id"), info.get("gated"), info.get("sha")
    return Repository(
        name if isinstance(name, str) and is_repo(name) else repo,
        commit if isinstance(commit, str) and commit else "main",
        gated if isinstance(gated, str) else bool(gated),
        quantizations(files),
        side_files(files),
        unsafe=unsafe_names(row.get("rfilename") for row in rows),
    )


def _sibling(row: Mapping[str, Any]) -> RepoFile | None:
    lfs = row.get("lfs")
    if lfs is not None and not isinstance(lfs, dict):
        return None
    if isinstance(lfs, dict):
        return listed(row.get("rfilename"), lfs.get("size"), lfs.get("sha256"), row.get("blobId"))
    return listed(row.get("rfilename"), row.get("size"), None, row.get("blobId"))


def repo_facts(info: object) -> RepoFacts:
    """The facts of a listing (huggingface_hub's ModelInfo); what is not what it should be is 0."""
    updated = getattr(info, "last_modified", None)
    model = getattr(info, "gguf", None)
    model = model if isinstance(model, Mapping) else {}
    architecture = model.get("architecture")
    known = isinstance(architecture, str) and _WORD.fullmatch(architecture)
    return RepoFacts(
        downloads=_count(getattr(info, "downloads", None)),
        likes=_count(getattr(info, "likes", None)),
        updated=updated.isoformat() if isinstance(updated, datetime) else "",
        architecture=str(architecture) if known else "",
        parameters=_count(model.get("total")),
        context_length=_count(model.get("context_length")),
    )


def quantizations(files: Iterable[RepoFile]) -> tuple[Quantization, ...]:
    """The GGUF files by quantization, small ones first; shards are one row, side files none."""
    sets: dict[str, list[RepoFile]] = {}
    counts: dict[str, int] = {}
    seen: set[str] = set()
    for file in files:
        if not _is_weights(file.path) or folded(file.path) in seen:
            continue
        seen.add(folded(file.path))
        found = _SHARD.fullmatch(file.path)
        key = f"{found['stem']}\0{found['count']}" if found else file.path
        sets.setdefault(key, []).append(file)
        counts[key] = int(found["count"]) if found else 0
    rows = [row for key, group in sets.items() if (row := _row(group, counts[key])) is not None]
    return tuple(sorted(_distinct(rows), key=lambda row: (row.size_bytes, row.label)))


def side_files(files: Iterable[RepoFile]) -> tuple[RepoFile, ...]:
    """GGUF files that belong to a model without being one: projectors, matrices, adapters."""
    return tuple(
        file
        for file in files
        if file.path.lower().endswith(".gguf") and is_side_file(PurePosixPath(file.path).name)
    )


def choose(rows: Sequence[Quantization], wanted: str | None, repo: str) -> Quantization:
    """The one quantization that a label, a pattern (``*Q4_K_M*``) or a file's path means.

    Raises:
        UserError: "no_file" when there is none, "ambiguous" for several, "incomplete" when shards
            are missing on the hub.
    """
    fitting = list(rows) if wanted is None else _fitting(rows, wanted.strip())
    if not rows or not fitting:
        labels = ", ".join(row.label for row in rows)
        raise UserError(
            f"{repo} has no quantization {wanted}." if rows else f"{repo} has no GGUF files.",
            f"It has: {labels}." if rows else "Choose a repository whose name ends in -GGUF.",
            code="no_file",
        )
    if len(fitting) > 1:
        raise UserError(
            f"{wanted or repo} fits several quantizations: "
            f"{', '.join(row.label for row in fitting)}.",
            "Name one of them.",
            code="ambiguous",
        )
    [row] = fitting
    if not row.complete:
        names = ", ".join(PurePosixPath(path).name for path in row.missing[:3])
        raise UserError(
            f"{row.label} is not complete in {repo}: {names} "
            f"{'is' if len(row.missing) == 1 else 'are'} missing.",
            "Choose another quantization.",
            code="incomplete",
        )
    return row


def _fitting(rows: Sequence[Quantization], wanted: str) -> list[Quantization]:
    label = quants.canonical(wanted).lower()
    exact = [row for row in rows if row.label.lower() in (label, wanted.lower())]
    if exact:
        return exact
    named = [row for row in rows if wanted.lower() in _names(row)]
    if named or not any(character in wanted for character in "*?["):
        return named
    pattern = wanted.lower()
    fitting = [row for row in rows if any(fnmatch.fnmatchcase(n, pattern) for n in _names(row))]
    inner = quants.canonical(wanted.strip("*?-_.")).lower()
    return [row for row in fitting if row.label.lower() == inner] or fitting


def _names(row: Quantization) -> set[str]:
    paths = [PurePosixPath(file.path) for file in row.files]
    names = {row.label, row.stem, PurePosixPath(row.stem).name}
    names |= {str(path) for path in paths} | {path.name for path in paths}
    return {name.lower() for name in names}


def _is_weights(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.lower().endswith(".gguf") and not is_side_file(name)


def _row(files: list[RepoFile], count: int) -> Quantization | None:
    """One row; a set that claims an absurd number of shards is none."""
    label = quants.label_of_name(files[0].path) or PurePosixPath(_stem(files[0].path)).name
    if count == 0:
        return Quantization(label, tuple(files))
    found = [(_SHARD.fullmatch(file.path), file) for file in files]
    numbers = {int(match["no"]): file for match, file in found if match is not None}
    there = {number: file for number, file in numbers.items() if 1 <= number <= count}
    if count > MAX_SHARDS or not there:
        return None
    stem = _stem(files[0].path)
    missing = [n for n in range(1, count + 1) if n not in there]
    names = tuple(f"{stem}-{number:05d}-of-{count:05d}.gguf" for number in missing)
    return Quantization(label, tuple(there[number] for number in sorted(there)), names)


def _distinct(rows: list[Quantization]) -> list[Quantization]:
    """Rows with the same label carry the file's stem behind it."""
    often = Counter(row.label for row in rows)
    return [
        row
        if often[row.label] == 1
        else Quantization(f"{row.label} ({row.stem})", row.files, row.missing)
        for row in rows
    ]


def _stem(path: str) -> str:
    found = _SHARD.fullmatch(path)
    return found["stem"] if found else path[: -len(".gguf")]


def _count(value: object) -> int:
    return value if type(value) is int and 0 < value < MAX_SIZE else 0


def _digest(value: object, kind: re.Pattern[str]) -> str | None:
    text = value.lower() if isinstance(value, str) else ""
    return text if kind.fullmatch(text) else None
