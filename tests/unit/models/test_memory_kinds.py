"""Memories other than the plain one: the estimate against what llama.cpp allocated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from qwqdesk.models.gguf import read_header
from qwqdesk.models.memory import estimate
from qwqdesk.models.shape import ModelShape, kv_bytes_by_layer, model_shape
from tests.unit.models.gguf_writer import BOOL, U32, GgufFile

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
WINDOW = {**PLAIN, "attention.sliding_window": 64, "attention.sliding_window_pattern": 2}
SHORT_KEYS = {
    f"attention.{name}": 64
    for name in ("key_length", "value_length", "key_length_swa", "value_length_swa")
}
SMALL = {"embedding_length": 128, "feed_forward_length": 192, "attention.head_count": 1}
CASES = [
    ("llama", PLAIN, (), (64.0, 35.5), (256.0, 35.5), (256.0, 131.6)),
    ("gemma3", WINDOW, (), (32.8, 36.0), (131.0, 36.1), (131.0, 36.1)),
    ("cohere2moe", WINDOW, (), (32.8, 35.8), (131.0, 35.8), (131.0, 35.8)),
    ("muse-glimmer", {**WINDOW, **SHORT_KEYS}, (), (16.4, 35.3), (65.5, 35.3), (65.5, 35.3)),
    ("lfm2", WINDOW, (2, 0), (0.8, 3.8), (3.0, 3.8), (3.0, 3.8)),
    (
        "smallthinker",
        {**WINDOW, "attention.sliding_window": 512},
        (),
        (36.5, 39.5),
        (146.0, 39.6),
        (146.0, 39.6),
    ),
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
    check(shape, (one, four, shared))


@pytest.mark.parametrize(
    ("architecture", "heads", "one", "four"),
    [
        ("gemma3", (), (64.0, 67.0), (256.0, 67.0)),
        ("gpt-oss", (), (64.0, 67.0), (256.0, 67.0)),
        ("lfm2", (2, 0), (32.0, 35.0), (128.0, 35.0)),
    ],
)
def test_a_full_window_cache_keeps_all(
    tmp_path: Path,
    architecture: str,
    heads: tuple[int, ...],
    one: tuple[float, float],
    four: tuple[float, float],
) -> None:
    shape = model_shape(read_header(header(tmp_path, architecture, WINDOW, heads)))
    check(shape, (one, four, four), swa_full=True)


def test_windows_with_heads_of_their_own_and_layers_without_a_cache(tmp_path: Path) -> None:
    file = GgufFile().string("general.architecture", "gemma4")
    file.scalar("gemma4.block_count", U32, 6).scalar("gemma4.attention.head_count", U32, 2)
    file.scalar("gemma4.embedding_length", U32, 256)
    file.scalar("gemma4.attention.sliding_window", U32, 512)
    file.scalar("gemma4.attention.shared_kv_layers", U32, 2)
    file.scalar("gemma4.attention.key_length_swa", U32, 64)
    file.numbers("gemma4.attention.sliding_window_pattern", BOOL, (1, 1, 1, 0, 1, 0))
    made = file.tensor("token_embd.weight", (256, 32), "F16").write(tmp_path / "m.gguf")
    shape = model_shape(read_header(made))
    assert (shape.window, shape.windowed) == (512, (True, True, True, False, True, False))
    assert shape.head_count_kv == (2, 2, 2, 2, 0, 0), "the last ones look into others' caches"
    assert kv_bytes_by_layer(shape, "f16", "f16") == [768, 768, 768, 1024, 0, 0]


@pytest.mark.parametrize(
    ("architecture", "keys", "window", "full"),
    [
        ("gemma2", {}, 4096, {1, 3, 5, 7}),
        ("llama4", {}, 8192, {3, 7}),
        ("llama4", {"attention.sliding_window": 0}, 0, set()),
        ("phi3", {"attention.sliding_window": 512}, 0, set()),
        ("olmo2", {}, 0, set()),
        ("laguna", {"attention.sliding_window": 512}, 512, {0, 4}),
        ("gemma3", {"attention.sliding_window": 512}, 512, {5}),
        ("exaone4", {"attention.sliding_window": 512}, 0, set()),
    ],
)
def test_which_layers_have_a_window(
    tmp_path: Path, architecture: str, keys: dict[str, int], window: int, full: set[int]
) -> None:
    made = header(tmp_path, architecture, {**PLAIN, **keys, "block_count": 8}, ())
    shape = model_shape(read_header(made))
    assert shape.window == window
    assert {layer for layer, windowed in enumerate(shape.windowed) if not windowed} == full


def check(
    shape: ModelShape, expected: Sequence[tuple[float, float]], *, swa_full: bool = False
) -> None:
    """Caches and buffers in MiB for one lane, for four, and for four in fast mode."""
    ways = ((1, False), (4, False), (4, True))
    for (cache, buffers), (lanes, together) in zip(expected, ways, strict=True):
        found = estimate(shape, N_CTX, lanes=lanes, shared=together, swa_full=swa_full)
        assert found.kv_cpu / MIB == pytest.approx(cache, rel=0.01, abs=0.06), "caches are exact"
        allocated = (cache + buffers) * MIB
        assert abs(found.kv_cpu + found.compute_cpu - allocated) <= max(32 * MIB, allocated / 10)
