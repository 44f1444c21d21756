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


class Priorities:
    """The system's priorities: of this thread, and of the program when it was started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, normal: int = 0) -> None:
        self.thread, self.normal, self.privileged = normal, normal, False
        monkeypatch.setattr("os.getpriority", self._get)
        monkeypatch.setattr("os.setpriority", self._set)
        monkeypatch.setattr("qwqdesk.engine.threads.sys.platform", "linux")

    def _get(self, _which: int, who: int) -> int:
        return self.normal if who else self.thread

    def _set(self, _which: int, who: int, value: int) -> None:
        assert who == 0, "only the calling thread"
        if value < self.thread and not self.privileged:
            raise PermissionError(13, "Permission denied")
        self.thread = value


def test_the_priority_goes_down_and_back_to_what_is_normal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = Priorities(monkeypatch, normal=3)  # started with nice
    system.privileged = True
    for level, nice in ((0, 3), (-1, 5), (0, 3), (2, -10), (1, -5), (0, 3), (3, -20)):
        assert threads.set_priority(level) == ""
        assert system.thread == nice


def test_a_priority_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Priorities(monkeypatch)
    assert threads.set_priority(0) == ""
    assert "raise" in threads.set_priority(2)
    assert threads.set_priority(-1) == ""
    assert "stays low" in threads.set_priority(0)
    assert system.thread == 5


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_where_it_is_the_whole_programs_it_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    priorities = Priorities(monkeypatch)
    monkeypatch.setattr("qwqdesk.engine.threads.sys.platform", system)
    assert "no effect" in threads.set_priority(-1)
    assert threads.set_priority(0) == ""
    assert priorities.thread == 0
