"""How many threads llama.cpp's programs use by default (common/common.cpp), and their priority.

The number of threads changes the order of floating-point sums and so the tokens; counting as
llama.cpp does makes runs comparable with its programs: physical cores, without the efficiency cores
of hybrid processors.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

# Rounds that a thread of OpenMP's GNU library spins at a barrier before it sleeps. The library's
# own 300,000 take 20 ms on a processor with long pauses: where another program takes the core that
# everyone waits for, all that time is burnt at every barrier, of which a token has some 300. Quiet,
# a wait is over within this many rounds, so that nobody sleeps.
_SPINS = "20000"
_NICENESS = {-1: 5, 1: -5, 2: -10, 3: -20}


@dataclass(frozen=True)
class Processor:
    """What a system tells of its processor: the seam that tests replace."""

    system: str = sys.platform
    machine: str = field(default_factory=platform.machine)
    sys_devices: Path = Path("/sys/devices")
    cpuset: Path = Path("/sys/fs/cgroup/cpuset.cpus.effective")

    def siblings(self) -> list[str]:
        """The hyperthreads that share a core, for each logical one up to the first gap (Linux)."""
        found: list[str] = []
        for cpu in range(4096):
            place = self.sys_devices / "system" / "cpu" / f"cpu{cpu}" / "topology"
            try:
                found.append((place / "thread_siblings").read_text().strip())
            except OSError:
                break
        return found

    def efficiency_cpus(self) -> frozenset[int]:
        """Numbers of the logical processors on efficiency cores; empty where all are alike."""
        try:
            return _cpu_list((self.sys_devices / "cpu_atom" / "cpus").read_text())
        except (OSError, ValueError):
            return frozenset()

    def logical(self) -> int:
        """Logical processors; 0 where the system does not say."""
        return os.cpu_count() or 0

    def physical(self) -> int:
        """Physical cores as the system counts them; 0 where it does not."""
        return int(psutil.cpu_count(logical=False) or 0)

    def sysctl(self, name: str) -> int:
        """One number of macOS's `sysctl`; 0 where there is none of this name."""
        value, size = ctypes.c_int32(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int32))
        try:
            call = ctypes.CDLL(None).sysctlbyname
        except (AttributeError, OSError, TypeError):
            return 0
        found = call(name.encode(), ctypes.byref(value), ctypes.byref(size), None, 0)
        return value.value if found == 0 else 0

    def may_use(self, cpu: int) -> bool:
        """Whether a thread of this program may be bound to this logical processor (its cpuset)."""
        try:
            allowed = _cpu_list(self.cpuset.read_text())
        except (OSError, ValueError):
            return True
        return cpu in allowed


def default_threads(processor: Processor | None = None) -> int:
    """llama.cpp's `common_cpu_get_num_math`: its programs' number of threads without `-t`."""
    processor = processor or Processor()
    if processor.system.startswith("linux") and processor.machine == "x86_64":
        return _performance_cores(processor) or _physical_cores(processor)
    if processor.machine.startswith(("ppc", "powerpc")):
        cores, logical = _physical_cores(processor), processor.logical()
        return cores * min(max(logical // cores, 1), 2)
    return _physical_cores(processor)


def _performance_cores(processor: Processor) -> int:
    """The performance cores of a hybrid processor; 0 where it is none, or not all can be used."""
    efficient = processor.efficiency_cpus()
    if not efficient:
        return 0
    found, cpu, logical = 0, 0, processor.logical()
    while cpu < logical:
        if not processor.may_use(cpu):
            return 0
        if cpu not in efficient:
            found += 1
            cpu += 1  # the next one is its second hyperthread
        cpu += 1
    return found


def _physical_cores(processor: Processor) -> int:
    """llama.cpp's `common_cpu_get_num_physical_cores`."""
    found = 0
    if processor.system.startswith("linux"):
        found = len(set(processor.siblings()))
    elif processor.system == "darwin":
        found = processor.sysctl("hw.perflevel0.physicalcpu")
        found = found or processor.sysctl("hw.physicalcpu")
    elif processor.system == "win32":
        found = processor.physical()
    if found > 0:
        return found
    logical = processor.logical() or 4
    return logical if logical <= 4 else logical // 2


def _cpu_list(text: str) -> frozenset[int]:
    """The numbers of a list such as ``0-3,8``."""
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def limit_spinning(environment: MutableMapping[str, str]) -> None:
    """Let native threads that wait for each other sleep soon; before the library is loaded.

    What the user has set for OpenMP stays. No sum changes its order, so the tokens do not change.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", _SPINS)


class OtherPrograms:
    """How much of the processor other programs use, over the whole machine."""

    def __init__(self) -> None:
        self._before = self._now()

    def cores(self) -> float:
        """Cores that they have used since the last call, on average; 0 where it is not known."""
        now, before = self._now(), self._before
        self._before = now
        seconds = now[0] - before[0]
        return max(now[1] - before[1], 0.0) / seconds if seconds > 0 else 0.0

    @staticmethod
    def _now() -> tuple[float, float]:
        """The time, and the seconds that all processors have worked for others."""
        try:
            times = psutil.cpu_times()
        except (OSError, RuntimeError):
            return time.perf_counter(), 0.0
        idle = times.idle + getattr(times, "iowait", 0.0)
        # A guest's time is in the user's already, and stolen time is no program of this machine's.
        counted_twice = sum(getattr(times, name, 0.0) for name in ("guest", "guest_nice", "steal"))
        worked = sum(times) - idle - counted_twice
        return time.perf_counter(), worked - time.process_time()


def most_threads() -> int:
    """How many threads this machine runs at once; more of them only wait for each other."""
    return os.cpu_count() or 4


def set_priority(level: int) -> str:
    """Raise or lower the calling thread's priority as llama.cpp's --prio does; never fails.

    Only Linux has a priority for each thread: elsewhere the same call would slow down or speed up
    the whole program, the window included. Raising it, also back from low to normal, needs a right
    that most users do not have; then everything stays as it is.

    Args:
        level: -1 low, 0 normal, 1 medium, 2 high, 3 realtime.

    Returns:
        A sentence when the priority is not what was asked for, else "".
    """
    if not sys.platform.startswith("linux"):
        return "The priority has no effect on this system." if level else ""
    try:
        # What the program was started with is normal.
        asked = _NICENESS[level] if level else os.getpriority(os.PRIO_PROCESS, os.getpid())
        if os.getpriority(os.PRIO_PROCESS, 0) != asked:
            os.setpriority(os.PRIO_PROCESS, 0, asked)
    except OSError:
        if level > 0:
            return "The system does not let this user raise the priority."
        return "The priority stays low until the program is started again."
    return ""
