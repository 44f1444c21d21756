"""What llama.cpp says it would allocate is what it allocates, and is asked once."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.engine.dry_load import DryLoad
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.models.memory import estimate
from qwqdesk.models.parts import read_model_header
from qwqdesk.models.shape import model_shape
from qwqdesk.session import Session
from qwqdesk.store.history import History
from tests.native.conftest import SETTINGS
from tests.tiny_model import tiny_file

MIB = 1 << 20


@pytest.fixture
def dry_load(tmp_path: Path) -> DryLoad:
    return DryLoad(tmp_path / "dry_loads.json")


def test_it_measures_what_a_load_allocates(dry_load: DryLoad, models: dict[str, Path]) -> None:
    rows = dry_load((models["F16"],), SETTINGS, (1024, 4096))
    assert [row[:2] for row in rows] == [(1024, 1), (4096, 1), (1024, 4), (4096, 4)]
    shape = model_shape(read_model_header(models["F16"]))
    for n_ctx, lanes, cache, buffers in rows:
        assert cache == estimate(shape, n_ctx, lanes=lanes).kv_cpu
        assert 0 < buffers < estimate(shape, n_ctx, lanes=lanes).compute_cpu
    library = LlamaLibrary()
    settings = replace(SETTINGS, n_ctx=4096)
    model = LlamaModel(
        library, models["F16"], settings, use_extra_bufts=False, progress=lambda _: True
    )
    context = LlamaContext(model, streams=4, lanes=4, unified=False)
    real = [
        float(line.split("buffer size =")[1].split()[0])
        for line in library.messages
        if "compute buffer size" in line or "output buffer size" in line
    ]
    context.close()
    model.close()
    assert sum(real) * MIB == pytest.approx(rows[-1][3], abs=MIB / 50)


def test_settings_that_change_sizes_are_measured_anew_and_others_are_not(
    dry_load: DryLoad, models: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(models["F16"].read_bytes())
    plain = dry_load((path,), SETTINGS, (512, 2048))
    quantized = dry_load((path,), replace(SETTINGS, type_k="q8_0", type_v="q8_0"), (512, 2048))
    assert quantized[1][2] == pytest.approx(plain[1][2] * 34 / 64, rel=0.03)
    broken = DryLoad(dry_load.remembered, python=str(tmp_path / "no python"))
    assert broken((path,), replace(SETTINGS, n_threads=2, use_mlock=True), (512, 2048)) == plain
    assert broken((path,), SETTINGS, (512, 4096)) == ()
    os.utime(path, (1, 1))
    assert broken((path,), SETTINGS, (512, 2048)) == (), "the file has changed"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"x": 3}', '{"x": [[1, 2, 3]]}', '{"x": [[1, 2, 3, -4]]}']
)
def test_a_broken_memory_is_measured_again(
    dry_load: DryLoad, models: dict[str, Path], text: str
) -> None:
    dry_load.remembered.write_text(text)
    assert len(dry_load((models["F16"],), SETTINGS, (512,))) == 2
    if text:
        assert len(json.loads(dry_load.remembered.read_text())) == 1


def test_what_llama_cpp_refuses_or_dies_of_is_not_known(dry_load: DryLoad, tmp_path: Path) -> None:
    file = tiny_file().without("qwen2.embedding_length")
    assert dry_load((file.write(tmp_path / "refused.gguf"),), SETTINGS, (512,)) == ()
    deadly = EngineSettings(override_kv=(("qwen2.block_count", 0),))
    assert dry_load((tiny_file().write(tmp_path / "m.gguf"),), deadly, (512,)) == ()
    assert dry_load((tmp_path / "gone.gguf",), SETTINGS, (512,)) == ()
    assert not dry_load.remembered.exists()


def test_a_session_plans_an_unknown_architecture_by_it(dry_load: DryLoad, tmp_path: Path) -> None:
    path = tiny_file().as_architecture("smollm3").write(tmp_path / "m.gguf")
    engine = Engine(extra_buffers_safe=lambda: False, dry_load=dry_load)
    session = Session(engine, History(None))

    async def load() -> None:
        async for _ in session.load(path, SETTINGS):
            pass

    try:
        asyncio.run(load())
    finally:
        assert engine.close()
    assert session.loaded is not None
    assert session.loaded.model.architecture == "smollm3"
    assert session.plan is not None
    measured = session.plan.shape.measured
    assert [row[:2] for row in measured] == [(512, 1), (1536, 1), (512, 4), (1536, 4)]
    assert len(json.loads(dry_load.remembered.read_text())) == 1
    assert session.plan.lanes_fit(4)
