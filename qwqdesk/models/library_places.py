"""Where models lie on this computer: our own folders and those of other programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Source = Literal["bundled", "library", "folder", "hf-cache", "lm-studio"]


@dataclass(frozen=True)
class Places:
    """Where to look. `endpoint` is the hub in use, whose addresses name models, too."""

    bundled: Path
    models: Path
    folders: tuple[Path, ...] = ()
    hf_cache: Path | None = None
    lm_studio: Path | None = None
    endpoint: str = ""

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
    endpoint = environ.get("HF_ENDPOINT", "").strip()
    return Places(bundled, models, folders, _hf_cache(home, environ), _lm_studio(home), endpoint)


def repo_of(source: Source, parts: tuple[str, ...]) -> str | None:
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
