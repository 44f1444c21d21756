"""Write a checkpoint as GGUF files that llama.cpp reads.

python export.py out/checkpoint.pt --folder ../../resources/models
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from corpus import TEMPLATE_FILE
from model import Shape
from vocabulary import SPECIAL

NAME = "QwQ Desk demo"
CONTEXT = 4096
TYPES = {
    "F16": (gguf.LlamaFileType.MOSTLY_F16, gguf.GGMLQuantizationType.F16),
    "Q8_0": (gguf.LlamaFileType.MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0),
}


def add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """Sizes of the network."""
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads_kv)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_rope_freq_base(shape.rope_theta)


def add_tokenizer(writer: gguf.GGUFWriter, path: Path, size: int) -> None:
    """Vocabulary, merges, special tokens and the chat template."""
    data = json.loads(path.read_text(encoding="utf-8"))
    tokens = [f"[UNUSED{number}]" for number in range(size)]
    types = [gguf.TokenType.UNUSED] * size
    for text, number in data["model"]["vocab"].items():
        tokens[number], types[number] = text, gguf.TokenType.NORMAL
    for number, text in enumerate(SPECIAL):
        control = text.startswith("<|")
        types[number] = gguf.TokenType.CONTROL if control else gguf.TokenType.USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(
        [each if isinstance(each, str) else " ".join(each) for each in data["model"]["merges"]]
    )
    writer.add_bos_token_id(SPECIAL.index("<|endoftext|>"))
    writer.add_eos_token_id(SPECIAL.index("<|im_end|>"))
    writer.add_pad_token_id(SPECIAL.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE_FILE.read_text(encoding="utf-8"))


def write(path: Path, kind: str, state: dict[str, Any], tokenizer: Path, weights: str) -> None:
    """One GGUF file."""
    shape = Shape(**state["shape"])
    file_type, tensor_type = TYPES[kind]
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name(NAME)
    writer.add_description("A tiny model trained from nothing to try QwQ Desk out")
    writer.add_license("MIT")
    writer.add_size_label(f"{sum(w.numel() for w in state['weights'].values()) / 1e6:.1f}M")
    writer.add_file_type(file_type)
    add_shape(writer, shape)
    add_tokenizer(writer, tokenizer, shape.vocabulary)
    for name, tensor in state[weights].items():
        values = tensor.to(torch.float32).numpy()
        if values.ndim == 1:
            writer.add_tensor(name, values)
        elif kind == "F16":
            writer.add_tensor(name, values.astype(np.float16))
        else:
            packed = gguf.quants.quantize(values, tensor_type)
            writer.add_tensor(name, packed, raw_dtype=tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(path.name, path.stat().st_size)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument(
        "--weights", choices=("weights", "mean"), default="weights",
        help="the last weights, or their running mean (for a checkpoint in mid-training)",
    )  # fmt: skip
    args = parser.parse_args()
    state = torch.load(args.checkpoint)
    for kind in TYPES:
        target = args.folder / f"qwqdesk-demo-{kind}.gguf"
        write(target, kind, state, args.checkpoint.parent / "tokenizer.json", args.weights)


if __name__ == "__main__":
    main()
