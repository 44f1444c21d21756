"""How much memory is free now, for the question whether a model that is not here yet would fit."""

from __future__ import annotations

from collections.abc import Iterable

import psutil

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.models.fit import FreeMemory


def free_memory(devices: Iterable[DeviceMemory]) -> FreeMemory:
    """The machine's free memory and that of its GPUs together."""
    gpu = sum(device.free for device in devices if device.kind in ("gpu", "igpu"))
    return FreeMemory(int(psutil.virtual_memory().available), int(gpu))


def whole_memory() -> int:
    """Bytes of memory that this machine has."""
    return int(psutil.virtual_memory().total)
