"""The models on this disk: bundled, downloaded, in added folders, and in other programs' places.

Other programs' folders are read, never written. Nothing that lies in a folder can stop a scan:
a file that is no readable model is listed without its facts or left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from qwqdesk.errors import UserError
from qwqdesk.models import quants
from qwqdesk.models.folders import exists, is_file, models_under, real_path, size_of
from qwqdesk.models.gguf import read_header
from qwqdesk.models.records import read_record

Source = Literal["bundled", "library", "folder", "hf-cache", "lm-studio"]


@dataclass(frozen=True)
class LibraryModel:
    """One model; a model in shards is one entry whose path is the first shard.

    `repo` is ``owner/name`` where the place says so; `verified` whether its checksum was compared
    with the publisher's (bundled models are part of the program); sizes in bytes, all shards.
    """

    path: Path
    repo: str | None
    label: str
    size_bytes: int
    verified: bool
    architecture: str | None
    source: Source


@dataclass(frozen=True)
class Places:
    """Where to look."""

    bundled: Path
    models: Path
    folders: tuple[Path, ...] = ()
    hf_cache: Path | None = None
    lm_studio: Path | None = None

    def roots(self) -> Iterator[tuple[Source, Path]]:
        """Every place in the order in which a model found twice is attributed."""
        yield "bundled", self.bundled
        yield "library", self.models
        for folder in self.folders:
            yield "folder", folder
        if self.lm_studio is not None:
            yield "lm-studio", self.lm_studio
        if self.hf_cache is not None:
            yield "hf-cache", self.hf_cache


def places(
    bundled: Path, models: Path, folders: tuple[Path, ...], environ: Mapping[str, str]
) -> Places:
    """The places of this machine; those of other programs come from `environ` and the home."""
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
    return Places(bundled, models, folders, _hf_cache(home, environ), _lm_studio(home))


@dataclass(frozen=True)
class _Entry:
    """A model found in a folder, before its header is read."""

    source: Source
    root: Path
    files: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """The first shard, or the only file."""
        return self.files[0]

    @property
    def repo(self) -> str | None:
        """``owner/name`` if the place is laid out that way."""
        return _repo(self.source, self.path.relative_to(self.root).parts)


@dataclass(frozen=True)
class _Facts:
    """What the library keeps of a header; None stands for a file that is no readable model."""

    architecture: str | None
    label: str


class Library:
    """Scans `Places`; what headers say is remembered by path, size and time of change."""

    def __init__(self, where: Places) -> None:
        self.places = where
        self._facts: dict[tuple[str, int, int], _Facts | None] = {}

    def scan(self) -> list[LibraryModel]:
        """All models, by place and path; a file reachable in two places is listed once.

        It reads files: some 50 ms for each model that was not seen before.
        """
        models = (self._model(entry) for entry in self._entries())
        return [model for model in models if model is not None]

    def list_json(self) -> list[dict[str, Any]]:
        """What INTERFACE says for `models list --json`."""
        return [{**asdict(model), "path": str(model.path)} for model in self.scan()]

    def find(self, text: str | None) -> Path:
        """The file that MODEL on a command line means; None is the bundled demo model.

        Args:
            text: a path, a name in the library, or ``hf.co/OWNER/NAME:LABEL``.

        Raises:
            UserError: code "not_found", or "ambiguous" when a name fits several models.
        """
        if text is None:
            return self._demo()
        path = _path(text)
        if is_file(path):
            return path.absolute()
        wanted = _hub_name(text)
        if wanted is not None:
            return self._from_hub(*wanted)
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

    def _from_hub(self, repo: str, label: str | None) -> Path:
        entries = [e for e in self._entries() if (e.repo or "").lower() == repo.lower()]
        models = [model for entry in entries if (model := self._model(entry)) is not None]
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
        shown = quants.canonical(label) if label else "LABEL"
        asked = f"{repo}:{shown}" if label else repo
        raise UserError(
            f"{asked} is not on this machine.",
            f"Download it with: qwqdesk models download {repo} {shown}",
            code="not_found",
        )

    def _named(self, text: str, path: Path) -> Path:
        """By file name, which needs no header; else by repository and label."""
        entries, wanted = self._entries(), text.lower()
        fitting = [entry.path for entry in entries if wanted in _file_names(entry)]
        if not fitting:
            models = (self._model(entry) for entry in entries if entry.repo)
            fitting = [model.path for model in models if model and wanted in _longer_names(model)]
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

    def _entries(self) -> list[_Entry]:
        found: dict[Path, _Entry] = {}
        for source, root in self.places.roots():
            for first, files in models_under(root):
                found.setdefault(real_path(first), _Entry(source, root, tuple(files)))
        return list(found.values())

    def _model(self, entry: _Entry) -> LibraryModel | None:
        """Other programs' files are listed only if they can be read."""
        facts = self._facts_of(entry)
        if facts is None and entry.source in ("hf-cache", "lm-studio"):
            return None
        return LibraryModel(
            path=entry.path,
            repo=entry.repo,
            label=facts.label if facts else quants.label_of_name(str(entry.path)) or "unknown",
            size_bytes=sum(size_of(file) for file in entry.files),
            verified=self._is_verified(entry),
            architecture=facts.architecture if facts else None,
            source=entry.source,
        )

    def _is_verified(self, entry: _Entry) -> bool:
        """Whether all files are as they were when their checksums were compared."""
        if entry.source != "library":
            return entry.source == "bundled"
        records = (read_record(self.places.models, file) for file in entry.files)
        return all(record is not None and record.verified for record in records)

    def _facts_of(self, entry: _Entry) -> _Facts | None:
        try:
            state = entry.path.stat()
        except OSError:
            return None
        key = (str(entry.path), state.st_size, state.st_mtime_ns)
        if key not in self._facts:
            self._facts[key] = _read_facts(entry)
        return self._facts[key]


def _read_facts(entry: _Entry) -> _Facts | None:
    try:
        header = read_header(entry.path)
    except UserError:
        return None
    architecture = header.metadata.get("general.architecture")
    return _Facts(
        architecture if isinstance(architecture, str) else None,
        quants.quantization_label(header, str(entry.path.relative_to(entry.root))),
    )


# ---------------------------------------------------------------- places


def _repo(source: Source, parts: tuple[str, ...]) -> str | None:
    """``owner/name`` from a path below a place, where the place is laid out that way."""
    if source in ("library", "lm-studio") and len(parts) >= 3:
        return f"{parts[0]}/{parts[1]}"
    if source == "hf-cache" and parts[0].startswith("models--"):
        return parts[0].removeprefix("models--").replace("--", "/", 1)
    return None


def _hf_cache(home: Path, environ: Mapping[str, str]) -> Path:
    """The Hugging Face cache, by that library's own variables."""
    if cache := environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(cache)
    if hf_home := environ.get("HF_HOME"):
        return Path(hf_home) / "hub"
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "huggingface" / "hub"


def _lm_studio(home: Path) -> Path:
    """LM Studio's models, in its current place or the older one."""
    current, older = home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"
    return older if older.is_dir() and not current.is_dir() else current


# ---------------------------------------------------------------- names


def _path(text: str) -> Path:
    """A path as typed, with ``~`` resolved where there is a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _hub_name(text: str) -> tuple[str, str | None] | None:
    """Owner/name and label out of ``hf.co/OWNER/NAME[:LABEL]``; None if it is not that."""
    found = re.fullmatch(
        r"(?:https?://)?(?:hf\.co|huggingface\.co)/([\w.-]+/[\w.-]+?)(?::([\w.-]+))?/?", text
    )
    return (found[1], found[2]) if found else None


def _fits(model: LibraryModel, label: str | None) -> bool:
    return label is None or model.label.lower() == quants.canonical(label).lower()


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
