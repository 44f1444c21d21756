"""The access token for the hub: where it comes from; it is shown, logged and written nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qwqdesk.whole_file import open_regular

MAX_TOKEN = 4096
_OFF = ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class Token:
    """An access token and the place it was found in. The text is left out of every repr."""

    text: str = field(repr=False)
    source: str


def variable_token(environ: Mapping[str, str]) -> Token | None:
    """The token that a variable names."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if text := clean_token(environ.get(name)):
            return Token(text, name)
    return None


def find_token(environ: Mapping[str, str]) -> Token | None:
    """The token outside of this program: of a variable, else of huggingface_hub's own file."""
    if found := variable_token(environ):
        return found
    if environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").strip().lower() not in _OFF:
        return None
    path = _token_file(environ)
    if text := clean_token(_read(path)):
        return Token(text, str(path))
    return None


def _token_file(environ: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps its token, by its own variables."""
    if path := environ.get("HF_TOKEN_PATH"):
        return _path(path)
    if home := environ.get("HF_HOME"):
        return _path(home) / "token"
    cache = environ.get("XDG_CACHE_HOME")
    user = environ.get("HOME") or environ.get("USERPROFILE") or "~"
    return (_path(cache) if cache else _path(user) / ".cache") / "huggingface" / "token"


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no home
        return Path(text)


def _read(path: Path) -> str | None:
    try:
        with open_regular(path) as file:
            return file.read(MAX_TOKEN + 1).decode("ascii")
    except (OSError, ValueError):
        return None


def clean_token(text: str | None) -> str | None:
    """The token without blanks; one that cannot stand in a header is none."""
    plain = (text or "").strip()
    good = 0 < len(plain) <= MAX_TOKEN and all("!" <= character <= "~" for character in plain)
    return plain if good else None
