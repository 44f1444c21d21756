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
from qwqdesk.engine.threads import limit_spinning
from qwqdesk.errors import UserError

_log = logging.getLogger("qwqdesk.llama")

# enum ggml_log_level (ggml.h)
_LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}
_CONTINUES = 5


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
    _errors: ClassVar[deque[str]] = deque(maxlen=50)
    _callbacks: ClassVar[list[object]] = []

    def __init__(self) -> None:
        # At a crash ggml would start a debugger, which writes on standard output.
        os.environ.setdefault("GGML_NO_BACKTRACE", "1")
        limit_spinning(os.environ)
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
        continues = level == _CONTINUES
        if not continues:
            self._last_level = _LEVELS.get(level, logging.DEBUG)
        if not line.strip(" ."):
            return
        self.messages.append(line)
        if self._last_level >= logging.WARNING:
            _log.info("%s", line)
        if self._last_level >= logging.ERROR:
            if continues and self._errors:
                self._errors[-1] += line
            elif len(self._errors) < (self._errors.maxlen or 0):  # the first ones say why
                self._errors.append(line)

    def begin_log(self) -> None:
        """Forget what the native log said so far: what comes is about the next call."""
        self.messages.clear()
        self._errors.clear()

    def forget_errors(self) -> None:
        """The errors so far belong to calls that are over; cheap enough for each token."""
        if self._errors:
            self._errors.clear()

    def errors(self) -> tuple[str, ...]:
        """The lines of the native log that llama.cpp itself calls errors, in their order.

        The first ones say why, the later ones that the whole has failed.
        """
        return tuple(self._errors)

    def system_info(self) -> str:
        """The build's CPU features and backends, as llama.cpp prints them."""
        return str(self.api.llama_print_system_info().decode("utf-8", "replace")).strip()

    def devices(self) -> tuple[DeviceMemory, ...]:
        """Every backend device with its free and total memory in bytes."""
        return self.ggml.devices()
