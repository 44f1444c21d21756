"""Whether a repository's quantizations fit: one header by Range, and this machine's free memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.free_memory import free_memory
from qwqdesk.models.fit import Fit, FreeMemory, fit, scaled
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_files import Quantization, Repository
from qwqdesk.models.hub_http import StopSwitch, Waits
from qwqdesk.models.shape import ModelShape, model_shape
from qwqdesk.new_engine import new_engine
from qwqdesk.paths import DataDirs

HEADERS_AT_MOST = 6
HEADER_WAITS = Waits(connect=5.0, read=5.0)
HEADERS_TIME = 15.0


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
    stop = StopSwitch()
    timer = threading.Timer(HEADERS_TIME, stop.throw)
    timer.daemon = True
    timer.start()
    try:
        shapes = _shapes(reader, found, stop)
    finally:
        timer.cancel()
    result: dict[str, Fit] = {}
    for row in found.quantizations:
        shape = shapes.get(_model_of(row))
        if shape is not None:
            result[row.label] = fit(scaled(shape, row.size_bytes), free.answer(), settings)
    return result


def _shapes(hub: Hub, found: Repository, stop: StopSwitch) -> Mapping[str, ModelShape]:
    """The shape of each model in a repository, from its smallest whole file."""
    shapes: dict[str, ModelShape] = {}
    asked: set[str] = set()
    for row in sorted(found.quantizations, key=lambda row: len(row.files)):
        kind = _model_of(row)
        if kind in asked or len(asked) >= HEADERS_AT_MOST:
            continue
        asked.add(kind)
        try:
            shape = model_shape(hub.header(found.repo, found.commit, row.files[0], stop))
        except Stopped:
            break
        except UserError as error:
            if error.code in ("network", "timeout"):  # the next one would wait as long
                break
            continue
        if shape.block_count:
            shapes[kind] = shape
    return shapes


def _model_of(row: Quantization) -> str:
    """Rows that differ only in their label are the same model."""
    name = row.stem.rpartition("/")[2].lower()
    label = row.label.lower()
    return name.replace(label, "").replace(label.replace("ud-", ""), "").strip("-_.")
