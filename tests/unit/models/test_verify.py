"""The checksum that follows a growing file."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from qwqdesk.models.verify import FOLLOWED, FollowingDigest

DATA = random.Random(3).randbytes(3 * FOLLOWED + 12_345)


def _wait(digest: FollowingDigest) -> None:
    for _ in range(200):
        if digest.wait(0.05):
            return
    raise AssertionError("it is not read")


def test_it_follows_the_writer_and_knows_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA[:1000])
    digest = FollowingDigest(path, len(DATA), git=True)
    digest.grow(1000)
    with path.open("ab", buffering=0) as file:
        for at in range(1000, len(DATA), 700_001):
            file.write(DATA[at : at + 700_001])
            digest.grow(file.tell())
    _wait(digest)
    found = digest.result()
    assert found.sha256 == hashlib.sha256(DATA).hexdigest()
    head = b"blob %d\0" % len(DATA)
    assert found.git == hashlib.sha1(head + DATA, usedforsecurity=False).hexdigest()


def test_an_empty_file_has_a_checksum_too(tmp_path: Path) -> None:
    digest = FollowingDigest(tmp_path / "none", 0)
    digest.grow(0)
    assert digest.wait(0.1)
    assert digest.result().sha256 == hashlib.sha256().hexdigest()


def test_a_file_that_shrank_or_went_is_an_error_not_a_hang(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    for wanted, file in ((10, path), (10, tmp_path / "none")):
        digest = FollowingDigest(file, 10)
        digest.grow(wanted)
        with pytest.raises(OSError, match=r"shorter|No such"):
            _wait(digest)
        digest.close()


def test_it_can_be_left_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    digest = FollowingDigest(path, len(DATA))
    digest.grow(len(DATA))
    digest.close()
    digest.close()
