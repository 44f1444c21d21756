"""Where a token typed into the settings goes: the keyring, or nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from qwqdesk.models.token_store import NAME, SERVICE, TokenStore

SECRET = "hf_verysecret"


class MemoryRing(KeyringBackend):
    """A keyring in memory; `broken` makes it refuse as a locked one does."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = False

    def get_password(self, service: str, username: str) -> str | None:
        self._refuse()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._refuse()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._refuse()
        del self.kept[service, username]

    def _refuse(self) -> None:
        if self.broken:
            raise RuntimeError(f"locked: {SECRET}")


@pytest.fixture
def ring() -> Iterator[MemoryRing]:
    before = keyring.get_keyring()
    made = MemoryRing()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_a_token_lies_in_the_keyring_until_it_is_removed(ring: MemoryRing) -> None:
    assert TokenStore().save(f" {SECRET}\n")
    assert ring.kept == {(SERVICE, NAME): SECRET}
    later = TokenStore()
    assert not later.in_session
    found = later.load()
    assert found is not None
    assert (found.text, found.source) == (SECRET, "settings")
    assert SECRET not in repr(found) + str(later.__dict__.get("_lock"))
    later.remove()
    assert ring.kept == {}
    assert TokenStore().load() is None
    later.remove()  # nothing is there any more


def test_without_a_keyring_it_ends_with_the_program() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    try:
        store = TokenStore()
        assert not store.save(SECRET)
        assert store.in_session
        found = store.load()
        assert found is not None
        assert found.text == SECRET
        assert TokenStore().load() is None
        store.remove()
        assert store.load() is None
    finally:
        keyring.set_keyring(before)


def test_a_keyring_that_refuses_is_no_fault_and_tells_no_secret(
    ring: MemoryRing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ring.broken = True
    store = TokenStore()
    assert not store.save(SECRET)
    store.remove()
    assert store.load() is None
    assert SECRET not in caplog.text


@pytest.mark.parametrize("text", ["", "  ", "a b", "hf_ü", "x" * 5000])
def test_what_cannot_be_a_token_is_refused(ring: MemoryRing, text: str) -> None:
    with pytest.raises(ValueError, match="token"):
        TokenStore().save(text)
    assert ring.kept == {}
