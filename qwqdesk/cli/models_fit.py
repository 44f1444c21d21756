"""What `models files` asks this machine and the hub to say whether quantizations fit."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from qwqdesk import hub_fit
from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.free_memory import free_memory
from qwqdesk.models.fit import Fit, FreeMemory
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_files import Repository
from qwqdesk.new_engine import new_engine
from qwqdesk.paths import DataDirs


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
    shapes = hub_fit.read_headers(hub, found).shapes
    return hub_fit.fits(shapes, free.answer(), settings) if shapes else {}
