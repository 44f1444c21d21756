"""What a model's header says about its size in memory: layers, heads, weights.

Key names are llama.cpp's (src/llama-arch.cpp).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qwqdesk.errors import UserError
from qwqdesk.models.gguf import GgufArray, GgufHeader
from qwqdesk.models.tensor_types import TYPES_BY_NAME, row_bytes

KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
MAX_LAYERS = 10_000

# What llama.cpp 0c1e57098 keeps of the past, where a header's heads do not say it.
_ALL_RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"}) | {
    "falcon-h1"
}
_STATE_AND_CACHE = frozenset({"falcon-h1"})
# Attention in one of so many layers, if the header names no other number.
_EVERY_FEW = {"qwen35": 4, "qwen35moe": 4, "qwen3next": 4, "qwen4exp": 4, "minimax-01": 8}
_DELTA_ATTENTION = frozenset({"kimi-linear", "kimi-k3", "bailingmoe3", "glm5-next"})
_ONE_THING_A_LAYER = frozenset({"nemotron_h", "nemotron_h_moe"})
_RECURRENT_WITHOUT_HEADS = (
    _DELTA_ATTENTION | _ONE_THING_A_LAYER | {"jamba", "plamo2", "granitehybrid", "lfm2", "lfm2moe"}
)
_KEYS_ALONE = frozenset({"deepseek4"})
_TOKEN_SHIFTS = {"rwkv6": 2, "rwkv7": 2, "rwkv6qwen2": 1, "arwkv7": 1}
# Caches of an indexer, in lengths of its key.
_INDEXED = {
    **dict.fromkeys(("deepseek32", "glm-dsa", "hy_v4", "dots3note", "minimax-m3", "qwen4exp"), 1),
    "glm5-next": 3,
}
# Layers that look at a window only, where the header has no list of them: all but every so many,
# the last of them or (a minus) the first; 0 is every layer that attends.
_WINDOW_PATTERNS = {
    **dict.fromkeys(("afmoe", "cohere2", "exaone-moe", "exaone4", "llama4", "mellum"), 4),
    **dict.fromkeys(("muse-glimmer", "olmo2"), 4),
    **dict.fromkeys(("cohere2moe", "laguna", "smallthinker"), -4),
    **{"gemma2": 2, "gpt-oss": 2, "gemma3n": 5, "gemma3": 6, "plamo3": 8},
    **{"deepseek4": 0, "lfm2": 0},
    **dict.fromkeys(("dots3note", "gemma4", "granite_swa", "maple", "mimo2", "spark2_5"), 1),
    "step35": 1,
}
# Windows that llama.cpp takes whatever the header says, and those for headers without one.
_OWN_WINDOW = {"smallthinker": 4096, "llama4": 8192}
_WINDOW_UNSAID = {"gemma2": 4096, "llama4": 8192, "exaone4": 4096}
_GEMMA3N_OWN_CACHES = 20  # its further layers look into the caches of these
_WINDOWED_IF_LAYERS = {"exaone4": 64}
# Whose caches and buffers by these formulas were compared with what llama.cpp allocates.
_COMPARED = (
    frozenset({"llama", "mistral3", "qwen2", "qwen3", "qwen2moe", "qwen3moe", "bloom", "granite"})
    | {"minicpm", "minicpm3", "command-r", "phi3", "phimoe", "deepseek2", "gemma", "grok"}
    | _ALL_RECURRENT | _RECURRENT_WITHOUT_HEADS | _EVERY_FEW.keys() | _INDEXED.keys()
    | _WINDOW_PATTERNS.keys() | _KEYS_ALONE
)  # fmt: skip
TEMPLATE_KEY = "tokenizer.chat_template"


@dataclass(frozen=True)
class ModelShape:
    """Numbers for memory estimates.

    `head_count_kv` has one entry for each layer (0 where a layer keeps no KV cache);
    `key_length` and `value_length` are elements per head; byte counts are those of the file.
    `tied_output` says that the output uses the input embedding's tensor.
    """

    architecture: str
    block_count: int
    context_length: int
    embedding_length: int
    feed_forward_length: int
    head_count: int
    head_count_kv: tuple[int, ...]
    key_length: int
    value_length: int
    vocabulary_size: int
    parameter_count: int
    layer_bytes: tuple[int, ...]
    input_bytes: int
    output_bytes: int
    tied_output: bool
    file_size: int
    window: int = 0
    """Tokens that windowed layers look at, 0 where there are none."""
    windowed: tuple[bool, ...] = ()
    """Which layers look at a window only: they have a cache and a mask of their own."""
    window_key_length: int = 0
    """Elements of a key for each head of windowed layers, 0 where they are those of the others."""
    window_value_length: int = 0
    """The same of a value."""
    indexer_length: tuple[int, ...] = ()
    """Elements a token takes in each layer's second cache, that of an indexer."""
    compressed: tuple[int, ...] = ()
    """Elements that 128 tokens take in each layer's caches of compressed tokens (deepseek4)."""
    state_bytes: tuple[int, ...] = ()
    """Bytes of each layer's state of one sequence, which no context makes longer (recurrent)."""
    kept_on_cpu: tuple[int, ...] = ()
    """Bytes of each layer that stay in the machine's memory wherever the layer goes."""
    measured: tuple[tuple[int, int, int, int], ...] = ()
    """What llama.cpp itself would allocate, in place of formulas: the context of a lane in tokens,
    the lanes, and bytes of all caches and all buffers; for two contexts and two numbers of lanes.
    """

    @property
    def formula_known(self) -> bool:
        """Whether caches and buffers of this architecture can be computed from its header."""
        return self.architecture in _COMPARED

    @property
    def weight_bytes(self) -> int:
        """All tensors."""
        return sum(self.layer_bytes) + self.input_bytes + self.output_bytes


def model_shape(header: GgufHeader) -> ModelShape:
    """The shape of a model; what the header does not say is derived from the rest or 0."""
    architecture = text(header, "general.architecture") or ""
    layers = min(number(header, "block_count"), MAX_LAYERS)
    embedding = number(header, "embedding_length")
    heads = number(header, "attention.head_count")
    per_head = embedding // heads if heads else 0
    layer_bytes, input_bytes, output_bytes = _weights(header, layers)
    window = _window(header, architecture, layers)
    cached = _heads_kv(header, layers, heads)
    recurrent = _recurrent_layers(header, architecture, cached)
    head_count_kv = tuple(map(_with_cache(header, architecture, recurrent), range(layers), cached))
    windowed = _windowed_layers(header, architecture, head_count_kv) if window else ()
    state = _state_bytes(header, architecture, embedding, heads, per_head)
    # Multi-head latent attention keeps one row from which keys and values are made.
    latent = number(header, "attention.key_length_mla") and number(header, "attention.kv_lora_rank")
    return ModelShape(
        architecture=architecture,
        block_count=layers,
        context_length=number(header, "context_length"),
        embedding_length=embedding,
        feed_forward_length=number(header, "feed_forward_length"),
        head_count=heads,
        head_count_kv=head_count_kv,
        key_length=number(header, "attention.key_length") or per_head,
        value_length=0
        if latent or architecture in _KEYS_ALONE
        else number(header, "attention.value_length") or per_head,
        vocabulary_size=vocabulary_size(header),
        parameter_count=sum(tensor.elements for tensor in header.tensors),
        layer_bytes=layer_bytes,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        tied_output=not any(tensor.name == "output.weight" for tensor in header.tensors),
        file_size=header.file_size,
        window=window if any(windowed) else 0,
        windowed=windowed if any(windowed) else (),
        window_key_length=number(header, "attention.key_length_swa"),
        window_value_length=0
        if latent or architecture in _KEYS_ALONE
        else number(header, "attention.value_length_swa"),
        compressed=_compressed(header, architecture, layers),
        indexer_length=_indexer_lengths(header, architecture, head_count_kv),
        state_bytes=tuple(state if there else 0 for there in recurrent),
    )


def with_kept_on_cpu(
    shape: ModelShape, header: GgufHeader, patterns: Sequence[tuple[str, bool]]
) -> ModelShape:
    """The shape when tensors are placed by patterns of their names, as llama.cpp does.

    Args:
        patterns: patterns, the first that is found in a name counts, each with whether its tensors
            stay in the machine's memory.
    """
    compiled = [(re.compile(pattern), stays) for pattern, stays in patterns]
    kept = [0] * shape.block_count
    for tensor in header.tensors:
        layer = re.match(r"blk\.(\d{1,5})\.", tensor.name)
        stays = next((on_cpu for found, on_cpu in compiled if found.search(tensor.name)), False)
        if stays and layer and int(layer[1]) < shape.block_count:
            kept[int(layer[1])] += tensor.size_bytes or 0
    return replace(shape, kept_on_cpu=tuple(kept))


def kv_bytes_per_token(shape: ModelShape, type_k: str = "f16", type_v: str = "f16") -> int:
    """Bytes that one token takes in the KV cache over all layers that keep it.

    Layers that look at a window only give it back later.

    Raises:
        UserError: code "value", a cache type that llama.cpp does not have.
    """
    for flag, name in (("--cache-type-k", type_k), ("--cache-type-v", type_v)):
        if name.lower() not in KV_TYPES or name.upper() not in TYPES_BY_NAME:
            raise UserError(
                f"{flag} is {name!r}, which is not a cache type.",
                f"Use one of: {', '.join(KV_TYPES)}.",
                code="value",
            )
    return sum(kv_bytes_by_layer(shape, type_k, type_v))


def kv_bytes_by_layer(shape: ModelShape, type_k: str, type_v: str) -> list[int]:
    """Bytes that one token takes in each layer's caches, that of its indexer included."""
    indexers = shape.indexer_length or (0,) * len(shape.head_count_kv)
    windowed = shape.windowed or (False,) * len(shape.head_count_kv)
    found = []
    for heads, indexer, window in zip(shape.head_count_kv, indexers, windowed, strict=True):
        key, value = shape.key_length, shape.value_length
        if window:
            key, value = shape.window_key_length or key, shape.window_value_length or value
        parts = ((type_k, heads * key), (type_v, heads * value), (type_k, indexer))
        found.append(sum(row_bytes(kind, size) for kind, size in parts if size) if heads else 0)
    return found


def text(header: GgufHeader, key: str) -> str | None:
    """A metadata value if it is text."""
    value = header.metadata.get(key)
    return value if isinstance(value, str) else None


def number(header: GgufHeader, name: str) -> int:
    """The architecture's value `name` (the largest of an array), 0 if there is none."""
    value = _value(header, name)
    if isinstance(value, GgufArray):
        value = max(_whole(value), default=0)
    return max(int(value), 0) if type(value) is int else 0


def vocabulary_size(header: GgufHeader) -> int:
    """Tokens in the vocabulary."""
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, GgufArray):
        return tokens.count
    return number(header, "vocab_size")


def _value(header: GgufHeader, name: str) -> object:
    architecture = header.metadata.get("general.architecture")
    return header.metadata.get(f"{architecture}.{name}")


def _whole(array: GgufArray) -> tuple[int, ...]:
    """An array's whole numbers; anything else counts as 0."""
    return tuple(max(item, 0) if type(item) is int else 0 for item in array.values or ())


def _heads_kv(header: GgufHeader, layers: int, heads: int) -> tuple[int, ...]:
    value = _value(header, "attention.head_count_kv")
    if isinstance(value, GgufArray) and value.values:
        each = _whole(value)[:layers]
        return each + (0,) * (layers - len(each))
    return (max(value, 0) if type(value) is int else heads,) * layers


def _recurrent_layers(
    header: GgufHeader, architecture: str, cached: tuple[int, ...]
) -> tuple[bool, ...]:
    """Which layers keep a state of a fixed size (`is_recr` in llama.cpp's src/models)."""
    if architecture in _ALL_RECURRENT:
        return (True,) * len(cached)
    if architecture in _EVERY_FEW:
        named = _value(header, "attention.recurrent_layers")
        if isinstance(named, GgufArray) and named.values:
            return tuple(bool(item) for item in named.values[: len(cached)])
        every = number(header, "full_attention_interval") or _EVERY_FEW[architecture]
        return tuple((layer + 1) % every != 0 for layer in range(len(cached)))
    if architecture in _RECURRENT_WITHOUT_HEADS:
        dense = _dense_layers(header, len(cached)) if architecture in _ONE_THING_A_LAYER else ()
        return tuple(
            not heads and not (dense and dense[layer]) for layer, heads in enumerate(cached)
        )
    return (False,) * len(cached)


def _with_cache(
    header: GgufHeader, architecture: str, recurrent: tuple[bool, ...]
) -> Callable[[int, int], int]:
    """The heads whose keys and values a layer really keeps, by its number and its heads."""
    dense = _dense_layers(header, len(recurrent)) if architecture in _ONE_THING_A_LAYER else ()
    own = _GEMMA3N_OWN_CACHES if architecture == "gemma3n" else len(recurrent)
    own -= number(header, "attention.shared_kv_layers") if architecture == "gemma4" else 0

    def heads_of(layer: int, heads: int) -> int:
        if (dense and dense[layer]) or layer >= own:
            return 0
        return 0 if recurrent[layer] and architecture not in _STATE_AND_CACHE else heads

    return heads_of


def _window(header: GgufHeader, architecture: str, layers: int) -> int:
    """How many tokens windowed layers look at (`n_swa` of src/models), 0 without such layers."""
    if architecture not in _WINDOW_PATTERNS:
        return 0
    if layers != _WINDOWED_IF_LAYERS.get(architecture, layers):
        return 0
    if _value(header, "attention.sliding_window") is None:
        return _WINDOW_UNSAID.get(architecture, 0)
    said = number(header, "attention.sliding_window")
    return _OWN_WINDOW.get(architecture, said) if said else 0


def _windowed_layers(
    header: GgufHeader, architecture: str, head_count_kv: tuple[int, ...]
) -> tuple[bool, ...]:
    """Which layers look at a window only (`is_swa` of llama-hparams.cpp)."""
    layers = len(head_count_kv)
    named = _value(header, "attention.sliding_window_pattern")
    pattern = _WINDOW_PATTERNS[architecture]
    if pattern == 0:
        return tuple(heads > 0 for heads in head_count_kv)
    if isinstance(named, GgufArray) and named.values:
        each = tuple(bool(item) for item in named.values[:layers])
        return each + (False,) * (layers - len(each))
    every = named if type(named) is int and named >= 0 else abs(pattern)
    if every == 0:
        return (True,) * layers
    full = 0 if pattern < 0 else every - 1
    return tuple(layer % every != full for layer in range(layers))


def _compressed(header: GgufHeader, architecture: str, layers: int) -> tuple[int, ...]:
    """Elements of 128 tokens in the compressed caches (llama-kv-cache-dsv4.cpp); () without."""
    ratios = _value(header, "attention.compress_ratios")
    if architecture not in _KEYS_ALONE or not isinstance(ratios, GgufArray):
        return ()
    key = number(header, "attention.key_length")
    indexer = number(header, "attention.indexer.key_length")
    each = [
        128 * (key + indexer * (ratio == 4)) // ratio if ratio else 0 for ratio in _whole(ratios)
    ]
    return (*each[:layers], *(0,) * (layers - len(each)))


def _dense_layers(header: GgufHeader, layers: int) -> tuple[bool, ...]:
    """Which layers are a feed-forward network and nothing else."""
    value = _value(header, "feed_forward_length")
    each = _whole(value) if isinstance(value, GgufArray) else ()
    return tuple(layer < len(each) and each[layer] > 0 for layer in range(layers))


def _state_bytes(
    header: GgufHeader, architecture: str, embedding: int, heads: int, per_head: int
) -> int:
    """Bytes of one recurrent layer's state (`n_embd_r` and `n_embd_s` of llama-hparams.cpp)."""
    head = number(header, "wkv.head_size")
    if architecture in _TOKEN_SHIFTS:
        shifts = number(header, "token_shift_count") or _TOKEN_SHIFTS[architecture]
        return 4 * embedding * (shifts + head)
    if architecture.startswith("lfm2"):
        return 4 * embedding * max(number(header, "shortconv.l_cache") - 1, 0)
    kernel = number(header, "ssm.conv_kernel")
    head = number(header, "kda.head_dim")
    if architecture in _DELTA_ATTENTION:
        return 4 * heads * head * (3 * (max(kernel - 1, 0) if kernel else 3) + head)
    if architecture == "minimax-01":
        length = number(header, "attention.key_length") or per_head
        return 4 * heads * length * length
    inner, size = number(header, "ssm.inner_size"), number(header, "ssm.state_size")
    convolution = max(kernel - 1, 0) * (inner + 2 * number(header, "ssm.group_count") * size)
    return 4 * (convolution + size * inner)


def _indexer_lengths(
    header: GgufHeader, architecture: str, head_count_kv: tuple[int, ...]
) -> tuple[int, ...]:
    """Elements of a token in each layer's indexer; () where the architecture has none."""
    if architecture not in _INDEXED:
        return ()
    length = number(header, "attention.indexer.key_length") * _INDEXED[architecture]
    types = _value(header, "attention.indexer.types")
    own = _whole(types) if isinstance(types, GgufArray) else ()
    return tuple(
        length if heads and (layer >= len(own) or own[layer]) else 0
        for layer, heads in enumerate(head_count_kv)
    )


def _weights(header: GgufHeader, layers: int) -> tuple[tuple[int, ...], int, int]:
    """Bytes of each layer, of the input embedding, and of all the rest (the output)."""
    each, first, rest = [0] * layers, 0, 0
    for tensor in header.tensors:
        size = tensor.size_bytes or 0
        found = re.match(r"blk\.(\d{1,5})\.", tensor.name)
        if found and int(found[1]) < layers:
            each[int(found[1])] += size
        elif tensor.name.startswith(("token_embd", "token_types", "position_embd")):
            first += size
        else:
            rest += size
    return tuple(each), first, rest
