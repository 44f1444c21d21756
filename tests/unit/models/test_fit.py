"""Whether models fit: a real header's numbers against free memory."""

from __future__ import annotations

from dataclasses import replace

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.models.fit import FreeMemory, fit, scaled
from qwqdesk.models.shape import ModelShape

GB = 10**9
QWQ = ModelShape(
    architecture="qwen2",
    block_count=64,
    context_length=131072,
    embedding_length=5120,
    feed_forward_length=27648,
    head_count=40,
    head_count_kv=(8,) * 64,
    key_length=128,
    value_length=128,
    vocabulary_size=152064,
    parameter_count=32_763_876_352,
    layer_bytes=(290_000_000,) * 64,
    input_bytes=430_000_000,
    output_bytes=640_000_000,
    tied_output=False,
    file_size=19_800_000_000,
)


def test_a_model_goes_where_there_is_room() -> None:
    assert fit(QWQ, FreeMemory(64 * GB, 48 * GB)).kind == "gpu"
    partial = fit(QWQ, FreeMemory(64 * GB, 12 * GB))
    assert partial.kind == "partial"
    assert partial.words == f"{partial.gpu_layers} of 65 layers on GPU"
    assert fit(QWQ, FreeMemory(64 * GB)).words == "CPU only"
    assert fit(QWQ, FreeMemory(8 * GB)).kind == "no"


def test_the_cache_counts() -> None:
    free = FreeMemory(25 * GB)
    assert fit(QWQ, free).kind == "cpu"
    long = EngineSettings(n_ctx=65536)
    assert fit(QWQ, free, long).kind == "no"
    assert fit(QWQ, FreeMemory(30 * GB), replace(long, type_k="q8_0", type_v="q8_0")).kind == "cpu"


def test_a_sibling_is_judged_by_its_size() -> None:
    half = scaled(QWQ, 10 * GB)
    assert abs(half.weight_bytes - 10 * GB) < 1000
    assert fit(half, FreeMemory(16 * GB)).kind == "cpu"
    shard = scaled(replace(QWQ, layer_bytes=(290_000_000,) * 30 + (0,) * 34), 66 * GB)
    assert abs(shard.weight_bytes - 66 * GB) < 1000
    assert fit(shard, FreeMemory(64 * GB)).kind == "no"


def test_a_fit_says_what_takes_the_memory() -> None:
    found = fit(QWQ, FreeMemory(64 * GB), EngineSettings(n_ctx=8192))
    assert found.cache == 64 * 8 * 128 * 2 * 2 * 8192
    assert found.needed == QWQ.weight_bytes + found.cache + found.buffers
