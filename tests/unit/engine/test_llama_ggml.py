"""ggml's functions are found whichever library has them; other libraries are refused in words."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from qwqdesk.engine.llama_defaults import (
    CONTEXT_DEFAULTS,
    MODEL_DEFAULTS,
    require_known_defaults,
)
from qwqdesk.engine.llama_ggml import Ggml
from qwqdesk.errors import UserError

GIB = 1 << 30


class Exported:
    """A library that exports some functions, as GetProcAddress sees them: its own and no others."""

    def __init__(self, **functions: Callable[..., Any]) -> None:
        for name, function in functions.items():
            setattr(self, name, _Function(function))


class _Function:
    restype: Any = None
    argtypes: Any = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        assert self.argtypes is not None, "called before its arguments were declared"
        return self._function(*arguments)


NAMES = {1: b"CPU", 2: b"CUDA0", 3: b"Vulkan1"}
KINDS = {1: 0, 2: 1, 3: 2}


def _properties(device: int, into: Any) -> None:
    found = into._obj
    found.name, found.description = NAMES[device], NAMES[device].lower()
    found.memory_free, found.memory_total, found.type = device * GIB, 10 * GIB, KINDS[device]
    found.device_id = b"0000:01:00.0" if device == 2 else None


IN_GGML: dict[str, Callable[..., Any]] = {
    "ggml_backend_dev_count": lambda: 3,
    "ggml_backend_dev_get": lambda index: index + 1,
}
IN_BASE: dict[str, Callable[..., Any]] = {
    "ggml_backend_dev_name": lambda device: NAMES[device],
    "ggml_backend_dev_type": lambda device: KINDS[device],
    "ggml_backend_dev_get_props": _properties,
    "ggml_backend_dev_buffer_type": lambda device: 100 + device,
    "ggml_backend_buft_name": lambda buffer_type: NAMES[buffer_type - 100],
    "ggml_backend_cpu_buffer_type": lambda: 101,
}


@pytest.mark.parametrize(
    "libraries",
    [
        (Exported(**IN_GGML), Exported(**IN_BASE)),
        (Exported(**IN_BASE), Exported(**IN_GGML)),
        (Exported(), Exported(**IN_GGML, **IN_BASE)),
        (Exported(**IN_GGML, **IN_BASE),),
    ],
    ids=["as on Windows", "the other way round", "all in llama", "one library"],
)
def test_devices_are_found_in_whichever_library_has_the_function(libraries: Any) -> None:
    ggml = Ggml(libraries)
    devices = ggml.devices()
    assert [(each.name, each.kind, each.free) for each in devices] == [
        ("CPU", "cpu", GIB),
        ("CUDA0", "gpu", 2 * GIB),
        ("Vulkan1", "igpu", 3 * GIB),
    ]
    assert [each.device_id for each in devices] == ["", "0000:01:00.0", ""]
    assert ggml.device_handles() == {"CUDA0": 2, "Vulkan1": 3}
    assert ggml.buffer_types() == {"CPU": 101, "CUDA0": 102, "Vulkan1": 103}
    assert ggml.cpu_buffer_type() == 101


def test_a_function_that_no_library_has_is_named() -> None:
    with pytest.raises(UserError, match="ggml_backend_dev_get_props"):
        Ggml([Exported(**IN_GGML)]).devices()


# ------------------------------------------------------------ the known defaults


def _structure(name: str, defaults: dict[str, Any]) -> Any:
    kinds = {bool: ctypes.c_bool, int: ctypes.c_int32, float: ctypes.c_float}
    fields = [(key, kinds.get(type(value), ctypes.c_void_p)) for key, value in defaults.items()]
    structure: Any = type(name, (ctypes.Structure,), {"_fields_": fields})
    return structure(*defaults.values())


class Api:
    """llama-cpp-python with these defaults."""

    def __init__(self, model: dict[str, Any], context: dict[str, Any]) -> None:
        self._model, self._context = model, context

    def llama_model_default_params(self) -> Any:
        return _structure("model", self._model)

    def llama_context_default_params(self) -> Any:
        return _structure("context", self._context)


MODEL, CONTEXT = dict(MODEL_DEFAULTS), dict(CONTEXT_DEFAULTS)


def test_the_known_defaults_pass() -> None:
    require_known_defaults(Api(MODEL, CONTEXT), "0.3.36")


@pytest.mark.parametrize(
    ("model", "context", "why"),
    [
        ({**MODEL, "split_mode": 2}, CONTEXT, "split_mode is 2, not 1"),
        ({**MODEL, "devices": 1}, CONTEXT, "devices is 1, not empty"),
        (MODEL, {**CONTEXT, "rope_freq_base": 0.5}, "rope_freq_base is 0.5, not 0.0"),
        (MODEL, {**CONTEXT, "swa_full": False}, "swa_full is False, not True"),
        (MODEL, {**CONTEXT, "new_one": 0}, "unknown new_one"),
        ({key: MODEL[key] for key in MODEL if key != "load_mode"}, CONTEXT, "no load_mode"),
    ],
)
def test_another_llama_cpp_is_refused_in_words(
    model: dict[str, Any], context: dict[str, Any], why: str
) -> None:
    with pytest.raises(UserError, match=why) as caught:
        require_known_defaults(Api(model, context), "0.4.0")
    assert caught.value.code == "engine"
    assert "0.4.0" in caught.value.what


def test_a_library_without_the_functions_is_refused_in_words() -> None:
    with pytest.raises(UserError, match="llama_model_default_params is missing"):
        require_known_defaults(object(), "0.1.0")
