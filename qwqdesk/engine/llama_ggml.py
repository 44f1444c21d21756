"""ggml's devices and buffer types, in whichever of the loaded libraries they are.

A build spreads its functions over several libraries (`ggml_backend_dev_get` is in ggml,
`ggml_backend_dev_name` in ggml-base), or over one. On Linux and macOS a lookup in one library also
finds what the libraries it depends on have; on Windows it does not.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.errors import UserError


class DeviceCapabilities(ctypes.Structure):
    """`ggml_backend_dev_caps`."""

    _fields_: ClassVar = [
        (name, ctypes.c_bool)
        for name in ("async", "host_buffer", "buffer_from_host_ptr", "events", "mmap_support")
    ]


class DeviceProperties(ctypes.Structure):
    """`ggml_backend_dev_props`."""

    _fields_: ClassVar = [
        ("name", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("memory_free", ctypes.c_size_t),
        ("memory_total", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("device_id", ctypes.c_char_p),
        ("caps", DeviceCapabilities),
    ]


_DEVICE_KINDS: tuple[Literal["cpu", "gpu", "igpu", "accel"], ...] = ("cpu", "gpu", "igpu", "accel")


class _GgufInitParams(ctypes.Structure):
    """`gguf_init_params`."""

    _fields_: ClassVar = [("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p)]


# Result and arguments of what is called here, from ggml-backend.h.
_SIGNATURES: Final[Mapping[str, tuple[Any, list[Any]]]] = {
    "ggml_backend_dev_count": (ctypes.c_size_t, []),
    "ggml_backend_dev_get": (ctypes.c_void_p, [ctypes.c_size_t]),
    "ggml_backend_dev_name": (ctypes.c_char_p, [ctypes.c_void_p]),
    "ggml_backend_dev_type": (ctypes.c_int, [ctypes.c_void_p]),
    "ggml_backend_dev_get_props": (None, [ctypes.c_void_p, ctypes.POINTER(DeviceProperties)]),
    "ggml_backend_dev_buffer_type": (ctypes.c_void_p, [ctypes.c_void_p]),
    "ggml_backend_buft_name": (ctypes.c_char_p, [ctypes.c_void_p]),
    "ggml_backend_cpu_buffer_type": (ctypes.c_void_p, []),
    "ggml_backend_cpu_buffer_from_ptr": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t]),
    "ggml_backend_buffer_free": (None, [ctypes.c_void_p]),
    # From gguf.h.
    "gguf_init_from_file": (ctypes.c_void_p, [ctypes.c_char_p, _GgufInitParams]),
    "gguf_free": (None, [ctypes.c_void_p]),
    "gguf_get_n_tensors": (ctypes.c_int64, [ctypes.c_void_p]),
    "gguf_get_data_offset": (ctypes.c_size_t, [ctypes.c_void_p]),
    "gguf_get_tensor_offset": (ctypes.c_size_t, [ctypes.c_void_p, ctypes.c_int64]),
    "gguf_get_tensor_size": (ctypes.c_size_t, [ctypes.c_void_p, ctypes.c_int64]),
}


class Ggml:
    """The functions of ggml that llama-cpp-python does not declare.

    Args:
        libraries: loaded libraries, the likeliest first.
    """

    def __init__(self, libraries: Sequence[Any]) -> None:
        self._libraries = tuple(libraries)
        self._found: dict[str, Any] = {}

    def devices(self) -> tuple[DeviceMemory, ...]:
        """Every backend device with its free and total memory in bytes.

        Raises:
            UserError: code "engine", for a function that no library has.
        """
        return tuple(self._memory(handle) for handle in self._handles())

    def device_handles(self) -> dict[str, int]:
        """The native handle of each device that is not the CPU, by its name."""
        return {
            self._text("ggml_backend_dev_name", handle): handle
            for handle in self._handles()
            if self._call("ggml_backend_dev_type", handle) != 0
        }

    def buffer_types(self) -> dict[str, int]:
        """The native buffer type of each device by its name, as `--override-tensor` names them."""
        found: dict[str, int] = {}
        for handle in self._handles():
            buffer_type = self._call("ggml_backend_dev_buffer_type", handle)
            if buffer_type:
                found[self._text("ggml_backend_buft_name", buffer_type)] = buffer_type
        return found

    def cpu_buffer_type(self) -> int:
        """The native buffer type of the machine's memory."""
        return int(self._call("ggml_backend_cpu_buffer_type"))

    def use_mapped(self, path: Path) -> None:
        """Map a file and make a buffer at each tensor's place, as a load does; reads no weights.

        A place that ggml's buffers cannot have ends the process: only for a child.
        """
        import numpy  # only a trial's child needs it here

        gguf = self._call("gguf_init_from_file", os.fsencode(path), _GgufInitParams(True, None))
        if not gguf:
            return
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
            view = numpy.frombuffer(held, numpy.uint8)
            begin = view.ctypes.data + self._call("gguf_get_data_offset", gguf)
            for number in range(self._call("gguf_get_n_tensors", gguf)):
                place = begin + self._call("gguf_get_tensor_offset", gguf, number)
                size = self._call("gguf_get_tensor_size", gguf, number)
                buffer = self._call("ggml_backend_cpu_buffer_from_ptr", place, size)
                self._call("ggml_backend_buffer_free", buffer)
            del view  # it holds the mapping
        self._call("gguf_free", gguf)

    def _handles(self) -> Iterator[int]:
        for index in range(self._call("ggml_backend_dev_count")):
            yield self._call("ggml_backend_dev_get", index)

    def _memory(self, device: int) -> DeviceMemory:
        found = DeviceProperties()
        self._call("ggml_backend_dev_get_props", device, ctypes.byref(found))
        return DeviceMemory(
            name=_decoded(found.name),
            description=_decoded(found.description),
            kind=_DEVICE_KINDS[found.type] if 0 <= found.type < len(_DEVICE_KINDS) else "accel",
            free=found.memory_free,
            total=found.memory_total,
            device_id=_decoded(found.device_id),
        )

    def _text(self, name: str, handle: int) -> str:
        return _decoded(self._call(name, handle))

    def _call(self, name: str, *arguments: Any) -> Any:
        function = self._found.get(name)
        if function is None:
            function = self._found[name] = self._function(name)
        return function(*arguments)

    def _function(self, name: str) -> Any:
        for library in self._libraries:
            function = getattr(library, name, None)
            if function is not None:
                function.restype, function.argtypes = _SIGNATURES[name]
                return function
        raise UserError(
            f"This build of llama.cpp has no function {name}.",
            "Install it again with: uv sync --reinstall-package llama-cpp-python",
            code="engine",
        )


def _decoded(text: bytes | None) -> str:
    return (text or b"").decode("utf-8", "replace")


def loaded_libraries() -> tuple[Any, ...]:
    """The libraries of llama-cpp-python's build that may have ggml's functions.

    A build without separate ggml libraries has all of them in llama itself.
    """
    package = import_module("llama_cpp.llama_cpp")
    extensions = import_module("llama_cpp._ctypes_extensions")
    folder = Path(str(package.__file__)).absolute().parent / "lib"
    found = []
    for name in ("ggml", "ggml-base"):
        with contextlib.suppress(OSError, RuntimeError):  # what is loaded already is only looked up
            found.append(extensions.load_shared_library(name, folder))
    return (*found, package._lib)
