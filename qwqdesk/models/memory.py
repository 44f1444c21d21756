"""How much memory a model takes before it is loaded: plain arithmetic on its shape.

Running out of GPU memory aborts the process inside llama.cpp, so this is asked first. Sources:
weights are the file's own bytes; the KV cache is exact (layers x heads x length x context, padded
to 256 cells as llama.cpp does; layers with a sliding window keep the window and a micro-batch); the
compute buffer is an upper estimate. For a micro-batch row llama.cpp 0c1e57098 reported
4 x embedding + 3 x feed-forward floats (0.5B and 32B shapes of qwen2), 2 bytes of attention mask a
cell (of both caches with sliding windows), and the scores of all heads without flash attention.
A lane with a cache of its own sees only that, so that further lanes of exact mode add no buffers;
in fast mode all lanes share one cache and its cells count. What indexers add was measured in dry
loads at 32,768 cells for one lane and for four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, sub

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import size_words
from qwqdesk.models.shape import ModelShape, kv_bytes_by_layer
from qwqdesk.models.tensor_types import row_bytes

DEFAULT_CONTEXT = 16_384
SMALLEST_CONTEXT = 512
CONTEXT_STEP = 256
GPU_RESERVE = 512 << 20
_FIXED = 16 << 20
_CACHES, _BUFFERS = 2, 3  # columns of `ModelShape.measured`
# Attention that llama.cpp computes with all scores in memory.
_WITHOUT_FLASH = frozenset({"grok"})
# Bytes for each row and cell beside the masks, that is the scores of indexers: with one lane, with
# several that have their own caches, and with one cache for all.
_INDEXERS = {
    **dict.fromkeys(("deepseek32", "glm-dsa", "hy_v4"), (18, 18, 18)),
    "dots3note": (14, 14, 14),
    "deepseek4": (2, 3, 4),
    "minimax-m3": (15, 7, 0),
    "glm5-next": (18, 73, 40),
    "qwen4exp": (133, 133, 133),
}


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by place: `cpu` is the machine's memory, `gpu` the devices' together."""

    weights_cpu: int
    weights_gpu: int
    kv_cpu: int
    kv_gpu: int
    compute_cpu: int
    compute_gpu: int

    @property
    def cpu(self) -> int:
        """All that lies in the machine's memory."""
        return self.weights_cpu + self.kv_cpu + self.compute_cpu

    @property
    def gpu(self) -> int:
        """All that lies in the devices' memory."""
        return self.weights_gpu + self.kv_gpu + self.compute_gpu

    @property
    def total(self) -> int:
        """Everything."""
        return self.cpu + self.gpu


@dataclass(frozen=True)
class FreeMemory:
    """Bytes that are free now: the machine's memory, and the GPUs' together.

    `shared`: the GPUs have no memory of their own; `gpu` is what of `cpu` they may use.
    """

    cpu: int
    gpu: int = 0
    shared: bool = False

    @property
    def total(self) -> int:
        """All that is free, counted once."""
        return self.cpu if self.shared else self.cpu + self.gpu

    def shortage(self, needed: MemoryEstimate) -> tuple[str, int, int] | None:
        """What there is too little of, with the bytes needed and free; None where all fits."""
        memory = needed.total if self.shared else needed.cpu
        for what, need, free in (
            ("memory", memory, self.cpu),
            ("GPU memory", needed.gpu, self.gpu),
        ):
            if need > free:
                return what, need, free
        return None


@dataclass(frozen=True)
class ContextChoice:
    """The context of one lane in tokens, and a sentence when it is less than was hoped for."""

    n_ctx: int
    note: str | None = None


def estimate(
    shape: ModelShape,
    n_ctx: int,
    *,
    lanes: int = 1,
    type_k: str = "f16",
    type_v: str = "f16",
    n_ubatch: int = 512,
    n_gpu_layers: int = 0,
    flash_attn: bool = True,
    kv_offload: bool = True,
    shared: bool = False,
    swa_full: bool = False,
) -> MemoryEstimate:
    """What loading takes with `lanes` caches of `n_ctx` tokens each.

    Args:
        n_gpu_layers: as llama.cpp counts: the output first, then layers from the last one back.
        shared: whether all lanes share one cache, as in fast mode where the memory allows it; else
            each has its own.
        kv_offload: whether the caches of layers on the GPU are there, too.
        swa_full: whether layers with a window keep every token.

    Raises:
        UserError: an unknown cache type.
    """
    on_gpu = min(max(n_gpu_layers, 0), shape.block_count + 1)
    moved = max(on_gpu - 1, 0)
    first_moved = shape.block_count - moved
    window = _window_cells(shape, padded(n_ctx), n_ubatch, swa_full=swa_full)
    shared = shared and not shape.window
    cells = padded(n_ctx) * lanes
    sequences = 2 * lanes if shared else lanes
    kv_layers = _kv_by_layer(shape, cells, window * lanes, sequences, type_k, type_v)
    if shape.measured:
        kv_layers = _measured_caches(shape, padded(n_ctx), lanes, shared=shared)
    kept = sum(shape.kept_on_cpu[first_moved:])
    weights_gpu = (_output(shape) if on_gpu else 0) + sum(shape.layer_bytes[first_moved:]) - kept
    weights_cpu = shape.input_bytes + sum(shape.layer_bytes[:first_moved]) + kept
    kv_gpu = sum(kv_layers[first_moved:]) if kv_offload else 0
    seen = cells if shared else padded(n_ctx)
    seen_window = window * lanes if shared else window
    compute = _compute(shape, seen, seen_window, lanes, n_ubatch, flash_attn, shared)
    if shape.measured:
        compute = _FIXED + _measured(shape, seen, lanes, _BUFFERS)
    return MemoryEstimate(
        weights_cpu=weights_cpu + (0 if on_gpu else shape.output_bytes),
        weights_gpu=weights_gpu,
        kv_cpu=sum(kv_layers) - kv_gpu,
        kv_gpu=kv_gpu,
        compute_cpu=_FIXED if on_gpu > shape.block_count else compute,
        compute_gpu=compute if on_gpu else 0,
    )


def choose_context(
    shape: ModelShape,
    free: int,
    *,
    lanes: int = 1,
    type_k: str = "f16",
    type_v: str = "f16",
    n_ubatch: int = 512,
    flash_attn: bool = True,
    swa_full: bool = False,
) -> ContextChoice:
    """The context when the user did not say: 16,384 or the trained length, less if memory is short.

    Args:
        free: bytes that weights, caches and buffers may take together.
    """
    most = min(DEFAULT_CONTEXT, shape.context_length or DEFAULT_CONTEXT)

    def needs(n_ctx: int) -> int:
        return estimate(
            shape,
            n_ctx,
            lanes=lanes,
            type_k=type_k,
            type_v=type_v,
            n_ubatch=n_ubatch,
            flash_attn=flash_attn,
            swa_full=swa_full,
        ).total

    if needs(most) <= free:
        return ContextChoice(most)
    low, high = min(SMALLEST_CONTEXT, most) // CONTEXT_STEP, most // CONTEXT_STEP
    while low < high:
        middle = (low + high + 1) // 2
        if needs(middle * CONTEXT_STEP) <= free:
            low = middle
        else:
            high = middle - 1
    chosen = max(low * CONTEXT_STEP, min(SMALLEST_CONTEXT, most))
    note = f"The context is {chosen:,} tokens for each lane because memory is short."
    return ContextChoice(chosen, note)


def choose_gpu_layers(
    shape: ModelShape,
    n_ctx: int,
    free_gpu: int,
    *,
    lanes: int = 1,
    type_k: str = "f16",
    type_v: str = "f16",
    n_ubatch: int = 512,
    flash_attn: bool = True,
    kv_offload: bool = True,
    reserve: int = GPU_RESERVE,
    swa_full: bool = False,
) -> int:
    """How many layers fit into `free_gpu` bytes less `reserve`; `block_count` + 1 is all."""
    n_ctx = padded(n_ctx)
    window = _window_cells(shape, n_ctx, n_ubatch, swa_full=swa_full)
    caches = _kv_by_layer(shape, n_ctx * lanes, window * lanes, lanes, type_k, type_v)
    needed = _compute(shape, n_ctx, window, lanes, n_ubatch, flash_attn)
    if shape.measured:
        caches = _measured_caches(shape, n_ctx, lanes, shared=False)
        needed = _FIXED + _measured(shape, n_ctx, lanes, _BUFFERS)
    needed += _output(shape)
    layers = 0
    if not kv_offload:
        caches = [0] * len(caches)
    weights = _moved_bytes(shape)
    for each in (0, *map(add, reversed(weights), reversed(caches))):
        needed += each
        if needed > free_gpu - reserve:
            break
        layers += 1
    return layers


def contexts_to_measure(shape: ModelShape, n_ctx: int) -> tuple[int, int]:
    """The two contexts in tokens at which a dry load shows how a model's memory grows.

    Args:
        n_ctx: the context that was asked for, 0 for `choose_context` to choose.
    """
    most = padded(n_ctx or min(DEFAULT_CONTEXT, shape.context_length or DEFAULT_CONTEXT))
    less = padded(most // 4)
    return (less, most) if less < most else (most, 4 * most)


def require_fit(needed: MemoryEstimate, free: FreeMemory) -> None:
    """Refuse what cannot work.

    Raises:
        UserError: code "memory", with what is needed and what is free.
    """
    short = free.shortage(needed)
    if short is not None:
        what, need, there = short
        raise UserError(
            f"This model needs {size_words(need)} of {what}, and {size_words(there)} are free.",
            "Choose a smaller context (-c), a smaller cache type (-ctk q8_0), fewer lanes, or "
            + ("a smaller quantization." if what == "memory" else "fewer GPU layers (-ngl)."),
            code="memory",
        )


def padded(n_ctx: int) -> int:
    """The context as llama.cpp rounds it: up to a multiple of 256."""
    return -(-n_ctx // CONTEXT_STEP) * CONTEXT_STEP


def _measured(shape: ModelShape, n_ctx: int, lanes: int, column: int) -> int:
    """Bytes between and beyond the measured rows: along a line for contexts, and for lanes."""
    by_lanes: dict[int, list[tuple[int, int]]] = {}
    for row in shape.measured:
        by_lanes.setdefault(row[1], []).append((row[0], row[column]))
    points = [(count, _on_line(rows, n_ctx)) for count, rows in by_lanes.items()]
    return max(round(_on_line(points, lanes)), 0)


def _on_line(points: Sequence[tuple[float, float]], at: float) -> float:
    (x0, y0), (x1, y1) = min(points), max(points)
    return y0 if x0 == x1 else y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def _measured_caches(shape: ModelShape, n_ctx: int, lanes: int, *, shared: bool) -> list[int]:
    """Bytes of each layer's cache, as if they were alike."""
    whole = _measured(shape, n_ctx, lanes, _CACHES)
    if shared:  # twice as many sequences: states that no context makes longer are there twice
        whole += _measured(shape, 0, lanes, _CACHES)
    count = max(len(shape.layer_bytes), 1)
    return [-(-whole // count)] * len(shape.layer_bytes)


def _rolls_a_window(shape: ModelShape, *, swa_full: bool) -> bool:
    """Whether windowed layers forget what is behind their window."""
    return shape.window > 0 and not swa_full


def _window_cells(shape: ModelShape, n_ctx: int, n_ubatch: int, *, swa_full: bool) -> int:
    """How many tokens of one lane the windowed layers keep (llama-kv-cache-iswa.cpp)."""
    if not _rolls_a_window(shape, swa_full=swa_full):
        return n_ctx
    return padded(min(n_ctx, shape.window + n_ubatch))


def _moved_bytes(shape: ModelShape) -> tuple[int, ...]:
    """What of each layer's weights goes to the GPU with the layer."""
    kept = shape.kept_on_cpu or (0,) * len(shape.layer_bytes)
    return tuple(map(sub, shape.layer_bytes, kept))


def _output(shape: ModelShape) -> int:
    """The output's weights, which are a second copy of the input's where both are one tensor."""
    return shape.output_bytes + (shape.input_bytes if shape.tied_output else 0)


def _kv_by_layer(
    shape: ModelShape, cells: int, window_cells: int, sequences: int, type_k: str, type_v: str
) -> list[int]:
    """Bytes of each layer's cache, and of its state for each sequence."""
    states = shape.state_bytes or (0,) * len(shape.head_count_kv)
    windowed = shape.windowed or (False,) * len(shape.head_count_kv)
    compressed = shape.compressed or (0,) * len(shape.head_count_kv)
    caches = kv_bytes_by_layer(shape, type_k, type_v)
    return [
        each * (window_cells if window else cells)
        + (row_bytes(type_k, more * cells // 128) if more else 0)
        + state * sequences
        for each, state, window, more in zip(caches, states, windowed, compressed, strict=True)
    ]


def _compute(
    shape: ModelShape,
    cells: int,
    window_cells: int,
    lanes: int,
    n_ubatch: int,
    flash_attn: bool,
    shared: bool = False,
) -> int:
    """The compute buffer: activations of one micro-batch, attention, and the lanes' logits.

    Args:
        cells: how many cells a token may look at: those of one lane, or of all in a shared cache.
        window_cells: the same in windowed layers.
    """
    rows = min(n_ubatch, cells)
    wide = 5 * shape.embedding_length + 3 * shape.feed_forward_length
    flash = flash_attn and shape.architecture not in _WITHOUT_FLASH
    scores = 0 if flash else rows * cells * (shape.head_count * 4 + 2)
    windowed = shape.windowed or (False,) * len(shape.head_count_kv)
    layers = zip(shape.head_count_kv, windowed, strict=True)
    kinds = {window for heads, window in layers if heads}
    masked = cells * (False in kinds) + window_cells * (True in kinds)
    one, several, together = _INDEXERS.get(shape.architecture, (0, 0, 0))
    indexed = (together if shared else several if lanes > 1 else one) * cells
    logits = lanes * shape.vocabulary_size * 4
    return _FIXED + rows * wide * 4 + scores + rows * (2 * masked + indexed) + logits
