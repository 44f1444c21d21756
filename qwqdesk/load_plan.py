"""Before a load: does the model fit, and which settings make it fit.

Running out of memory inside native code ends the process, so everything that can be known from
the header is decided here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.engine.dry_load import DryLoad, Row
from qwqdesk.engine.engine import LoadRequest
from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import (
    AUTO_LAYERS,
    EngineSettings,
    expert_patterns,
    lora_adapters,
    lora_text,
    tensor_overrides,
)
from qwqdesk.errors import UserError
from qwqdesk.free_memory import free_memory, used_devices
from qwqdesk.models.gguf import GgufArray, GgufHeader
from qwqdesk.models.gguf_header import BUFFER_ALIGNMENT
from qwqdesk.models.memory import (
    FreeMemory,
    MemoryEstimate,
    choose_context,
    choose_gpu_layers,
    contexts_to_measure,
    estimate,
    require_fit,
)
from qwqdesk.models.parts import model_files
from qwqdesk.models.shape import ModelShape, model_shape, with_kept_on_cpu

_FLOAT_TYPES = {"F32", "F16", "BF16", "F64"}
# Override keys of llama.cpp that do not begin with the architecture's name.
_GENERAL_PREFIXES = ("general.", "tokenizer.", "split.")


@dataclass(frozen=True)
class LoadPlan:
    """A load that is expected to work; `asked` is what the user wanted, `request` what is done."""

    request: LoadRequest
    asked: EngineSettings
    shape: ModelShape
    free: FreeMemory

    def lanes_fit(self, lanes: int) -> bool:
        """Whether a cache for each of `lanes` lanes fits at the same time."""
        needed = _estimate(self.shape, self.request.settings, lanes)
        return self.free.shortage(needed) is None


def measured_memory(
    path: Path, header: GgufHeader, asked: EngineSettings, dry_load: DryLoad | None
) -> tuple[Row, ...]:
    """What llama.cpp would allocate for a model whose memory no formula describes; () for others.

    Some tenths of a second the first time; blocks, so use it on a worker thread.
    """
    shape = model_shape(header)
    if dry_load is None or shape.formula_known:
        return ()
    contexts = contexts_to_measure(shape, asked.n_ctx)
    return dry_load(model_files(path, header), asked, contexts)


def plan_load(
    path: Path,
    header: GgufHeader,
    asked: EngineSettings,
    devices: Sequence[DeviceMemory],
    measured: Sequence[Row] = (),
) -> LoadPlan:
    """Choose context and GPU layers by free memory where the user left them to us.

    Args:
        measured: what `measured_memory` found.

    Raises:
        UserError: code "memory", when it cannot fit.
    """
    _require_epsilons(path, header, asked)
    shape = with_kept_on_cpu(model_shape(header), header, _placed_patterns(asked))
    shape = replace(shape, measured=tuple(measured))
    free = free_memory(devices, asked)
    notes = [*override_notes(header, asked), *placement_notes(asked, devices)]
    settings = replace(asked, lora=_found_adapters(asked.lora))
    if settings.n_ctx == 0:
        choice = choose_context(
            shape,
            free.total,
            type_k=asked.type_k,
            type_v=asked.type_v,
            n_ubatch=asked.n_ubatch,
            flash_attn=asked.flash_attn != "off",
            swa_full=asked.swa_full,
        )
        settings = replace(settings, n_ctx=choice.n_ctx)
        notes += [choice.note] if choice.note else []
    elif shape.context_length and settings.n_ctx > shape.context_length:
        notes.append(
            f"The context of {settings.n_ctx:,} tokens is longer than the "
            f"{shape.context_length:,} the model was trained with."
        )
    if settings.use_mmap and not header.aligned:
        settings = replace(settings, use_mmap=False)
        notes.append(
            "The file is read into memory and not mapped: not all of its tensors lie at a multiple "
            f"of {BUFFER_ALIGNMENT} bytes, as mapped ones must."
        )
    settings = replace(settings, n_gpu_layers=_gpu_layers(shape, settings, free.gpu))
    require_fit(_estimate(shape, settings, 1), free)
    request = LoadRequest(
        path,
        settings,
        quantized=_is_quantized(header),
        notes=tuple(notes),
        files=model_files(path, header),
        short_factors_up_to=_short_factors_up_to(header, shape, settings),
    )
    return LoadPlan(request, asked, shape, free)


def _short_factors_up_to(header: GgufHeader, shape: ModelShape, settings: EngineSettings) -> int:
    """The context in tokens from which on a LongRoPE model takes its other factors; 0 if none."""
    if not any("rope_factors_long" in tensor.name for tensor in header.tensors):
        return 0
    key = f"{shape.architecture}.rope.scaling.original_context_length"
    overridden = {name: value for name, value in settings.override_kv if type(value) is int}
    for value in (overridden.get(key), header.metadata.get(key)):
        if type(value) is int and value > 0:
            return value
    trained = overridden.get(f"{shape.architecture}.context_length")
    return int(trained) if trained else shape.context_length


def placement_notes(settings: EngineSettings, devices: Sequence[DeviceMemory]) -> Iterator[str]:
    """Settings for several places where there is only one."""
    if settings.places_weights and not used_devices(devices):
        yield "What was set about GPUs has no effect: llama.cpp sees none here."


def _placed_patterns(settings: EngineSettings) -> list[tuple[str, bool]]:
    """Patterns of tensor names, with whether their tensors stay in the machine's memory."""
    named = tensor_overrides(settings.override_tensor)
    return [
        *((pattern, name.upper().startswith("CPU")) for pattern, name in named),
        *((pattern, True) for pattern in expert_patterns(settings)),
    ]


def _found_adapters(text: str) -> str:
    """LoRA adapters by their whole paths, so that a stored run finds them from anywhere.

    Raises:
        UserError: code "lora", for one that is not there.
    """
    found = []
    for adapter in lora_adapters(text):
        path = Path(adapter.path).expanduser().absolute()
        if not path.is_file():
            raise UserError(
                f"There is no LoRA adapter {adapter.path}.",
                "Give the path of a GGUF adapter, or remove it from the settings (--lora).",
                code="lora",
            )
        found.append(lora_text(replace(adapter, path=str(path))))
    return ",".join(found)


def override_notes(header: GgufHeader, settings: EngineSettings) -> Iterator[str]:
    """Overrides that llama.cpp would silently ignore: unknown keys and wrong types."""
    architecture = str(header.metadata.get("general.architecture", ""))
    for key, value in settings.override_kv:
        present = header.metadata.get(key)
        if present is None and not key.startswith((f"{architecture}.", *_GENERAL_PREFIXES)):
            yield (
                f"The override {key} has no effect: this model's keys begin with "
                f"{architecture}., and llama.cpp ignores unknown keys."
            )
        elif present is not None and _kind(present) != _kind(value):
            yield (
                f"The override {key} has no effect: its type is {_kind(value)}, "
                f"the file has {_kind(present)}."
            )


def _gpu_layers(shape: ModelShape, settings: EngineSettings, free_gpu: int) -> int:
    if free_gpu == 0:
        return 0
    if settings.n_gpu_layers != AUTO_LAYERS:
        return min(settings.n_gpu_layers, shape.block_count + 1)
    return choose_gpu_layers(
        shape,
        settings.n_ctx,
        free_gpu,
        type_k=settings.type_k,
        type_v=settings.type_v,
        n_ubatch=settings.n_ubatch,
        flash_attn=settings.flash_attn != "off",
        kv_offload=settings.kv_offload,
        swa_full=settings.swa_full,
    )


def _estimate(shape: ModelShape, settings: EngineSettings, lanes: int) -> MemoryEstimate:
    return estimate(
        shape,
        settings.n_ctx,
        lanes=lanes,
        type_k=settings.type_k,
        type_v=settings.type_v,
        n_ubatch=settings.n_ubatch,
        n_gpu_layers=settings.n_gpu_layers,
        flash_attn=settings.flash_attn != "off",
        kv_offload=settings.kv_offload,
        swa_full=settings.swa_full,
    )


def _require_epsilons(path: Path, header: GgufHeader, settings: EngineSettings) -> None:
    """ggml ends the process at the first decode when a norm's epsilon is negative or not a number.

    A trial load cannot find that, since it computes nothing.
    """
    for key, value in {**header.metadata, **dict(settings.override_kv)}.items():
        if key.endswith("_epsilon") and isinstance(value, float) and not 0 <= value < math.inf:
            raise UserError(
                f"{path.name} cannot be computed: {key} is {value}.",
                "Omit the override."
                if key in dict(settings.override_kv)
                else "The file is damaged: download it again.",
                code="load",
            )


def _is_quantized(header: GgufHeader) -> bool:
    return any(tensor.type_name.upper() not in _FLOAT_TYPES for tensor in header.tensors)


def _kind(value: object) -> str:
    if isinstance(value, GgufArray):
        return "array"
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str")):
        if isinstance(value, kind):
            return name
    return "unknown"
