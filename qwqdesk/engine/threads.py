"""How many threads llama.cpp's programs use by default (common/common.cpp): physical cores.

The number of threads changes the order of floating-point sums and so the tokens; counting as
llama.cpp does makes runs comparable with its programs.
"""

from __future__ import annotations

import os
import sys
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
