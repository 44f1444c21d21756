"""How many threads llama.cpp's programs use by default (common/common.cpp): physical cores.

The number of threads changes the order of floating-point sums and so the tokens; counting as
llama.cpp does makes runs comparable with its programs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

_NICENESS = {-1: 5, 1: -5, 2: -10, 3: -20}


def default_threads(sys_cpu: Path = Path("/sys/devices/system/cpu")) -> int:
    """Physical cores; where they cannot be counted, all of up to 4 cores, else half of them."""
    siblings = _thread_siblings(sys_cpu)
    if siblings:
        return len(siblings)
    physical = psutil.cpu_count(logical=False)
    if physical:
        return int(physical)
    logical = os.cpu_count() or 4
    return logical if logical <= 4 else logical // 2


def most_threads() -> int:
    """How many threads this machine runs at once; more of them only wait for each other."""
    return os.cpu_count() or 4


def set_priority(level: int) -> None:
    """Raise or lower the calling thread's priority as llama.cpp's --prio does; never fails.

    `level`: -1 low, 0 normal, 1 medium, 2 high, 3 realtime. Raising it needs a right that most
    users do not have; then everything stays as it is.
    """
    if level != 0 and hasattr(os, "setpriority"):
        with suppress(OSError, KeyError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICENESS[level])


def _thread_siblings(sys_cpu: Path) -> set[str]:
    """One entry for each physical core (Linux); empty elsewhere. Stops at the first gap."""
    found: set[str] = set()
    for cpu in range(4096):
        try:
            text = (sys_cpu / f"cpu{cpu}" / "topology" / "thread_siblings").read_text()
        except OSError:
            break
        found.add(text.strip())
    return found
