"""What a user types or pastes to name a repository, a quantization or a file on the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import short
from qwqdesk.models.hub_paths import is_safe

_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPO = re.compile(rf"({_PART})/({_PART})")
_HOSTS = frozenset({"hf.co", "huggingface.co", "www.huggingface.co", "hf-mirror.com"})
_PAGES = frozenset({"tree", "blob", "resolve", "raw"})
_OTHER_KINDS = frozenset({"datasets", "spaces", "api", "docs", "models", "collections", "papers"})


@dataclass(frozen=True)
class HubName:
    """``owner/name``, and what was named in it: a label or pattern, or a file's path."""

    repo: str
    wanted: str | None = None
    revision: str | None = None


def is_repo(text: str) -> bool:
    """Whether this is ``owner/name`` by the hub's rules and may become two folders on any system:
    Windows has no folder CON or NUL. Nothing else ever becomes a folder.
    """
    found = _REPO.fullmatch(text)
    return found is not None and "--" not in text and ".." not in text and is_safe(text)


def parse_name(text: str, endpoint: str = "") -> HubName:
    """Read ``owner/name``, ``hf.co/owner/name:LABEL`` or the address of a page of a model.

    Args:
        endpoint: the address of the hub in use, whose pages are read as well.

    Raises:
        UserError: code "not_found", it is none of these.
    """
    typed = text.strip().strip("<>\"'")
    path = _below_host(typed, endpoint)
    rest, colon, label = path.partition(":")
    parts = [unquote(part) for part in rest.strip("/").split("/")]
    repo = "/".join(parts[:2])
    if len(parts) < 2 or not is_repo(repo) or parts[0] in _OTHER_KINDS:
        raise _no_name(typed)
    if len(parts) == 2:
        return HubName(repo, label.strip() or None if colon else None)
    if parts[2] in _PAGES and len(parts) >= 4:
        file = "/".join(parts[4:]) or None
        return HubName(repo, file, None if parts[3] == "main" else parts[3])
    if parts[2] in ("discussions", "commits", "edit"):
        return HubName(repo)
    raise _no_name(typed)


def _below_host(text: str, endpoint: str) -> str:
    """The path behind the host; text without a host is a path already."""
    own = urlsplit(endpoint).netloc.lower()
    bare = re.sub(r"^[a-z]+://", "", text, count=1, flags=re.IGNORECASE)
    host, slash, path = bare.partition("/")
    if "://" in text or host.lower() in _HOSTS or (own and host.lower() == own):
        if not slash or host.lower().rpartition("@")[2] not in _HOSTS | {own}:
            raise _no_name(text)
        return re.split(r"[?#]", path, maxsplit=1)[0]
    return text


def _no_name(text: str) -> UserError:
    return UserError(
        f"{short(text)} names no repository of Hugging Face.",
        "Write OWNER/NAME, hf.co/OWNER/NAME:LABEL, or paste the address of a model's page.",
        code="not_found",
    )
