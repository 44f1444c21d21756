"""A file is replaced as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwqdesk.whole_file import write_whole


def test_text_and_bytes_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    write_whole(path, "größer")
    assert path.read_text(encoding="utf-8") == "größer"
    write_whole(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert list(path.parent.iterdir()) == [path]
    write_whole(path, "half \udc80 a pair\r\n")
    assert path.read_bytes() == b"half ? a pair\r\n"


@pytest.mark.skipif(os.name == "nt", reason="rights are not numbers there")
def test_the_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "file.json", "text")
    assert (tmp_path / "file.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_cannot_be_written_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    write_whole(path, "old")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qwqdesk.whole_file.os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


class Held:
    """A file that a virus scanner holds for the first so many tries."""

    def __init__(self, tries: int) -> None:
        self._left = tries
        self.waited: list[float] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand in for the system's renaming."""
        really = Path.replace

        def replace(source: Path, target: Path) -> Path:
            if self._left:
                self._left -= 1
                raise PermissionError(13, "The process cannot access the file")
            return really(source, target)

        monkeypatch.setattr("pathlib.Path.replace", replace)


@pytest.mark.parametrize("tries", [0, 1, 5, 11])
def test_on_windows_a_held_file_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    path, held = tmp_path / "file.json", Held(tries)
    path.write_text("old")
    monkeypatch.setattr("qwqdesk.whole_file.sys.platform", "win32")
    monkeypatch.setattr("qwqdesk.whole_file.time.sleep", held.waited.append)
    held.install(monkeypatch)
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert len(held.waited) == tries
    assert sum(held.waited) < 4, "nobody waits longer for a window"


def test_a_file_that_stays_held_is_an_error_and_leaves_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, held = tmp_path / "file.json", Held(10**6)
    path.write_text("old")
    held.install(monkeypatch)
    with pytest.raises(PermissionError):
        write_whole(path, "new")
    assert held.waited == [], "elsewhere it is a right that is missing, and waiting helps nobody"
    monkeypatch.setattr("qwqdesk.whole_file.sys.platform", "win32")
    monkeypatch.setattr("qwqdesk.whole_file.time.sleep", held.waited.append)
    with pytest.raises(PermissionError):
        write_whole(path, "new")
    assert sum(held.waited) > 2, "a scanner needs a second or two"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
