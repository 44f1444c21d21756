"""Writes a GGUF of a given shape with random weights, for timings (its text is noise).

The default has the shape of Qwen2.5-0.5B in Q8_0: `uv run --group bench python
tests/bench/make_model.py OUT.gguf`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")


@dataclass(frozen=True)
class Shape:
    """Sizes of a Qwen2 model."""

    vocabulary: int = 151_936
    width: int = 896
    feed_forward: int = 4864
    blocks: int = 24
    heads: int = 14
    heads_kv: int = 2
    context: int = 32_768


TINY = Shape(vocabulary=1024, width=128, feed_forward=256, blocks=2, heads=4, heads_kv=2)


def tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all tensors (embeddings tied)."""
    kv = shape.width // shape.heads * shape.heads_kv
    yield "token_embd.weight", (shape.vocabulary, shape.width)
    yield "output_norm.weight", (shape.width,)
    for block in range(shape.blocks):
        p = f"blk.{block}."
        yield p + "attn_norm.weight", (shape.width,)
        yield p + "attn_q.weight", (shape.width, shape.width)
        yield p + "attn_q.bias", (shape.width,)
        yield p + "attn_k.weight", (kv, shape.width)
        yield p + "attn_k.bias", (kv,)
        yield p + "attn_v.weight", (kv, shape.width)
        yield p + "attn_v.bias", (kv,)
        yield p + "attn_output.weight", (shape.width, shape.width)
        yield p + "ffn_norm.weight", (shape.width,)
        yield p + "ffn_gate.weight", (shape.feed_forward, shape.width)
        yield p + "ffn_up.weight", (shape.feed_forward, shape.width)
        yield p + "ffn_down.weight", (shape.width, shape.feed_forward)


def write_model(path: Path, shape: Shape, *, quantized: bool = True, seed: int = 0) -> None:
    """Write the file; matrices in Q8_0 (or F16), vectors in F32."""
    writer = gguf.GGUFWriter(str(path), "qwen2")
    writer.add_name("random weights")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.blocks)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads_kv)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_file_type(7 if quantized else 1)
    _add_vocabulary(writer, shape)
    rng = np.random.default_rng(seed)
    for name, size in tensors(shape):
        _add_tensor(writer, name, _values(rng, name, size), quantized=quantized)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """256 byte tokens first (as GPT-2 maps bytes to letters), then filler words, then specials."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    rest = (byte for byte in range(256) if byte not in letters)
    letters.update({byte: chr(256 + i) for i, byte in enumerate(rest)})
    tokens = [letters[byte] for byte in range(256)]
    tokens += [f"word{i}" for i in range(shape.vocabulary - len(tokens) - len(SPECIAL))]
    tokens += SPECIAL
    types = [gguf.TokenType.NORMAL] * (len(tokens) - len(SPECIAL))
    types += [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.USER_DEFINED] * 2
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(len(tokens) - 3)
    writer.add_add_bos_token(False)


def _values(rng: np.random.Generator, name: str, size: tuple[int, ...]) -> NDArray[np.float32]:
    if "norm" in name:
        return np.ones(size, dtype=np.float32)
    return rng.standard_normal(size, dtype=np.float32) * np.float32(0.02)


def _add_tensor(
    writer: gguf.GGUFWriter, name: str, values: NDArray[np.float32], *, quantized: bool
) -> None:
    if values.ndim == 1:
        writer.add_tensor(name, values)
    elif quantized:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    else:
        writer.add_tensor(name, values.astype(np.float16))


def main() -> None:
    """Write one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tiny", action="store_true", help="a model of under 1 MB")
    parser.add_argument("--f16", action="store_true", help="F16 in place of Q8_0")
    options = parser.parse_args()
    shape = TINY if options.tiny else Shape()
    write_model(options.out, shape, quantized=not options.f16)


if __name__ == "__main__":
    main()
