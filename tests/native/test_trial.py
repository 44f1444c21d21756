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
from tests.native.conftest import SETTINGS
from tests.native.driving import drain
from tests.tiny_model import byte_letters
from tests.unit.models.gguf_writer import BOOL, F32, I32, U32, GgufFile


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


def write_bert(path: Path) -> Path:
    """An embedding model of zeros."""
    width, blocks, forward, length = 32, 1, 64, 64
    file = GgufFile()
    file.string("general.architecture", "bert")
    sizes = {
        "context_length": length,
        "embedding_length": width,
        "block_count": blocks,
        "feed_forward_length": forward,
        "attention.head_count": 2,
        "pooling_type": 1,
    }
    for key, value in sizes.items():
        file.scalar(f"bert.{key}", U32, value)
    file.scalar("bert.attention.layer_norm_epsilon", F32, 1e-12)
    file.scalar("bert.attention.causal", BOOL, False)
    file.scalar("tokenizer.ggml.token_type_count", U32, 2)
    file.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "qwen2")
    letters = byte_letters()
    file.strings("tokenizer.ggml.tokens", letters)
    file.numbers("tokenizer.ggml.token_type", I32, [1] * len(letters))
    file.strings("tokenizer.ggml.merges", ["a b"])
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (width, len(letters)),
        "token_types.weight": (width, 2),
        "position_embd.weight": (width, length),
        "token_embd_norm.weight": (width,),
        "token_embd_norm.bias": (width,),
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        shapes[f"blk.0.{name}.weight"] = (width, width)
        shapes[f"blk.0.{name}.bias"] = (width,)
    for name in ("attn_output_norm", "layer_output_norm"):
        shapes[f"blk.0.{name}.weight"] = (width,)
        shapes[f"blk.0.{name}.bias"] = (width,)
    shapes["blk.0.ffn_up.weight"] = (width, forward)
    shapes["blk.0.ffn_down.weight"] = (forward, width)
    for name, shape in shapes.items():
        file.tensor(name, shape, "F32")
    path.write_bytes(file.build())
    return path


def test_an_embedding_model_is_refused(tmp_path: Path) -> None:
    path = write_bert(tmp_path / "bert.gguf")
    engine = Engine(extra_buffers_safe=never)
    try:
        with pytest.raises(UserError, match="does not write text") as caught:
            drain(engine.load(LoadRequest(path, SETTINGS, quantized=False)))
        assert caught.value.code == "architecture"
        assert engine.state == "empty"
    finally:
        assert engine.close()
