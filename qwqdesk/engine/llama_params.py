"""EngineSettings to llama.cpp's parameter structures."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal, Protocol

from qwqdesk.engine_settings import (
    EngineSettings,
    OverrideValue,
    device_names,
    expert_patterns,
    split_parts,
    tensor_overrides,
)
from qwqdesk.errors import UserError
from qwqdesk.sampling.param import shown

# enum ggml_type (ggml.h): the types a KV cache may have.
_GGML_TYPES = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 6,
    "q5_1": 7,
    "q8_0": 8,
    "iq4_nl": 20,
    "bf16": 30,
}
_SPLIT = {"none": 0, "layer": 1, "row": 2, "tensor": 3}
_ROPE_SCALING = {"": -1, "none": 0, "linear": 1, "yarn": 2}
_FLASH = {"auto": -1, "off": 0, "on": 1}
# One token of each of four lanes must fit (a larger batch aborts the process); the same number for
# one lane, so that its chunks of a prompt, and with them its tokens, stay the same.
MIN_BATCH = 8
# enum llama_model_kv_override_type
_INT, _FLOAT, _BOOL, _STR = 0, 1, 2, 3


def cache_type_name(name: str) -> str:
    """The canonical (lower-case) name of a cache type."""
    return name.lower()


class TensorBufferOverride(ctypes.Structure):
    """`llama_model_tensor_buft_override`, which llama-cpp-python does not declare."""

    _fields_: ClassVar = [("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p)]


class Devices(Protocol):
    """What of ggml is asked for placing weights."""

    def device_handles(self) -> dict[str, int]: ...
    def buffer_types(self) -> dict[str, int]: ...
    def cpu_buffer_type(self) -> int: ...


def model_params(
    api: Any, settings: EngineSettings, ggml: Devices, *, use_extra_bufts: bool
) -> tuple[Any, object]:
    """`llama_model_params`, and what must stay alive until the model is freed.

    Raises:
        UserError: code "value", for a device or a buffer type that this machine does not have.
    """
    params = api.llama_model_default_params()
    params.n_gpu_layers = max(settings.n_gpu_layers, 0)
    params.use_extra_bufts = use_extra_bufts
    params.load_mode = _load_mode(api, settings)
    if not settings.use_mmap:  # else tensors of more than 4 GiB would be mapped all the same
        params.lazy_mode = api.LLAMA_LAZY_MODE_OFF
    overrides = _overrides(api, settings.override_kv)
    if overrides is not None:
        params.kv_overrides = overrides
    placement = _place(api, params, settings, ggml)
    return params, (overrides, placement)


def _place(api: Any, params: Any, settings: EngineSettings, ggml: Devices) -> object:
    """Say where the weights go; returns what the parameters point to."""
    params.split_mode = _SPLIT[settings.split_mode]
    params.main_gpu = settings.main_gpu
    alive: list[object] = []
    names = device_names(settings.devices)
    if names:
        handles = ggml.device_handles()
        chosen = [] if names == ("none",) else [_known(handles, name, "device") for name in names]
        array = (ctypes.c_void_p * (len(chosen) + 1))(*chosen, None)
        params.devices = ctypes.cast(array, ctypes.c_void_p)
        alive.append(array)
    parts = split_parts(settings.tensor_split)
    if parts:
        most = api.llama_max_devices()
        if len(parts) > most:
            raise UserError(
                f"tensor_split names {len(parts)} parts, and llama.cpp knows {most} devices.",
                "Write one part for each GPU.",
                code="value",
            )
        split = (ctypes.c_float * most)(*parts)
        params.tensor_split = ctypes.cast(split, ctypes.POINTER(ctypes.c_float))
        alive.append(split)
    moved = list(_moved_tensors(settings, ggml))
    if moved:
        overrides = (TensorBufferOverride * (len(moved) + 1))(
            *(TensorBufferOverride(pattern.encode(), handle) for pattern, handle in moved)
        )
        params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        alive.append(overrides)
    return alive


def _moved_tensors(settings: EngineSettings, ggml: Devices) -> Iterator[tuple[str, int]]:
    """Patterns of tensor names and the buffer types that they go to; the first that fits counts."""
    named = tensor_overrides(settings.override_tensor)
    types = ggml.buffer_types() if named else {}
    for pattern, name in named:
        yield pattern, _known(types, name, "buffer type")
    for pattern in expert_patterns(settings):
        yield pattern, ggml.cpu_buffer_type()


def _known(found: Mapping[str, int], name: str, what: str) -> int:
    if name not in found:
        there = ", ".join(found) or "none"
        todo = f"There are: {there}." if found else "Only the processor can compute here."
        raise UserError(f"There is no {what} named {shown(name)}.", todo, code="value")
    return found[name]


def _load_mode(api: Any, settings: EngineSettings) -> int:
    modes = {
        (False, False): api.LLAMA_LOAD_MODE_NONE,
        (True, False): api.LLAMA_LOAD_MODE_MMAP,
        (False, True): api.LLAMA_LOAD_MODE_MLOCK,
        (True, True): api.LLAMA_LOAD_MODE_MMAP_MLOCK,
    }
    return int(modes[settings.use_mmap, settings.use_mlock])


def _overrides(api: Any, pairs: Iterable[tuple[str, OverrideValue]]) -> Any:
    entries = [_override(api, key, value) for key, value in pairs]
    if not entries:
        return None
    # The array ends with an entry whose key is empty.
    array = (api.llama_model_kv_override * (len(entries) + 1))()
    for i, entry in enumerate(entries):
        array[i] = entry
    return array


def _override(api: Any, key: str, value: OverrideValue) -> Any:
    entry = api.llama_model_kv_override()
    entry.key = key.encode("utf-8")[:127]
    if isinstance(value, bool):
        entry.tag, entry.value.val_bool = _BOOL, value
    elif isinstance(value, int):
        entry.tag, entry.value.val_i64 = _INT, value
    elif isinstance(value, float):
        entry.tag, entry.value.val_f64 = _FLOAT, value
    else:
        entry.tag, entry.value.val_str = _STR, value.encode("utf-8")[:127]
    return entry


def context_params(
    api: Any, settings: EngineSettings, *, streams: int, lanes: int, unified: bool, threads: int
) -> Any:
    """`llama_context_params` for `streams` sequences of `settings.n_ctx` tokens each.

    Without a unified cache llama.cpp divides n_ctx by the number of sequences, so it is asked for
    the product. `n_outputs_max`, one row of logits for each sequence, keeps the buffer small.
    """
    params = api.llama_context_default_params()
    n_ctx = padded_context(settings.n_ctx)
    params.n_ctx = n_ctx * lanes if unified else n_ctx * streams
    params.n_batch = max(settings.n_batch, MIN_BATCH)
    params.n_ubatch = min(settings.n_ubatch, params.n_batch)
    params.n_seq_max = streams
    params.n_outputs_max = streams  # llama.cpp asserts at least one for each sequence
    params.n_threads = threads
    params.n_threads_batch = settings.n_threads_batch or threads
    params.kv_unified = unified
    params.swa_full = settings.swa_full
    params.offload_kqv = settings.kv_offload
    params.no_perf = True
    params.flash_attn_type = _FLASH[settings.flash_attn]
    params.type_k = _GGML_TYPES[cache_type_name(settings.type_k)]
    params.type_v = _GGML_TYPES[cache_type_name(settings.type_v)]
    _rope(params, settings)
    return params


def _rope(params: Any, settings: EngineSettings) -> None:
    params.rope_scaling_type = _ROPE_SCALING[settings.rope_scaling]
    params.rope_freq_base = settings.rope_freq_base
    params.rope_freq_scale = settings.rope_freq_scale
    params.yarn_orig_ctx = settings.yarn_orig_ctx
    params.yarn_ext_factor = settings.yarn_ext_factor
    params.yarn_attn_factor = settings.yarn_attn_factor
    params.yarn_beta_fast = settings.yarn_beta_fast
    params.yarn_beta_slow = settings.yarn_beta_slow


def padded_context(n_ctx: int) -> int:
    """llama.cpp pads a context to a multiple of 256."""
    return (n_ctx + 255) // 256 * 256


def flash_attention_state(messages: Iterable[str], asked: Literal["auto", "on", "off"]) -> str:
    """What the native log says became of "auto"; there is no function that tells."""
    for line in messages:
        if "Flash Attention enabled" in line:
            return "on"
        if "Flash Attention not supported" in line:
            return "off"
    return asked
