"""How many threads llama.cpp's programs use by default (common/common.cpp): physical cores.

The number of threads changes the order of floating-point sums and so the tokens; counting as
llama.cpp does makes runs comparable with its programs.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil


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
