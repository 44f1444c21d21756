"""A file or an override on which llama.cpp would end the process is refused in words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.trial import LoadTrial
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from tests.unit.engine.conftest import SETTINGS
from tests.unit.engine.driving import drain


def never() -> bool:
    return False


@pytest.fixture
def trial(tmp_path: Path) -> LoadTrial:
    return LoadTrial(tmp_path / "trials.json", tmp_path / "trusted")


def overriding(key: str, value: int | str) -> EngineSettings:
    return EngineSettings(n_ctx=512, n_gpu_layers=0, override_kv=((key, value),))


def test_an_override_that_aborts_is_refused_and_the_engine_stays_usable(
    trial: LoadTrial, models: dict[str, Path]
) -> None:
    engine = Engine(extra_buffers_safe=never, trial=trial)
    try:
        settings = overriding("qwen2.rope.scaling.type", "bogus")
        with pytest.raises(UserError, match="crash") as caught:
            drain(engine.load(LoadRequest(models["F16"], settings, quantized=False)))
        assert caught.value.code == "load"
        assert "override" in caught.value.what_to_do
        drain(engine.load(LoadRequest(models["F16"], SETTINGS, quantized=False)))
        assert engine.state == "ready"
    finally:
        assert engine.close()


def test_what_passed_is_remembered_until_the_file_changes(
    trial: LoadTrial, models: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(models["F16"].read_bytes())
    trial(path, SETTINGS, never)
    assert len(json.loads(trial.remembered.read_text())) == 1
    broken = LoadTrial(trial.remembered, trial.trusted, python=str(tmp_path / "no python"))
    broken(path, SETTINGS, never)
    os.utime(path, (1, 1))
    trial(path, SETTINGS, never)
    assert len(json.loads(trial.remembered.read_text())) == 2


def test_own_models_are_tried_only_with_overrides(models: dict[str, Path], tmp_path: Path) -> None:
    trial = LoadTrial(tmp_path / "trials.json", models["F16"].parent)
    trial(models["F16"], SETTINGS, never)
    assert not trial.remembered.exists()
    with pytest.raises(UserError, match="crash"):
        trial(models["F16"], overriding("qwen2.block_count", 0), never)


def test_a_file_that_is_refused_in_words_is_left_to_the_load(
    trial: LoadTrial, tmp_path: Path
) -> None:
    path = tmp_path / "no model.gguf"
    path.write_bytes(b"nothing")
    trial(path, SETTINGS, never)


def test_without_a_child_process_nothing_is_claimed(tmp_path: Path) -> None:
    trial = LoadTrial(tmp_path / "trials.json", tmp_path, python=str(tmp_path / "missing"))
    trial(tmp_path / "x.gguf", overriding("a", 1), never)
    assert not trial.remembered.exists()


def test_cancelling_ends_the_child(models: dict[str, Path], tmp_path: Path) -> None:
    trial = LoadTrial(tmp_path / "trials.json", tmp_path / "trusted")
    trial(models["F16"], overriding("qwen2.block_count", 0), lambda: True)
    assert not trial.remembered.exists()
