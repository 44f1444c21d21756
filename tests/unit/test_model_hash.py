"""Checksums of models: computed off the run, remembered, and never taken for another file's."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from qwqdesk.model_hash import ModelHashes, library_hash


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_known_after_it_was_computed_and_by_the_next_program(tmp_path: Path) -> None:
    models, file = tmp_path / "models", tmp_path / "elsewhere" / "m.gguf"
    models.mkdir()
    file.parent.mkdir()
    file.write_bytes(b"weights")
    hashes = ModelHashes(models)
    (before,) = hashes.known(file)
    assert (before.sha256, before.size_bytes) == (None, 7)
    assert hashes.compute(file)
    assert [f.sha256 for f in hashes.known(file)] == [sha(b"weights")]
    assert [f.sha256 for f in ModelHashes(models).known(file)] == [sha(b"weights")]


def test_a_changed_file_is_not_the_one_that_was_read(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    hashes = ModelHashes(tmp_path)
    hashes.compute(file)
    file.write_bytes(b"others!")
    os.utime(file, ns=(1, 1))
    assert hashes.known(file)[0].sha256 is None
    assert hashes.compute(file)
    assert hashes.known(file)[0].sha256 == sha(b"others!")


def test_all_shards_count(tmp_path: Path) -> None:
    files = [tmp_path / f"m-0000{n}-of-00002.gguf" for n in (1, 2)]
    for file in files:
        file.write_bytes(file.name.encode())
    hashes = ModelHashes(tmp_path)
    assert hashes.compute(files[0])
    assert [f.sha256 for f in hashes.known(files[0])] == [sha(f.name.encode()) for f in files]


def test_stopping_leaves_it_unknown(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    hashes = ModelHashes(tmp_path)
    assert not hashes.compute(file, lambda: True)
    assert hashes.known(file)[0].sha256 is None


def test_the_engines_libraries_have_one_checksum() -> None:
    first = library_hash()
    assert first is not None
    assert len(first) == 64
    assert first == library_hash()
