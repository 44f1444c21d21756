"""Writes a tiny Qwen2 model with random weights: its text is noise, its arithmetic is real.

256 byte tokens as GPT-2 writes them, filler words, then the special tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.unit.models.gguf_writer import BOOL, F32, I32, U32, GgufFile, tensor_bytes

VOCABULARY = 1024
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
EOS = VOCABULARY - 3
WIDTH, FEED_FORWARD, BLOCKS, HEADS, HEADS_KV = 64, 128, 2, 2, 1
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{{ '<|im_start|>assistant\n<think>\n' }}"
)
Kind = Literal["F16", "Q8_0"]


def write_tiny_model(
    path: Path,
    kind: Kind,
    *,
    seed: int = 1,
    template: str = TEMPLATE,
    sampling: Mapping[str, float | str] = MappingProxyType({}),
    alignment: int = 32,
) -> Path:
    """Write the model; matrices have the type `kind`, vectors are F32.

    `sampling` holds what the model recommends, by its keys behind ``general.sampling.``. With an
    `alignment` of 8 or 16 its tensors lie where llama.cpp cannot map them.
    """
    file = _header(kind, template)
    if alignment != file.alignment:
        file.alignment = alignment
        file.scalar("general.alignment", U32, alignment)
        file.string("general.description", "x" * _odd_length(file, alignment))
    for key, value in sampling.items():
        name = f"general.sampling.{key}"
        if isinstance(value, str):
            file.string(name, value)
        else:
            file.scalar(name, I32 if isinstance(value, int) else F32, value)
    rng = np.random.default_rng(seed)
    values = b""
    for name, shape in _tensors():
        type_name = kind if len(shape) == 2 else "F32"
        file.tensor(name, shape, type_name)
        data = _data(rng, name, shape, type_name)
        assert len(data) == tensor_bytes(shape, file.tensors[-1][2])
        values += data + bytes(-len(data) % file.alignment)
    empty = file.build()
    path.write_bytes(empty[: len(empty) - len(values)] + values)
    return path


def tiny_file(kind: Kind = "F16") -> GgufFile:
    """The same model with zeros for weights, to be changed before it is written."""
    file = _header(kind, TEMPLATE)
    for name, shape in _tensors():
        file.tensor(name, shape, kind if len(shape) == 2 else "F32")
    return file


def _odd_length(file: GgufFile, alignment: int) -> int:
    """How long a text makes the data begin at a multiple of `alignment` that is none of 32."""
    trial = GgufFile(alignment=alignment, keys=list(file.keys))
    trial.string("general.description", "")
    for name, shape in _tensors():
        trial.tensor(name, shape, "F32")
    header = len(trial.build()) - sum(tensor_bytes(s, k) for _, s, k in trial.tensors)
    return (alignment - header) % 32


def _header(kind: Kind, template: str) -> GgufFile:
    file = GgufFile()
    file.string("general.architecture", "qwen2").string("general.name", "random weights")
    file.scalar("general.file_type", U32, 7 if kind == "Q8_0" else 1)
    sizes = {
        "context_length": 8192,
        "embedding_length": WIDTH,
        "block_count": BLOCKS,
        "feed_forward_length": FEED_FORWARD,
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS_KV,
    }
    for key, value in sizes.items():
        file.scalar(f"qwen2.{key}", U32, value)
    file.scalar("qwen2.attention.layer_norm_rms_epsilon", F32, 1e-6)
    file.scalar("qwen2.rope.freq_base", F32, 1e6)
    words = [f"word{i}" for i in range(VOCABULARY - 256 - len(SPECIAL))]
    types = [1] * (VOCABULARY - len(SPECIAL)) + [3] * 3 + [4] * 2
    file.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "qwen2")
    file.strings("tokenizer.ggml.tokens", [*byte_letters(), *words, *SPECIAL])
    file.numbers("tokenizer.ggml.token_type", I32, types)
    file.strings("tokenizer.ggml.merges", ["a b"])
    file.scalar("tokenizer.ggml.eos_token_id", U32, EOS)
    file.scalar("tokenizer.ggml.add_bos_token", BOOL, False)
    return file.string("tokenizer.chat_template", template)


def byte_letters() -> list[str]:
    """The letter of each byte in GPT-2's vocabularies."""
    plain = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(b) if b in plain else chr(256 + others.index(b)) for b in range(256)]


def _tensors() -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, the row's length first as GGUF has it (embeddings tied)."""
    kv = WIDTH // HEADS * HEADS_KV
    found: list[tuple[str, tuple[int, ...]]] = [("token_embd.weight", (WIDTH, VOCABULARY))]
    for block in range(BLOCKS):
        shapes: dict[str, tuple[int, ...]] = {
            "attn_norm.weight": (WIDTH,),
            "attn_q.weight": (WIDTH, WIDTH),
            "attn_q.bias": (WIDTH,),
            "attn_k.weight": (WIDTH, kv),
            "attn_k.bias": (kv,),
            "attn_v.weight": (WIDTH, kv),
            "attn_v.bias": (kv,),
            "attn_output.weight": (WIDTH, WIDTH),
            "ffn_norm.weight": (WIDTH,),
            "ffn_gate.weight": (WIDTH, FEED_FORWARD),
            "ffn_up.weight": (WIDTH, FEED_FORWARD),
            "ffn_down.weight": (FEED_FORWARD, WIDTH),
        }
        found += [(f"blk.{block}.{name}", shape) for name, shape in shapes.items()]
    return [*found, ("output_norm.weight", (WIDTH,))]


def _data(rng: np.random.Generator, name: str, shape: tuple[int, ...], type_name: str) -> bytes:
    if "norm" in name:
        return np.ones(shape, dtype="<f4").tobytes()
    spread = np.float32(0.25 if name.startswith("token_embd") else 0.15)
    values = rng.standard_normal(shape[::-1], dtype=np.float32) * spread
    if type_name == "Q8_0":
        return _q8_0(values)
    return values.astype("<f2" if type_name == "F16" else "<f4").tobytes()


def _q8_0(values: NDArray[np.float32]) -> bytes:
    """Blocks of 32: a half-precision scale, then signed bytes."""
    blocks = values.reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1) / 127
    packed = np.zeros(len(blocks), dtype=[("scale", "<f2"), ("bytes", "i1", 32)])
    packed["scale"] = scale
    packed["bytes"] = np.rint(blocks / scale[:, None])
    return packed.tobytes()
