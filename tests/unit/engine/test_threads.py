"""Threads are counted as llama.cpp's programs count them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.engine import threads


def core(folder: Path, number: int, siblings: str) -> None:
    place = folder / f"cpu{number}" / "topology"
    place.mkdir(parents=True)
    (place / "thread_siblings").write_text(siblings + "\n")


def test_hyperthreads_of_one_core_count_once(tmp_path: Path) -> None:
    for number, siblings in enumerate(["05", "0a", "05", "0a"]):
        core(tmp_path, number, siblings)
    assert threads.default_threads(tmp_path) == 2


def test_counting_stops_at_the_first_gap(tmp_path: Path) -> None:
    for number in (0, 1, 3):
        core(tmp_path, number, str(1 << number))
    assert threads.default_threads(tmp_path) == 2


@pytest.mark.parametrize(
    ("physical", "logical", "expected"), [(6, 12, 6), (None, 3, 3), (None, 16, 8)]
)
def test_elsewhere_the_physical_cores_or_half_of_many(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    physical: int | None,
    logical: int,
    expected: int,
) -> None:
    monkeypatch.setattr("psutil.cpu_count", lambda **_: physical)
    monkeypatch.setattr("os.cpu_count", lambda: logical)
    assert threads.default_threads(tmp_path / "none") == expected
