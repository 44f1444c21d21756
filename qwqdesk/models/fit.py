"""Whether a quantization fits this machine: its real header against the memory that is free now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.models.memory import DEFAULT_CONTEXT, MemoryEstimate, choose_gpu_layers, estimate
from qwqdesk.models.memory import FreeMemory as FreeMemory
from qwqdesk.models.shape import ModelShape

FitKind = Literal["gpu", "partial", "cpu", "no"]


@dataclass(frozen=True)
class Fit:
    """How a model would run: all layers on the GPU, `gpu_layers` of `layers`, on the CPU, or not.

    `layers` counts the output as one, as llama.cpp does. `needed` are bytes, all together: the
    weights, `cache` for the context, and `buffers` for computing.
    """

    kind: FitKind
    gpu_layers: int
    layers: int
    n_ctx: int
    needed: int
    cache: int = 0
    buffers: int = 0

    @property
    def words(self) -> str:
        """For a table's cell."""
        if self.kind == "partial":
            return f"{self.gpu_layers} of {self.layers} layers on GPU"
        return {"gpu": "fits on GPU", "cpu": "CPU only", "no": "does not fit"}[self.kind]


def fit(shape: ModelShape, free: FreeMemory, settings: EngineSettings | None = None) -> Fit:
    """How a model with this shape fits; context and cache types are those of `settings`.

    Without a context in the settings it is 16,384 tokens or what the model was trained with.
    """
    asked = settings or EngineSettings()
    n_ctx = asked.n_ctx or min(DEFAULT_CONTEXT, shape.context_length or DEFAULT_CONTEXT)
    layers = 0
    if free.gpu > 0:
        layers = choose_gpu_layers(
            shape,
            n_ctx,
            free.gpu,
            type_k=asked.type_k,
            type_v=asked.type_v,
            n_ubatch=asked.n_ubatch,
            flash_attn=asked.flash_attn != "off",
            kv_offload=asked.kv_offload,
            swa_full=asked.swa_full,
        )
    needed = _needed(shape, asked, n_ctx, layers)
    kind: FitKind = "no"
    if free.shortage(needed) is None:
        kind = "gpu" if layers > shape.block_count else "partial" if layers else "cpu"
    cache = needed.kv_cpu + needed.kv_gpu
    buffers = needed.compute_cpu + needed.compute_gpu
    return Fit(kind, layers, shape.block_count + 1, n_ctx, needed.total, cache, buffers)


def scaled(shape: ModelShape, size_bytes: int) -> ModelShape:
    """The shape of a sibling: the same model in another quantization, whose files have that size.

    Layers, heads and lengths are the same; each part's weights grow or shrink with the whole.
    """
    whole = shape.weight_bytes
    layers = shape.layer_bytes
    if not whole or not all(layers):  # one shard of several: its table is not the whole one
        each = size_bytes // (shape.block_count + 1)
        layers = (each,) * shape.block_count
        return replace(
            shape, layer_bytes=layers, input_bytes=0, output_bytes=each, file_size=size_bytes
        )
    return replace(
        shape,
        layer_bytes=tuple(size * size_bytes // whole for size in layers),
        input_bytes=shape.input_bytes * size_bytes // whole,
        output_bytes=shape.output_bytes * size_bytes // whole,
        file_size=size_bytes,
    )


def _needed(shape: ModelShape, asked: EngineSettings, n_ctx: int, layers: int) -> MemoryEstimate:
    return estimate(
        shape,
        n_ctx,
        type_k=asked.type_k,
        type_v=asked.type_v,
        n_ubatch=asked.n_ubatch,
        n_gpu_layers=layers,
        flash_attn=asked.flash_attn != "off",
        kv_offload=asked.kv_offload,
        swa_full=asked.swa_full,
    )
