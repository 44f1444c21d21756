"""What a model's header says about its size in memory: layers, heads, weights.

Key names are llama.cpp's (src/llama-arch.cpp).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qwqdesk.errors import UserError
from qwqdesk.models.gguf import GgufArray, GgufHeader
from qwqdesk.models.tensor_types import TYPES_BY_NAME, row_bytes

KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
MAX_LAYERS = 10_000
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
    kept_on_cpu: tuple[int, ...] = ()
    """Bytes of each layer that stay in the machine's memory wherever the layer goes."""

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
    return ModelShape(
        architecture=architecture,
        block_count=layers,
        context_length=number(header, "context_length"),
        embedding_length=embedding,
        feed_forward_length=number(header, "feed_forward_length"),
        head_count=heads,
        head_count_kv=_heads_kv(header, layers, heads),
        key_length=number(header, "attention.key_length") or per_head,
        value_length=number(header, "attention.value_length") or per_head,
        vocabulary_size=vocabulary_size(header),
        parameter_count=sum(tensor.elements for tensor in header.tensors),
        layer_bytes=layer_bytes,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        tied_output=not any(tensor.name == "output.weight" for tensor in header.tensors),
        file_size=header.file_size,
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
    """Bytes that one token takes in the KV cache over all layers.

    For models with a sliding window this is an upper bound.

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
    return sum(
        row_bytes(type_k, heads * shape.key_length) + row_bytes(type_v, heads * shape.value_length)
        for heads in shape.head_count_kv
        if heads
    )


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
