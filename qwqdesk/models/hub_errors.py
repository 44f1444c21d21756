"""What can go wrong with a hub, in words: one place that knows the codes and their sentences.

`code` words are INTERFACE's. What a try may repeat is a `Broken`; what ends a download is a
`UserError`. How the hub marks its refusals (`X-Error-Code`, `X-Error-Message`) is what
huggingface_hub 2.x reads in `hf_raise_for_status`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import short, size_words

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
LONGEST_WAIT = 600.0


class Broken(Exception):  # noqa: N818  (an outcome of a try, seldom an error)
    """One try failed in a way that another may mend.

    Args:
        code: the word for a user if no other try helps.
        why: what happened, in a few words.
        retry_after: seconds that the server asked to wait.
        expired: the file's address is no longer valid; a new one is fetched at once.
    """

    def __init__(
        self, code: str, why: str, *, retry_after: float | None = None, expired: bool = False
    ) -> None:
        super().__init__(code, why)
        self.code = code
        self.why = why
        self.retry_after = retry_after
        self.expired = expired


class Stopped(Exception):  # noqa: N818  (no error)
    """The user paused, cancelled or quit; not a failure."""


def final(broken: Broken, host: str, kept: int = 0) -> UserError:
    """What a `Broken` becomes when nothing helped. `kept` bytes stay on the disk."""
    keeps = f" {size_words(kept)} are kept." if kept else ""
    again = "Try it again; it goes on where it stopped." if kept else "Try it again later."
    code, why = broken.code, broken.why
    if code == "rate":
        wait = f" {broken.retry_after:.0f} s" if broken.retry_after else ""
        return UserError(
            f"{host} asks to wait{wait} (too many requests).{keeps}",
            f"{again} An access token raises the limit.",
            code=code,
        )
    words = {
        "timeout": f"{host} does not answer in time.",
        "proxy": f"The proxy refuses the connection to {host} ({why}).",
        "incomplete": f"{host} sends less than the whole file ({why}).",
    }
    what = words.get(code, f"{host} can't be reached ({why}).")
    do = "Check the proxy settings of this computer." if code == "proxy" else again
    return UserError(what + keeps, do, code=code)


def refusal(
    status: int, headers: Mapping[str, str], *, token: bool, host: str, page: str
) -> UserError | Broken:
    """What an answer of the hub that is no success means.

    Args:
        token: whether an access token was sent.
        page: the address of the model's page, for the next step.
    """
    code = headers.get("x-error-code", "")
    message = headers.get("x-error-message", "")
    if status in RETRIED:
        if status == 429:
            wait = retry_after(headers)
            return Broken("rate", "too many requests", retry_after=wait)
        return Broken("network", f"status {status}", retry_after=retry_after(headers))
    if status == 407:
        return Broken("proxy", "it wants a password")
    if status == 511:
        return portal(host)
    if message == "Access to this resource is disabled." or status == 451:
        return disabled(page)
    if status == 401 and token and message.startswith("Invalid credentials"):
        return bad_token(host)
    if status in (401, 403) and code != "RepoNotFound":
        return _no_access(status, headers, token=token, host=host, page=page)
    if code in ("EntryNotFound", "RevisionNotFound") or status == 410:
        return no_file(page)
    if status in (401, 404):
        return not_found(page)
    return Broken("network", f"status {status}")


def _no_access(
    status: int, headers: Mapping[str, str], *, token: bool, host: str, page: str
) -> UserError:
    gated = headers.get("x-error-code") == "GatedRepo"
    if status == 401 and token:
        return bad_token(host)
    if gated and not token:
        return UserError(
            "This model needs a Hugging Face account.",
            f"Accept its licence on {page}, then set an access token (HF_TOKEN).",
            code="gated_login",
        )
    if gated:
        return UserError(
            "Your account has no access to this model yet.",
            f"Ask for it on {page}.",
            code="gated_ask",
        )
    if status == 403 and headers.get("content-type", "").startswith("text/html"):
        return portal(host)
    if status == 403 and token:
        return bad_token(host)
    return not_found(page)


def bad_token(host: str) -> UserError:
    """The saved token is refused."""
    return UserError(
        f"{host} doesn't accept the saved access token.",
        "Change the token, or try without it (--no-token).",
        code="token",
    )


def portal(host: str) -> UserError:
    """A web page came instead of what was asked for."""
    return UserError(
        f"This network wants you to log in first: a web page came instead of an answer of {host}.",
        "Open a web browser, log in to the network, then try again.",
        code="portal",
    )


def offline() -> UserError:
    """HF_HUB_OFFLINE is set."""
    return UserError(
        "This computer is set to work offline (HF_HUB_OFFLINE).",
        "Unset HF_HUB_OFFLINE to use Hugging Face; the models on this disk work without it.",
        code="offline",
    )


def not_found(page: str) -> UserError:
    """No such repository, or none that this user may see."""
    return UserError(
        f"{page} is not found, or private.",
        "Check the name; for a private repository, set an access token (HF_TOKEN).",
        code="not_found",
    )


def disabled(page: str) -> UserError:
    """The hub has blocked the repository."""
    return UserError(
        f"Hugging Face has disabled the repository {page}.",
        "Choose another repository.",
        code="disabled",
    )


def no_file(page: str) -> UserError:
    """The file is gone from the hub."""
    return UserError(
        f"This file is no longer there: {page}.",
        "List the repository's files again and choose another.",
        code="no_file",
    )


def changed(path: str, size: int) -> UserError:
    """The hub has another version of the file than the one that was begun."""
    return UserError(
        f"{short(path)} was changed on Hugging Face since you started.",
        f"Start again with the new version ({size_words(size)}): add --restart.",
        code="changed",
    )


def tls(host: str, why: str) -> UserError:
    """The certificate is not trusted."""
    return UserError(
        f"The certificate of {host} isn't trusted on this computer ({why}).",
        "Check the date of this computer and its certificates; a company's proxy may need its own "
        "(SSL_CERT_FILE).",
        code="tls",
    )


def no_tls(host: str, why: str) -> UserError:
    """The server does not speak https."""
    return UserError(
        f"{host} can't be asked by https ({why}).",
        "Check the address: a server without encryption needs http://, or another port.",
        code="tls",
    )


def bad_proxy(name: str) -> UserError:
    """A variable holds no address of a proxy."""
    return UserError(
        f"The proxy in {name} is not the address of one.",
        f"Write it as http://HOST:PORT, or unset {name}.",
        code="proxy",
    )


def not_understood(host: str) -> UserError:
    """An answer that is neither what was asked for nor a known refusal."""
    return UserError(
        f"{host} answers in a way that this program does not understand.",
        "Check HF_ENDPOINT, or try it again later.",
        code="network",
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date; None without one."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), 86_400.0) if seconds == seconds else None
