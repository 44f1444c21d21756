"""Writes a tiny model with random weights: its text is noise, its arithmetic is real.

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
Memory = Literal["plain", "windowed", "recurrent", "hybrid"]
WINDOW = 64
ARCHITECTURES: Mapping[Memory, str] = MappingProxyType(
    {"plain": "qwen2", "windowed": "cohere2", "recurrent": "mamba2", "hybrid": "lfm2"}
)
_INNER, _STATE, _RANK = 128, 16, 4  # of the recurrent model


def write_tiny_model(
    path: Path,
    kind: Kind,
    *,
    seed: int = 1,
    template: str = TEMPLATE,
    sampling: Mapping[str, float | str] = MappingProxyType({}),
    alignment: int = 32,
    memory: Memory = "plain",
) -> Path:
    """Write the model; matrices have the type `kind`, vectors are F32.

    `memory` is what it keeps of the past: every token, in one layer of two the last `WINDOW` tokens
    only, a state that goes on with each token, or such a state in one layer and every token in the
    other.

    `sampling` holds what the model recommends, by its keys behind ``general.sampling.``. With an
    `alignment` of 8 or 16 its tensors lie where llama.cpp cannot map them.
    """
    file = _header(kind, template, memory)
    if alignment != file.alignment:
        file.alignment = alignment
        file.scalar("general.alignment", U32, alignment)
        file.string("general.description", "x" * _odd_length(file, alignment, memory))
    for key, value in sampling.items():
        name = f"general.sampling.{key}"
        if isinstance(value, str):
            file.string(name, value)
        else:
            file.scalar(name, I32 if isinstance(value, int) else F32, value)
    rng = np.random.default_rng(seed)
    values = b""
    for name, shape in _tensors(memory):
        type_name = kind if len(shape) == 2 and min(shape) >= 32 else "F32"
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


def _odd_length(file: GgufFile, alignment: int, memory: Memory) -> int:
    """How long a text makes the data begin at a multiple of `alignment` that is none of 32."""
    trial = GgufFile(alignment=alignment, keys=list(file.keys))
    trial.string("general.description", "")
    for name, shape in _tensors(memory):
        trial.tensor(name, shape, "F32")
    header = len(trial.build()) - sum(tensor_bytes(s, k) for _, s, k in trial.tensors)
    return (alignment - header) % 32


def _header(kind: Kind, template: str, memory: Memory = "plain") -> GgufFile:
    file = GgufFile()
    architecture = ARCHITECTURES[memory]
    file.string("general.architecture", architecture).string("general.name", "random weights")
    file.scalar("general.file_type", U32, 7 if kind == "Q8_0" else 1)
    sizes = {
        "context_length": 8192,
        "embedding_length": WIDTH,
        "block_count": BLOCKS,
        "feed_forward_length": FEED_FORWARD,
        **_memory_keys(memory),
    }
    for key, value in sizes.items():
        file.scalar(f"{architecture}.{key}", U32, value)
    if memory == "hybrid":
        file.numbers(f"{architecture}.attention.head_count_kv", U32, (0, HEADS_KV))
    file.scalar(f"{architecture}.attention.layer_norm_rms_epsilon", F32, 1e-6)
    if memory == "windowed":
        file.scalar(f"{architecture}.attention.layer_norm_epsilon", F32, 1e-6)
        file.scalar(f"{architecture}.logit_scale", F32, 1.0)
    file.scalar(f"{architecture}.rope.freq_base", F32, 1e6)
    words = [f"word{i}" for i in range(VOCABULARY - 256 - len(SPECIAL))]
    types = [1] * (VOCABULARY - len(SPECIAL)) + [3] * 3 + [4] * 2
    file.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "qwen2")
    file.strings("tokenizer.ggml.tokens", [*byte_letters(), *words, *SPECIAL])
    file.numbers("tokenizer.ggml.token_type", I32, types)
    file.strings("tokenizer.ggml.merges", ["a b"])
    file.scalar("tokenizer.ggml.eos_token_id", U32, EOS)
    file.scalar("tokenizer.ggml.add_bos_token", BOOL, False)
    return file.string("tokenizer.chat_template", template)


def _memory_keys(memory: Memory) -> dict[str, int]:
    if memory == "recurrent":
        ssm = {"conv_kernel": 4, "inner_size": _INNER, "state_size": _STATE, "group_count": 1}
        return {f"ssm.{key}": value for key, value in (*ssm.items(), ("time_step_rank", _RANK))}
    found = {"attention.head_count": HEADS}
    if memory == "hybrid":
        return {**found, "shortconv.l_cache": 3}
    found["attention.head_count_kv"] = HEADS_KV
    if memory == "windowed":
        found |= {"attention.sliding_window": WINDOW, "attention.sliding_window_pattern": 2}
    return found


def byte_letters() -> list[str]:
    """The letter of each byte in GPT-2's vocabularies."""
    plain = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(b) if b in plain else chr(256 + others.index(b)) for b in range(256)]


def _tensors(memory: Memory = "plain") -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, the row's length first as GGUF has it (embeddings tied)."""
    found: list[tuple[str, tuple[int, ...]]] = [("token_embd.weight", (WIDTH, VOCABULARY))]
    for block in range(BLOCKS):
        shapes = _block(memory, block)
        found += [(f"blk.{block}.{name}", shape) for name, shape in shapes.items()]
    return [
        *found,
        ("token_embd_norm.weight" if memory == "hybrid" else "output_norm.weight", (WIDTH,)),
    ]


def _block(memory: Memory, block: int) -> dict[str, tuple[int, ...]]:
    kv = WIDTH // HEADS * HEADS_KV
    norm: dict[str, tuple[int, ...]] = {"attn_norm.weight": (WIDTH,)}
    attention: dict[str, tuple[int, ...]] = {
        "attn_q.weight": (WIDTH, WIDTH),
        "attn_k.weight": (WIDTH, kv),
        "attn_v.weight": (WIDTH, kv),
        "attn_output.weight": (WIDTH, WIDTH),
    }
    biases: dict[str, tuple[int, ...]] = {
        "attn_q.bias": (WIDTH,),
        "attn_k.bias": (kv,),
        "attn_v.bias": (kv,),
    }
    feed_forward: dict[str, tuple[int, ...]] = {
        "ffn_gate.weight": (WIDTH, FEED_FORWARD),
        "ffn_up.weight": (WIDTH, FEED_FORWARD),
        "ffn_down.weight": (FEED_FORWARD, WIDTH),
    }
    if memory == "recurrent":
        mixed = _INNER + 2 * _STATE
        return {
            **norm,
            "ssm_in.weight": (WIDTH, _INNER + mixed + _RANK),
            "ssm_conv1d.weight": (4, mixed),
            "ssm_conv1d.bias": (mixed,),
            "ssm_dt.bias": (_RANK,),
            "ssm_a": (1, _RANK),
            "ssm_d": (1, _RANK),
            "ssm_norm.weight": (_INNER, 1),
            "ssm_out.weight": (_INNER, WIDTH),
        }
    if memory == "windowed":
        return {**norm, **attention, **feed_forward}
    if memory == "plain":
        return {**norm, **attention, **biases, "ffn_norm.weight": (WIDTH,), **feed_forward}
    if block == 0:
        attention = {
            "shortconv.conv.weight": (3, WIDTH),
            "shortconv.in_proj.weight": (WIDTH, 3 * WIDTH),
            "shortconv.out_proj.weight": (WIDTH, WIDTH),
        }
    else:
        head = WIDTH // HEADS
        attention |= {"attn_q_norm.weight": (head,), "attn_k_norm.weight": (head,)}
    return {**norm, **attention, "ffn_norm.weight": (WIDTH,), **feed_forward}


def _data(rng: np.random.Generator, name: str, shape: tuple[int, ...], type_name: str) -> bytes:
    if "norm" in name:
        return np.ones(shape, dtype="<f4").tobytes()
    if name.endswith("ssm_a"):  # a decay must be negative
        return np.full(shape, -0.5, dtype="<f4").tobytes()
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
