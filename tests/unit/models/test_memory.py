"""Memory estimates: exact where the arithmetic is, monotonic everywhere, and used to choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.models.gguf import read_header
from qwqdesk.models.memory import (
    FreeMemory,
    choose_context,
    choose_gpu_layers,
    estimate,
    require_fit,
)
from qwqdesk.models.shape import ModelShape, kv_bytes_per_token, model_shape
from tests.unit.models.gguf_writer import small_model

MIB = 1 << 20
TINY = model_shape(read_header(small_model().build()))
QWQ = ModelShape(
    architecture="qwen2",
    block_count=64,
    context_length=131_072,
    embedding_length=5120,
    feed_forward_length=27_648,
    head_count=40,
    head_count_kv=(8,) * 64,
    key_length=128,
    value_length=128,
    vocabulary_size=152_064,
    parameter_count=32_763_876_352,
    layer_bytes=(290 * MIB,) * 64,
    input_bytes=420 * MIB,
    output_bytes=610 * MIB,
    tied_output=False,
    file_size=19_850 * MIB,
)


def test_the_cache_is_exact_and_grows_with_the_lanes() -> None:
    assert estimate(QWQ, 32_768).kv_cpu == 8 << 30
    assert estimate(QWQ, 32_768, lanes=4).kv_cpu == 32 << 30
    assert estimate(QWQ, 1).kv_cpu == 256 * kv_bytes_per_token(QWQ)


def test_layers_move_whole_from_one_memory_to_the_other() -> None:
    nothing, half, all_ = (estimate(QWQ, 4096, n_gpu_layers=n) for n in (0, 33, 999))
    assert (nothing.gpu, nothing.weights_cpu) == (0, QWQ.weight_bytes)
    assert half.kv_gpu == half.kv_cpu == nothing.kv_cpu // 2
    assert half.weights_gpu == 32 * 290 * MIB + 610 * MIB
    assert (all_.kv_cpu, all_.weights_cpu) == (0, 420 * MIB)
    tied = estimate(TINY, 512, n_gpu_layers=1)
    assert tied.weights_gpu == TINY.output_bytes + TINY.input_bytes


@given(
    n_ctx=st.integers(1, 200_000),
    lanes=st.integers(1, 4),
    layers=st.integers(-1, 100),
    ubatch=st.integers(1, 4096),
)
def test_more_of_anything_never_needs_less(
    n_ctx: int, lanes: int, layers: int, ubatch: int
) -> None:
    one = estimate(QWQ, n_ctx, lanes=lanes, n_gpu_layers=layers, n_ubatch=ubatch)
    more = estimate(QWQ, n_ctx + 300, lanes=lanes + 1, n_gpu_layers=layers, n_ubatch=ubatch + 1)
    assert one.total < more.total
    assert one.cpu + one.gpu == one.total


def test_the_context_is_the_default_unless_memory_is_short() -> None:
    assert choose_context(QWQ, 1 << 40).n_ctx == 16_384
    assert choose_context(TINY, 1 << 40).n_ctx == 4096
    short = choose_context(QWQ, 22 << 30)
    assert 512 < short.n_ctx < 16_384
    assert "memory is short" in (short.note or "")
    assert estimate(QWQ, short.n_ctx).total <= 22 << 30 < estimate(QWQ, short.n_ctx + 256).total
    assert choose_context(QWQ, 0).n_ctx == 512


def test_as_many_layers_go_to_the_gpu_as_fit() -> None:
    assert choose_gpu_layers(QWQ, 16_384, 80 << 30) == 65
    assert choose_gpu_layers(QWQ, 16_384, 1 << 30) == 0
    some = choose_gpu_layers(QWQ, 16_384, 12 << 30, reserve=0)
    assert 0 < some < 65
    assert estimate(QWQ, 16_384, n_gpu_layers=some).gpu <= 12 << 30
    assert estimate(QWQ, 16_384, n_gpu_layers=some + 1).gpu > 12 << 30


def test_what_cannot_work_is_refused_with_both_numbers() -> None:
    needed = estimate(QWQ, 16_384)
    require_fit(needed, FreeMemory(needed.cpu))
    with pytest.raises(
        UserError, match=r"needs 2\d\.\d\d GB of memory, and 4\.00 GB are free"
    ) as one:
        require_fit(needed, FreeMemory(4_000_000_000))
    assert one.value.code == "memory"
    with pytest.raises(UserError, match="GPU memory"):
        require_fit(estimate(QWQ, 16_384, n_gpu_layers=99), FreeMemory(1 << 40, 1 << 30))
