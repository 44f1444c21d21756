"""What can be wrong with addresses, proxies and connections, told from what libraries raise."""

from __future__ import annotations

import re
import ssl
import urllib.request
from typing import Final
from urllib.parse import urlsplit

from qwqdesk.errors import UserError
from qwqdesk.models import hub_errors
from qwqdesk.models.hub_errors import Broken

_PORTS: Final = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for anything that is no web address."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        port = parts.port or _PORTS.get(scheme, 0)
    except ValueError:
        return None
    if scheme not in _PORTS or not parts.hostname:
        return None
    return scheme, parts.hostname.lower(), port


def told_error(error: Exception, url: str) -> Broken | UserError:
    """What an exception of the HTTP library means, also when huggingface_hub let it through."""
    import httpx2

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return hub_errors.tls(urlsplit(url).hostname or "", cause.verify_message)
        cause = cause.__cause__ or cause.__context__
    if (why := _no_tls(error)) is not None:
        return hub_errors.no_tls(urlsplit(url).netloc.rpartition("@")[2], why)
    if isinstance(error, httpx2.ProxyError):
        return Broken("proxy", _words(error))
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout) and _proxy_for(url):
        return Broken("proxy", _words(error))
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return Broken("timeout", "no answer in time")
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError):
        return Broken("network", "it ended early")
    return Broken("network", _words(error))


def _no_tls(error: BaseException | None) -> str | None:
    """Why no encryption came about, if that is what went wrong: often a port that has none."""
    while error is not None:
        # What ends early is a broken line, not a server that speaks something else.
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return (error.reason or "SSL").replace("_", " ").lower()
        text = re.match(r"\[SSL: ([A-Z_]+)\]", str(error))
        if text is not None and "EOF" not in text[1]:
            return text[1].replace("_", " ").lower()
        error = error.__cause__ or error.__context__
    return None


def check_proxies() -> None:
    """Refuse addresses of proxies that no request could use.

    Raises:
        UserError: code "proxy", naming the variable.
    """
    for scheme, address in urllib.request.getproxies().items():
        if scheme not in ("http", "https", "all") or not address:
            continue
        whole = address if "://" in address else f"http://{address}"
        if origin(whole) is None:
            raise hub_errors.bad_proxy(f"{scheme}_proxy")


def _words(error: Exception) -> str:
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error).strip()).rstrip(".")
    text = text or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text[:120])


def _proxy_for(url: str) -> bool:
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    used = proxies.get(parts.scheme) or proxies.get("all")
    return bool(used) and not urllib.request.proxy_bypass(parts.hostname or "")
