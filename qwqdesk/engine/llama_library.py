"""llama-cpp-python, imported lazily on the engine's thread: the library, its log, its devices."""

from __future__ import annotations

import ctypes
import logging
import os
from collections import deque
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine.llama_defaults import require_known_defaults
from qwqdesk.engine.llama_ggml import Ggml, loaded_libraries
from qwqdesk.errors import UserError

_log = logging.getLogger("qwqdesk.llama")

_LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}

# Words of llama.cpp's own messages when something went wrong.
_FAILURES = (
    *("error", "failed", "unknown", "unsupported", "invalid", "not supported", "unable"),
    *("requires", "does not", "cannot", "not found", "wrong shape", "corrupted"),
)


@cache
def package_version() -> str:
    """The version of llama-cpp-python, without importing it."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import at start

    try:
        return version("llama-cpp-python")
    except PackageNotFoundError:
        return "not installed"


class LlamaLibrary:
    """The loaded native library.

    Raises:
        UserError: code "engine", when llama-cpp-python is missing, is another one than this program
            was written for, or its library cannot be loaded.
    """

    # The process has one native log: whoever set the callback last, every library reads it.
    messages: ClassVar[deque[str]] = deque(maxlen=400)
    _callbacks: ClassVar[list[object]] = []

    def __init__(self) -> None:
        # At a crash ggml would start a debugger, which writes on standard output.
        os.environ.setdefault("GGML_NO_BACKTRACE", "1")
        try:
            self.api: Any = import_module("llama_cpp")
            self.ggml = Ggml(loaded_libraries())
        except (ImportError, OSError, RuntimeError, AttributeError) as error:
            raise UserError(
                f"The inference engine could not be loaded: {error}.",
                "Install it again with: uv sync --reinstall-package llama-cpp-python",
                code="engine",
            ) from error
        require_known_defaults(self.api, package_version())
        self._last_level = logging.INFO
        callback = self.api.llama_log_callback(self._on_log)
        # llama.cpp keeps its pointer for ever, also when this library object is gone.
        self._callbacks.append(callback)
        self.api.llama_log_set(callback, ctypes.c_void_p(0))
        self.api.llama_backend_init()

    def _on_log(self, level: int, text: bytes, _user_data: object) -> None:
        line = text.decode("utf-8", "replace").rstrip("\n")
        if level != 5:  # 5 continues the previous line
            self._last_level = _LEVELS.get(level, logging.DEBUG)
        if line.strip(" ."):
            self.messages.append(line)
            if self._last_level >= logging.WARNING:
                _log.info("%s", line)

    def last_error(self) -> str:
        """The last line of the native log that speaks of a failure; empty if there is none."""
        for line in reversed(self.messages):
            text = line.split(": ", 1)[-1].removeprefix("error loading model: ")
            # The last lines only say that it failed; one before them says why.
            if "failed to load model" in text:
                continue
            if any(word in text.lower() for word in _FAILURES):
                return text.strip().rstrip(".")
        return ""

    def system_info(self) -> str:
        """The build's CPU features and backends, as llama.cpp prints them."""
        return str(self.api.llama_print_system_info().decode("utf-8", "replace")).strip()

    def devices(self) -> tuple[DeviceMemory, ...]:
        """Every backend device with its free and total memory in bytes."""
        return self.ggml.devices()
