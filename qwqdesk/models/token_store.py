"""The access token of this program's settings: in the system's keyring, or for one session only.

The token is written nowhere else. keyring is imported when a token is kept, read or removed; a
system without a usable keyring is no error: the token then ends with the program.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from qwqdesk.models.tokens import Token, clean_token

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE, NAME = "qwqdesk", "huggingface"
# Backends that hold nothing, or hold it for everybody to read.
_NO_BACKENDS = ("fail", "null", "plaintext")
_LOG = logging.getLogger(__name__)


class TokenStore:
    """Every method may wait for the keyring: call them on a worker thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: str | None = None

    @property
    def in_session(self) -> bool:
        """Whether a token was saved since the program began; this asks nobody."""
        return self._session is not None

    def load(self) -> Token | None:
        """The token that was saved, in this session or in the keyring."""
        with self._lock:
            if self._session is not None:
                return Token(self._session, "settings")
            text = _guarded(lambda ring: ring.get_password(SERVICE, NAME))
            clean = clean_token(text if isinstance(text, str) else None)
            return Token(clean, "settings") if clean else None

    def save(self, text: str) -> bool:
        """Keep a token; False when there is no keyring and it is kept for this session only.

        Raises:
            ValueError: this cannot be a token.
        """
        clean = clean_token(text)
        if clean is None:
            raise ValueError("this cannot be a token")
        with self._lock:
            self._session = clean
            done = _guarded(lambda ring: ring.set_password(SERVICE, NAME, clean) or True)
            return done is True

    def remove(self) -> None:
        """Forget the token, here and in the keyring."""
        with self._lock:
            self._session = None
            _guarded(lambda ring: ring.delete_password(SERVICE, NAME))


def _guarded(act: Callable[[KeyringBackend], object]) -> object:
    """What the keyring answers; None when there is none or it refuses. Never the token in a log."""
    try:
        ring = _backend()
        return act(ring) if ring is not None else None
    except Exception as error:  # backends raise whatever their system raises
        _LOG.info("the keyring cannot be used: %s", type(error).__name__)
        return None


def _backend() -> KeyringBackend | None:
    import keyring

    found = keyring.get_keyring()
    kind = f"{type(found).__module__}.{type(found).__name__}".lower()
    return None if any(name in kind for name in _NO_BACKENDS) else found
