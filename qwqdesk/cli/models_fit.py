"""Whether a repository's quantizations fit: one header by Range, and this machine's free memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from qwqdesk.cli.lanes_job import new_engine
from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.free_memory import free_memory
from qwqdesk.models.fit import Fit, FreeMemory, fit, scaled
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_files import Quantization, Repository
from qwqdesk.models.hub_http import Waits
from qwqdesk.models.shape import ModelShape, model_shape
from qwqdesk.paths import DataDirs

HEADERS_AT_MOST = 6
HEADER_WAITS = Waits(connect=5.0, read=10.0)


class FreeMemoryQuestion:
    """Asks the engine's library for its devices on a thread: loading it takes half a second."""

    def __init__(self, dirs: DataDirs) -> None:
        self._dirs = dirs
        self._devices: tuple[DeviceMemory, ...] = ()
        self._free: FreeMemory | None = None
        self._thread = threading.Thread(target=self._ask, name="devices", daemon=True)
        self._thread.start()

    def answer(self) -> FreeMemory:
        """What is free now; without devices when the library cannot be loaded."""
        if self._free is None:
            self._thread.join(10)
            self._free = free_memory(self._devices)
        return self._free

    def _ask(self) -> None:
        engine = new_engine(self._dirs)
        try:
            stream = engine.devices()
            while (batch := stream.wait_batch()) is not None:
                for devices in batch:
                    self._devices = devices
        except UserError:
            return
        finally:
            engine.close()


def fits(
    hub: Hub, found: Repository, settings: EngineSettings, free: FreeMemoryQuestion
) -> Mapping[str, Fit]:
    """How each quantization fits, by label; those whose header cannot be read are left out."""
    reader = Hub(hub.site, HEADER_WAITS)
    shapes: dict[str, ModelShape | None] = {}
    result: dict[str, Fit] = {}
    for row in sorted(found.quantizations, key=lambda row: len(row.files)):
        kind = _model_of(row)
        if kind not in shapes and len(shapes) < HEADERS_AT_MOST:
            shapes[kind] = _shape(reader, found, row)
        shape = shapes.get(kind)
        if shape is not None:
            result[row.label] = fit(scaled(shape, row.size_bytes), free.answer(), settings)
    return result


def _model_of(row: Quantization) -> str:
    """Rows that differ only in their label are the same model."""
    name = row.stem.rpartition("/")[2].lower()
    label = row.label.lower()
    return name.replace(label, "").replace(label.replace("ud-", ""), "").strip("-_.")


def _shape(hub: Hub, found: Repository, row: Quantization) -> ModelShape | None:
    try:
        shape = model_shape(hub.header(found.repo, found.commit, row.files[0]))
    except UserError:
        return None
    return shape if shape.block_count else None
