"""Memories other than the plain one: the estimate against what llama.cpp allocated."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.models.gguf import read_header
from qwqdesk.models.memory import estimate
from qwqdesk.models.shape import model_shape
from tests.unit.models.gguf_writer import U32, GgufFile

MIB = 1 << 20
N_CTX = 32768
# Keys of llama.cpp's own test models (tests/test-llama-archs.cpp) as far as memory needs them, and
# what a dry load of them said in MiB: caches and states, then buffers; for one lane, for four with
# their own caches, and for four in one cache.
SSM = {"ssm.conv_kernel": 4, "ssm.inner_size": 512, "ssm.state_size": 128, "ssm.group_count": 2}
LATENT = {
    "attention.key_length": 576,
    "attention.value_length": 512,
    "attention.key_length_mla": 192,
    "attention.kv_lora_rank": 512,
    "attention.indexer.key_length": 128,
}
PLAIN = {"embedding_length": 256, "feed_forward_length": 384, "attention.head_count": 2}
SMALL = {"embedding_length": 128, "feed_forward_length": 192, "attention.head_count": 1}
CASES = [
    ("llama", PLAIN, (), (64.0, 35.5), (256.0, 35.5), (256.0, 131.6)),
    ("gemma3", {**PLAIN, "attention.sliding_window": 64}, (), (64, 67), (256, 67), (256, 259)),
    ("mamba2", {**PLAIN, **SSM}, (), (0.5, 9.5), (2.1, 10.7), (4.2, 11.8)),
    ("jamba", {**PLAIN, **SSM}, (2, 0), (32.3, 35.0), (129.0, 35.0), (130.1, 131.1)),
    ("falcon-h1", {**PLAIN, **SSM}, (), (64.5, 42.0), (258.1, 42.1), (260.2, 140.3)),
    (
        "qwen35",
        {**PLAIN, **SSM, "ssm.inner_size": 256, "full_attention_interval": 2},
        (),
        (32.1, 38.0),
        (128.5, 38.1),
        (129.1, 135.7),
    ),
    ("deepseek2", {**SMALL, **LATENT}, (), (72.0, 36.5), (288.0, 36.5), (288.0, 132.6)),
    ("deepseek32", {**SMALL, **LATENT}, (), (88.0, 340.5), (352.0, 340.5), (352.0, 1300.5)),
    (
        "kimi-linear",
        {**SMALL, **LATENT, "kda.head_dim": 128, "ssm.conv_kernel": 4},
        (1, 0),
        (36.1, 37.4),
        (144.3, 37.4),
        (144.5, 133.4),
    ),
    ("grok", PLAIN, (), (64.0, 195.5), (256.0, 195.5), (256.0, 771.6)),
]


def header(path: Path, architecture: str, keys: dict[str, int], heads: tuple[int, ...]) -> Path:
    file = GgufFile().string("general.architecture", architecture)
    file.scalar("general.file_type", U32, 1)
    for key, value in {"block_count": 2, "context_length": 4096, **keys}.items():
        file.scalar(f"{architecture}.{key}", U32, value)
    if heads:
        file.numbers(f"{architecture}.attention.head_count_kv", U32, heads)
    file.strings("tokenizer.ggml.tokens", [f"t{number}" for number in range(2048)])
    file.tensor("token_embd.weight", (keys["embedding_length"], 32), "F16")
    return file.write(path / "m.gguf")


@pytest.mark.parametrize(
    ("architecture", "keys", "heads", "one", "four", "shared"), CASES, ids=[c[0] for c in CASES]
)
def test_within_a_tenth_or_32_mib_of_what_llama_cpp_allocates(
    tmp_path: Path,
    architecture: str,
    keys: dict[str, int],
    heads: tuple[int, ...],
    one: tuple[float, float],
    four: tuple[float, float],
    shared: tuple[float, float],
) -> None:
    shape = model_shape(read_header(header(tmp_path, architecture, keys, heads)))
    for (cache, buffers), lanes, together in (
        (one, 1, False),
        (four, 4, False),
        (shared, 4, True),
    ):
        found = estimate(shape, N_CTX, lanes=lanes, shared=together)
        assert found.kv_cpu / MIB == pytest.approx(cache, rel=0.01, abs=0.06), "caches are exact"
        allocated = (cache + buffers) * MIB
        assert abs(found.kv_cpu + found.compute_cpu - allocated) <= max(32 * MIB, allocated / 10)
