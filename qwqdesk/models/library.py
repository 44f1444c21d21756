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
from qwqdesk.models.folders import is_file, models_under, real_path, size_of
from qwqdesk.models.gguf import GgufHeader, read_header

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


class Library:
    """Scans `Places`; headers are remembered by path, size and time of change."""

    def __init__(self, where: Places) -> None:
        self.places = where
        self._headers: dict[tuple[str, int, int], GgufHeader | None] = {}

    def scan(self) -> list[LibraryModel]:
        """All models, by place and path; a file reachable in two places is listed once."""
        found: list[LibraryModel] = []
        seen: set[Path] = set()
        for source, root in self.places.roots():
            for first, files in models_under(root):
                real = real_path(first)
                if real in seen:
                    continue
                seen.add(real)
                model = self._model(source, root, first, files)
                if model is not None:
                    found.append(model)
        return found

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
        models = [model for model in self.scan() if (model.repo or "").lower() == repo.lower()]
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
        raise UserError(
            f"{repo}:{shown} is not on this machine."
            if label
            else f"{repo} is not on this machine.",
            f"Download it with: qwqdesk models download {repo} {shown}",
            code="not_found",
        )

    def _named(self, text: str, path: Path) -> Path:
        models = self.scan()
        for names in (_file_names, _longer_names):
            fitting = [model for model in models if text.lower() in names(model)]
            if len(fitting) == 1:
                return fitting[0].path
            if fitting:
                choices = ", ".join(str(model.path) for model in fitting[:4])
                raise UserError(
                    f"{len(fitting)} models are called {text}: {choices}.",
                    "Give the path of one.",
                    code="ambiguous",
                )
        kind = "file" if path.suffix.lower() == ".gguf" or "/" in text else "model"
        raise UserError(
            f"There is no {kind} {text}.",
            "List the models with: qwqdesk models list",
            code="not_found",
        )

    def _model(
        self, source: Source, root: Path, first: Path, files: list[Path]
    ) -> LibraryModel | None:
        size = sum(size_of(file) for file in files)
        header = self._header(first)
        if header is None and source in ("hf-cache", "lm-studio"):
            return None
        name = str(first.relative_to(root))
        architecture = header.metadata.get("general.architecture") if header else None
        label = quants.quantization_label(header, name) if header else quants.label_of_name(name)
        return LibraryModel(
            path=first,
            repo=_repo(source, first.relative_to(root).parts),
            label=label or "unknown",
            size_bytes=size,
            verified=source == "bundled",
            architecture=architecture if isinstance(architecture, str) else None,
            source=source,
        )

    def _header(self, path: Path) -> GgufHeader | None:
        try:
            state = path.stat()
            key = (str(path), state.st_size, state.st_mtime_ns)
            if key not in self._headers:
                self._headers[key] = _header_or_none(path)
            return self._headers[key]
        except OSError:
            return None


def _header_or_none(path: Path) -> GgufHeader | None:
    try:
        return read_header(path)
    except UserError:
        return None


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


def _file_names(model: LibraryModel) -> set[str]:
    """The names that a file answers to, in lower case."""
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", model.path.stem)
    return {name.lower() for name in (model.path.name, model.path.stem, stem)}


def _longer_names(model: LibraryModel) -> set[str]:
    """Names with the repository or the label."""
    if model.repo is None:
        return set()
    short = model.repo.partition("/")[2]
    names = {f"{repo}:{model.label}" for repo in (model.repo, short)} | {model.repo, short}
    names |= {f"{model.repo}/{name}" for name in _file_names(model)}
    return {name.lower() for name in names}
