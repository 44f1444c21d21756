"""Which file names out of a repository's listing may become files on this disk.

A listing is written by strangers. Only plain relative names are accepted, by rules that hold on
every platform, so that a model folder can be moved; everything else is not offered at all.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

MAX_PART_BYTES = 200
MAX_PATH_BYTES = 800
MAX_PARTS = 8
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE
)
_FORBIDDEN = frozenset('<>:"|?*\\')


def is_safe(path: str) -> bool:
    """Whether a listed path can only mean one ordinary file below its repository's folder."""
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:  # lone surrogates
        return False
    parts = path.split("/")
    if not path or size > MAX_PATH_BYTES or len(parts) > MAX_PARTS:
        return False
    return all(_is_safe_part(part) for part in parts)


def local_path(models: Path, repo: str, path: str) -> Path:
    """Where a file of a repository lies: ``<models>/<owner>/<name>/<path>``.

    Raises:
        ValueError: the path is not safe; listings are filtered before, so this is a bug.
    """
    if not is_safe(path) or not all(_is_safe_part(part) for part in repo.split("/")):
        raise ValueError("this name may not become a file")
    return models.joinpath(*repo.split("/"), *path.split("/"))


def folded(path: str) -> str:
    """Names that some file system takes for the same are equal after this."""
    return unicodedata.normalize("NFKC", path).casefold()


def _is_safe_part(part: str) -> bool:
    if part in ("", ".", "..") or len(part.encode("utf-8")) > MAX_PART_BYTES:
        return False
    if part != part.strip() or part.endswith(".") or _DEVICES.fullmatch(part):
        return False
    if any(_is_odd(character) for character in part):
        return False
    plain = unicodedata.normalize("NFKC", part)
    return plain not in (".", "..") and not any(c in _FORBIDDEN or c == "/" for c in plain)


def _is_odd(character: str) -> bool:
    """Control, formatting (direction marks), surrogate and unassigned characters."""
    return character in _FORBIDDEN or unicodedata.category(character)[0] == "C"
