"""Models whose memory no formula describes: what llama.cpp said in a dry load counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.load_plan import measured_memory, plan_load
from qwqdesk.models.memory import contexts_to_measure, estimate
from qwqdesk.models.parts import read_model_header
from qwqdesk.models.shape import ModelShape, model_shape
from tests.unit.models.gguf_writer import GgufFile, small_model

MIB = 1 << 20
FIXED = 16 * MIB
# Caches: 1 MiB of state and 2 KiB a token for each lane. Buffers: 10 MiB, 1 KiB a token, 2 a lane.
ROWS = tuple(
    (n_ctx, lanes, lanes * (MIB + 2048 * n_ctx), 10 * MIB + 1024 * n_ctx + 2 * MIB * lanes)
    for lanes in (1, 4)
    for n_ctx in (1024, 4096)
)


def strange() -> GgufFile:
    """A model of an architecture that is in no table."""
    return small_model().as_architecture("qwen97")


@pytest.fixture
def shape(tmp_path: Path) -> ModelShape:
    path = strange().write(tmp_path / "m.gguf")
    return replace(model_shape(read_model_header(path)), measured=ROWS)


@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
@pytest.mark.parametrize("n_ctx", [512, 1024, 2048, 4096, 8192])
def test_what_was_measured_counts_between_and_beyond_the_measured_points(
    shape: ModelShape, n_ctx: int, lanes: int
) -> None:
    found = estimate(shape, n_ctx, lanes=lanes)
    caches = lanes * (MIB + 2048 * n_ctx)
    buffers = 10 * MIB + 1024 * n_ctx + 2 * MIB * lanes
    assert found.kv_cpu == pytest.approx(caches, abs=len(shape.layer_bytes))
    assert found.compute_cpu == pytest.approx(FIXED + buffers, abs=2)


def test_fast_mode_keeps_states_twice_and_looks_at_all_cells(shape: ModelShape) -> None:
    found = estimate(shape, 1024, lanes=4, shared=True)
    assert found.kv_cpu == pytest.approx(4 * (2 * MIB + 2048 * 1024), abs=4)
    assert found.compute_cpu == pytest.approx(FIXED + 10 * MIB + 1024 * 4096 + 8 * MIB, abs=2)


def test_layers_on_the_gpu_take_their_share(shape: ModelShape) -> None:
    whole = estimate(shape, 4096)
    half = estimate(shape, 4096, n_gpu_layers=2)
    assert half.kv_gpu == pytest.approx(whole.kv_cpu / 2, abs=2)
    assert estimate(shape, 4096, n_gpu_layers=3).kv_cpu == 0


@pytest.mark.parametrize(
    ("n_ctx", "expected"),
    [(0, (1024, 4096)), (8192, (2048, 8192)), (1000, (256, 1024)), (100, (256, 1024))],
)
def test_contexts_are_measured_around_the_one_that_is_asked_for(
    shape: ModelShape, n_ctx: int, expected: tuple[int, int]
) -> None:
    assert contexts_to_measure(shape, n_ctx) == expected


CPU = DeviceMemory("CPU", "a processor", "cpu", 1 << 40, 1 << 40)


def test_a_plan_believes_the_dry_load_only_where_no_formula_is_known(tmp_path: Path) -> None:
    asked: list[object] = []

    def dry_load(*arguments: object) -> tuple[tuple[int, int, int, int], ...]:
        asked.append(arguments)
        return ROWS

    known = small_model().write(tmp_path / "known.gguf")
    header = read_model_header(known)
    assert measured_memory(known, header, EngineSettings(), dry_load) == ()  # type: ignore[arg-type]
    assert not asked
    path = strange().write(tmp_path / "m.gguf")
    header = read_model_header(path)
    measured = measured_memory(path, header, EngineSettings(), dry_load)  # type: ignore[arg-type]
    assert asked == [((path,), EngineSettings(), (1024, 4096))]
    plan = plan_load(path, header, EngineSettings(), (CPU,), measured)
    assert plan.shape.measured == ROWS
    huge = tuple((n, lanes, 1 << 60, buffers) for n, lanes, _, buffers in ROWS)
    with pytest.raises(UserError) as caught:
        plan_load(path, header, EngineSettings(), (CPU,), huge)
    assert caught.value.code == "memory"
