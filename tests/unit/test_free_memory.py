"""Which devices count, and memory that two of them share counts once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.free_memory import free_memory, used_devices
from qwqdesk.models.memory import FreeMemory, MemoryEstimate

GIB = 1 << 30
CPU = DeviceMemory("CPU", "a processor", "cpu", 30 * GIB, 32 * GIB)
CARD = DeviceMemory("CUDA0", "a card", "gpu", 20 * GIB, 24 * GIB, "0000:01:00.0")
SECOND = DeviceMemory("CUDA1", "another card", "gpu", 10 * GIB, 12 * GIB, "0000:02:00.0")
CARD_TWICE = DeviceMemory("Vulkan0", "a card", "gpu", 20 * GIB, 24 * GIB, "0000:01:00.0")
IGPU = DeviceMemory("Vulkan1", "graphics", "igpu", 14 * GIB, 16 * GIB)
IGPU_TWICE = DeviceMemory("SYCL0", "graphics", "igpu", 14 * GIB, 16 * GIB)
REMOTE = DeviceMemory("RPC0[10.0.0.2:50052]", "elsewhere", "gpu", 8 * GIB, 8 * GIB)
METAL = DeviceMemory("MTL0", "Apple M3", "gpu", 20 * GIB, 24 * GIB)
BLAS = DeviceMemory("BLAS", "Accelerate", "accel", 0, 0)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SimpleNamespace(available=16 * GIB, total=32 * GIB)
    monkeypatch.setattr("qwqdesk.free_memory.psutil.virtual_memory", lambda: memory)


@pytest.mark.parametrize(
    ("devices", "names"),
    [
        ((CPU,), []),
        ((CPU, BLAS), []),
        ((CPU, CARD, SECOND), ["CUDA0", "CUDA1"]),
        ((CPU, CARD, CARD_TWICE), ["CUDA0"]),
        ((CPU, IGPU, CARD), ["CUDA0"]),
        ((CPU, IGPU), ["Vulkan1"]),
        ((CPU, IGPU, IGPU_TWICE), ["Vulkan1"]),
        ((CPU, REMOTE, IGPU), ["RPC0[10.0.0.2:50052]", "Vulkan1"]),
        ((CPU, REMOTE, IGPU, CARD), ["RPC0[10.0.0.2:50052]", "CUDA0"]),
        ((CPU, METAL, BLAS), ["MTL0"]),
    ],
)
def test_the_devices_that_llama_cpp_uses(
    devices: tuple[DeviceMemory, ...], names: list[str]
) -> None:
    assert [device.name for device in used_devices(devices)] == names


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ((CPU,), FreeMemory(16 * GIB)),
        ((CPU, CARD, SECOND), FreeMemory(16 * GIB, 30 * GIB)),
        ((CPU, IGPU, CARD), FreeMemory(16 * GIB, 20 * GIB)),
        ((CPU, IGPU), FreeMemory(16 * GIB, 14 * GIB, shared=True)),
        ((CPU, REMOTE, IGPU), FreeMemory(16 * GIB, 22 * GIB)),
    ],
)
def test_free_memory(devices: tuple[DeviceMemory, ...], expected: FreeMemory) -> None:
    assert free_memory(devices) == expected


@pytest.mark.parametrize(
    ("settings", "names", "gpu"),
    [
        ({"devices": "none"}, [], 0),
        ({"devices": "CUDA1"}, ["CUDA1"], 10),
        ({"devices": "Vulkan1"}, ["Vulkan1"], 14),
        ({"devices": "CUDA1,CUDA0"}, ["CUDA1", "CUDA0"], 30),
        ({"split_mode": "none"}, ["CUDA0"], 20),
        ({"split_mode": "none", "main_gpu": 1}, ["CUDA1"], 10),
        ({"devices": "CUDA1,CUDA0", "split_mode": "none", "main_gpu": 1}, ["CUDA0"], 20),
        ({"tensor_split": "1,1"}, ["CUDA0", "CUDA1"], 20),
        ({"tensor_split": "3,1"}, ["CUDA0", "CUDA1"], 20 * 4 / 3),
        ({"tensor_split": "0,1"}, ["CUDA0", "CUDA1"], 10),
        ({"tensor_split": "1"}, ["CUDA0", "CUDA1"], 20),
    ],
)
def test_settings_choose_among_the_devices(
    settings: dict[str, Any], names: list[str], gpu: float
) -> None:
    asked = EngineSettings(**settings)
    devices = (CPU, CARD, SECOND, IGPU)
    assert [device.name for device in used_devices(devices, asked)] == names
    assert free_memory(devices, asked).gpu == int(gpu * GIB)


@pytest.mark.parametrize(
    ("system", "machine_name", "shared"),
    [("darwin", "arm64", True), ("darwin", "x86_64", False), ("linux", "aarch64", False)],
)
def test_on_apple_silicon_the_gpu_has_no_memory_of_its_own(
    monkeypatch: pytest.MonkeyPatch, system: str, machine_name: str, shared: bool
) -> None:
    monkeypatch.setattr("qwqdesk.free_memory.sys.platform", system)
    monkeypatch.setattr("qwqdesk.free_memory.platform.machine", lambda: machine_name)
    # The device says 20 GiB, but the machine has 16 GiB left for both.
    gpu = 16 * GIB if shared else 20 * GIB
    assert free_memory((CPU, METAL)) == FreeMemory(16 * GIB, gpu, shared=shared)


def test_shared_memory_must_hold_both_parts() -> None:
    needed = MemoryEstimate(4 * GIB, 10 * GIB, GIB, GIB, 0, 0)
    assert FreeMemory(6 * GIB, 12 * GIB).shortage(needed) is None
    assert FreeMemory(16 * GIB, 12 * GIB, shared=True).shortage(needed) is None
    assert FreeMemory(15 * GIB, 12 * GIB, shared=True).shortage(needed) == (
        "memory",
        16 * GIB,
        15 * GIB,
    )
    assert FreeMemory(16 * GIB, 10 * GIB, shared=True).shortage(needed) == (
        "GPU memory",
        11 * GIB,
        10 * GIB,
    )
    assert FreeMemory(16 * GIB, 12 * GIB, shared=True).total == 16 * GIB
    assert FreeMemory(16 * GIB, 12 * GIB).total == 28 * GIB
