"""Exports on disk: whole or not at all, and never over something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.exports.files import file_stem
from qwqdesk.exports.writing import write_file, write_new_folder


def test_a_file_is_written_whole_and_replaces_an_older_one(tmp_path: Path) -> None:
    place = tmp_path / "a.md"
    write_file(place, "old")
    write_file(place, "new \udc80 text\r\n")
    assert place.read_bytes() == b"new ? text\r\n"
    assert list(tmp_path.iterdir()) == [place]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.md").mkdir()
    with pytest.raises(UserError, match="was not written") as caught:
        write_file(tmp_path / "a.md", "text")
    assert caught.value.code == "disk"
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def test_a_new_folder_never_takes_an_old_ones_place(tmp_path: Path) -> None:
    first = write_new_folder(tmp_path, "run", {"a.txt": "1"})
    second = write_new_folder(tmp_path, "run", {"a.txt": "2"})
    assert (first.name, second.name) == ("run", "run-2")
    assert (first / "a.txt").read_text() == "1"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Choose another place"):
        write_new_folder(tmp_path / "none", "run", {})


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Flappy Bird: order and penalty", "Flappy_Bird_order_and_penalty"),
        ("../../etc/passwd", "etc_passwd"),
        ("con", "lane_con"),
        ("???", "comparison"),
    ],
)
def test_a_title_becomes_a_safe_name(title: str, stem: str) -> None:
    assert file_stem(title) == stem
