"""How much memory is free now, and which of the machine's devices llama.cpp would use of it."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Sequence

import psutil

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import EngineSettings, device_names, split_parts
from qwqdesk.models.memory import FreeMemory


def used_devices(
    devices: Iterable[DeviceMemory], settings: EngineSettings | None = None
) -> tuple[DeviceMemory, ...]:
    """The devices that llama.cpp puts layers on (`llama_prepare_model_devices`).

    A card that two backends see counts once. Integrated GPUs count only where there is no other
    GPU, and those of one backend only. The settings may name devices, or choose one of them.
    """
    asked = settings or EngineSettings()
    every = tuple(device for device in devices if device.kind != "cpu")
    names = device_names(asked.devices)
    if names:
        found = tuple(device for name in names for device in every if device.name == name)
    else:
        found = _by_default(every)
    if asked.split_mode == "none":
        found = found[asked.main_gpu : asked.main_gpu + 1]
    return found


def _by_default(every: Sequence[DeviceMemory]) -> tuple[DeviceMemory, ...]:
    discrete: list[DeviceMemory] = []
    for device in every:
        known = {each.device_id for each in discrete if each.device_id}
        if device.kind == "gpu" and device.device_id not in known:
            discrete.append(device)
    if any(_backend(device) != "RPC" for device in discrete):
        return tuple(discrete)
    integrated = [device for device in every if device.kind == "igpu"]
    first = [device for device in integrated if _backend(device) == _backend(integrated[0])]
    return (*discrete, *first)


def free_memory(
    devices: Iterable[DeviceMemory], settings: EngineSettings | None = None
) -> FreeMemory:
    """The machine's free memory and that of the GPUs that llama.cpp would use, in bytes.

    Where each GPU gets a part that the settings name, the first one that is full ends it.
    """
    used = used_devices(devices, settings)
    cpu = int(psutil.virtual_memory().available)
    gpu = sum(device.free for device in used)
    parts = split_parts(settings.tensor_split) if settings else ()
    if parts and used:
        each = (*parts, *(0.0,) * len(used))[: len(used)]
        limits = [device.free / part for device, part in zip(used, each, strict=True) if part > 0]
        gpu = int(min(limits) * sum(each)) if limits else 0
    if not used or not all(map(shares_memory, used)):
        return FreeMemory(cpu, gpu)
    # Two integrated GPUs see the same memory: what one has free is not twice there.
    return FreeMemory(cpu, min(gpu, cpu), shared=True)


def shares_memory(device: DeviceMemory) -> bool:
    """Whether the device has no memory of its own but uses the machine's."""
    if device.kind == "igpu":
        return True
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple and device.kind == "gpu" and _backend(device) in ("MTL", "Metal")


def whole_memory() -> int:
    """Bytes of memory that this machine has."""
    return int(psutil.virtual_memory().total)


def _backend(device: DeviceMemory) -> str:
    """CUDA of CUDA0, RPC of RPC0[192.168.0.2:50052]."""
    return re.split(r"[\d\[]", device.name, maxsplit=1)[0]
