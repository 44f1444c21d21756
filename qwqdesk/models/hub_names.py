"""What a user types or pastes to name a repository, a quantization or a file on the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import short
from qwqdesk.models.hub_paths import is_safe

_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPO = re.compile(rf"({_PART})/({_PART})")
HOSTS = frozenset({"hf.co", "www.hf.co", "huggingface.co", "www.huggingface.co", "hf-mirror.com"})
"""The hub's own names, and that of a public mirror."""
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
    path, query = _below_host(re.sub(r"^git\s+clone\s+", "", typed), endpoint)
    rest, colon, label = path.partition(":")
    parts = [unquote(part) for part in rest.split("/") if part]
    if len(parts) < 2 or parts[0] in _OTHER_KINDS:
        raise _no_name(typed)
    repo = f"{parts[0]}/{re.sub(r'[.]git$', '', parts[1])}"
    if not is_repo(repo):
        raise _no_name(typed)
    shown = parse_qs(query).get("show_file_info", [""])[0].strip("/") or None
    if len(parts) == 2:
        return HubName(repo, (label.strip("/ ") or None) if colon else shown)
    if parts[2] in _PAGES:
        revision = parts[3] if len(parts) > 3 else "main"
        file = "/".join(parts[4:]) or shown
        if parts[2] == "tree" and parts[4:] and not parts[-1].lower().endswith(".gguf"):
            file = shown or f"{'/'.join(parts[4:])}/*"  # the page of a folder
        return HubName(repo, file, None if revision == "main" else revision)
    if parts[2] in ("discussions", "commits", "commit", "edit"):
        return HubName(repo)
    raise _no_name(typed)


def is_address(text: str, endpoint: str = "") -> bool:
    """Whether a text is the address of a page, and neither a path nor a plain name."""
    low = text.strip().lower().strip("<>\"'")
    host = low.partition("/")[0]
    own = urlsplit(endpoint).netloc.lower().rpartition("@")[2]
    scheme = re.match(r"(?:https?|hf)://|git@", low) is not None
    return scheme or ("/" in low and (host in HOSTS or (own != "" and host == own)))


def _below_host(text: str, endpoint: str) -> tuple[str, str]:
    """The path behind the host, and the query; text without a host is a path already."""
    if text.lower().startswith("hf://"):
        return text[5:].removeprefix("models/"), ""
    if ssh := re.match(r"git@(?:hf\.co|huggingface\.co):", text, re.IGNORECASE):
        return text[ssh.end() :], ""
    if not is_address(text, endpoint):
        if "://" in text:
            raise _no_name(text)
        return text, ""
    site = urlsplit(endpoint)
    bare = re.sub(r"^https?://", "", text, count=1, flags=re.IGNORECASE)
    host, slash, rest = bare.partition("/")
    name = re.sub(r":(?:443|80)$", "", host.lower().rpartition("@")[2])
    own = {site.netloc.lower().rpartition("@")[2], (site.hostname or "").lower()} - {""}
    if not slash or name not in HOSTS | own:
        raise _no_name(text)
    path, _, behind = rest.partition("?")
    inside = site.path.strip("/")
    if inside and name in own and path.startswith(f"{inside}/"):
        path = path[len(inside) + 1 :]
    return path.partition("#")[0], behind.partition("#")[0]


def _no_name(text: str) -> UserError:
    return UserError(
        f"{short(text)} names no repository of Hugging Face.",
        "Write OWNER/NAME, hf.co/OWNER/NAME:LABEL, or paste the address of a model's page.",
        code="not_found",
    )
