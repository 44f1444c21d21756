"""Threads are counted as llama.cpp's programs count them (common/common.cpp)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qwqdesk.engine import threads
from qwqdesk.engine.threads import Processor, default_threads


@dataclass(frozen=True)
class Machine(Processor):
    """A processor of another system; sysfs lies in `sys_devices`."""

    cpus: int = 8
    cores: int = 0
    numbers: Mapping[str, int] = field(default_factory=dict)

    def logical(self) -> int:
        return self.cpus

    def physical(self) -> int:
        return self.cores

    def sysctl(self, name: str) -> int:
        return self.numbers.get(name, 0)


def linux(
    folder: Path, siblings: list[str], *, atoms: str = "", machine: str = "x86_64"
) -> Machine:
    for number, mask in enumerate(siblings):
        if mask:
            place = folder / "system" / "cpu" / f"cpu{number}" / "topology"
            place.mkdir(parents=True)
            (place / "thread_siblings").write_text(mask + "\n")
    if atoms:
        (folder / "cpu_atom").mkdir()
        (folder / "cpu_atom" / "cpus").write_text(atoms + "\n")
    cpuset = folder / "cpuset"
    return Machine("linux", machine, folder, cpuset, cpus=len(siblings))


def test_hyperthreads_of_one_core_count_once(tmp_path: Path) -> None:
    assert default_threads(linux(tmp_path, ["05", "0a", "05", "0a"])) == 2


def test_counting_stops_at_the_first_gap(tmp_path: Path) -> None:
    assert default_threads(linux(tmp_path, ["1", "2", "", "8"])) == 2


# 2 performance cores with 2 hyperthreads each (0-3), and 4 efficiency cores (4-7).
HYBRID = ["03", "03", "0c", "0c", "10", "20", "40", "80"]


def test_efficiency_cores_of_a_hybrid_processor_do_not_count(tmp_path: Path) -> None:
    assert default_threads(linux(tmp_path, HYBRID, atoms="4-7")) == 2


def test_a_list_of_efficiency_cores_may_have_gaps(tmp_path: Path) -> None:
    siblings = ["03", "03", "04", "18", "18", "20"]
    assert default_threads(linux(tmp_path, siblings, atoms="2,5")) == 2


def test_a_hybrid_processor_of_which_not_all_may_be_used_counts_all_cores(tmp_path: Path) -> None:
    # llama.cpp binds itself to one after another, and where that fails it counts as elsewhere.
    machine = linux(tmp_path, HYBRID, atoms="4-7")
    machine.cpuset.write_text("0-5\n")
    assert default_threads(machine) == 6


def test_only_on_intel_are_cores_told_apart(tmp_path: Path) -> None:
    assert default_threads(linux(tmp_path, HYBRID, atoms="4-7", machine="aarch64")) == 6


def test_two_hyperthreads_of_a_power_core_count(tmp_path: Path) -> None:
    assert default_threads(linux(tmp_path, ["ff"] * 8, machine="ppc64le")) == 2


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"hw.perflevel0.physicalcpu": 4, "hw.physicalcpu": 8}, 4),
        ({"hw.physicalcpu": 6}, 6),
        ({}, 5),
    ],
)
def test_apple_counts_its_performance_cores(numbers: dict[str, int], expected: int) -> None:
    assert default_threads(Machine("darwin", "arm64", cpus=10, numbers=numbers)) == expected


@pytest.mark.parametrize(("cores", "logical", "expected"), [(6, 12, 6), (0, 3, 3), (0, 16, 8)])
def test_windows_counts_physical_cores_or_half_of_many(
    cores: int, logical: int, expected: int
) -> None:
    assert default_threads(Machine("win32", "AMD64", cpus=logical, cores=cores)) == expected


def test_an_unknown_system_has_half_of_many(tmp_path: Path) -> None:
    assert default_threads(Machine("freebsd14", "amd64", tmp_path, cpus=16, cores=12)) == 8
    assert default_threads(Machine("freebsd14", "amd64", tmp_path, cpus=0)) == 4


def test_this_machine_can_be_counted() -> None:
    assert 1 <= default_threads() <= threads.most_threads()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"GOMP_SPINCOUNT": "20000"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "active"}),
    ],
)
def test_waiting_threads_sleep_soon_unless_the_user_said_otherwise(
    before: dict[str, str], after: dict[str, str]
) -> None:
    environment = dict(before)
    threads.limit_spinning(environment)
    assert environment == after


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
