"""A file or an override on which llama.cpp would end the process is refused in words."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.trial import LoadTrial
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.load_plan import plan_load
from qwqdesk.models.gguf import read_header
from qwqdesk.models.parts import model_files, read_model_header
from qwqdesk.sampling.chain import SamplerChain
from tests.native.conftest import SETTINGS
from tests.native.driving import drain, lanes_of, run_lanes, tokens_of
from tests.tiny_model import byte_letters, write_tiny_model
from tests.unit.models.gguf_writer import BOOL, F32, I32, U16, U32, GgufFile


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


def ending(tmp_path: Path, end: str) -> LoadTrial:
    """A trial whose child does what this line of a shell says."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{end}\n")
    python.chmod(0o700)
    return LoadTrial(tmp_path / "trials.json", tmp_path / "trusted", str(python))


def test_cancelling_ends_the_child_at_once(tmp_path: Path) -> None:
    trial = ending(tmp_path, "exec sleep 60")
    began = time.monotonic()
    trial(tmp_path / "x.gguf", SETTINGS, lambda: time.monotonic() > began + 0.2)
    assert time.monotonic() - began < 20
    assert not trial.remembered.exists()


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        ("kill -KILL $$", "memory", "memory ran out"),
        ("exit 12", "memory", "memory ran out"),
        ('echo "terminate called: what(): std::bad_alloc" >&2; kill -ABRT $$', "memory", "ran out"),
        ("kill -ABRT $$", "load", "crash"),
        ("kill -BUS $$", "load", "crash"),
        ("kill -TERM $$", "load", "was stopped"),
        ("kill -USR1 $$", "load", "was stopped"),
    ],
)
def test_a_trial_that_does_not_end_by_itself_is_a_refusal(
    tmp_path: Path, end: str, code: str, words: str
) -> None:
    trial = ending(tmp_path, end)
    with pytest.raises(UserError, match=words) as caught:
        trial(tmp_path / "x.gguf", SETTINGS, never)
    assert caught.value.code == code
    assert not trial.remembered.exists()


def test_a_trial_that_takes_too_long_is_a_refusal_and_large_files_have_more_time(
    tmp_path: Path,
) -> None:
    model = tmp_path / "x.gguf"
    model.touch()
    trial = replace(ending(tmp_path, "exec sleep 2"), seconds=0.1)
    with pytest.raises(UserError, match="did not come to an end") as caught:
        trial(model, SETTINGS, never)
    assert caught.value.code == "load"
    shard = tmp_path / "y.gguf"
    with shard.open("wb") as file:
        file.truncate(2 << 30)
    trial(model, SETTINGS, never, (model, shard))
    assert trial.remembered.exists()


def test_a_real_trial_in_too_little_memory_is_a_refusal(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(models["F16"].read_bytes())
    os.truncate(path, 200 << 20)
    trial = ending(tmp_path, f'ulimit -v 300000; exec {sys.executable} "$@"')
    with pytest.raises(UserError, match="memory ran out") as caught:
        trial(path, SETTINGS, never)
    assert caught.value.code == "memory"
    trial(models["F16"], SETTINGS, never)


def test_a_changed_shard_is_tried_again(tmp_path: Path) -> None:
    first, second = tmp_path / "a.gguf", tmp_path / "b.gguf"
    for file in (first, second):
        file.write_bytes(b"GGUF")
    trial = ending(tmp_path, f"echo x >> {tmp_path / 'calls'}")
    for _ in range(2):
        trial(first, SETTINGS, never, (first, second))
    os.utime(second, (1, 1))
    trial(first, SETTINGS, never, (first, second))
    assert (tmp_path / "calls").read_text() == "x\n" * 2


# ---------------------------------------------------------------- files that cannot be mapped


@pytest.mark.parametrize("alignment", [1, 4, 8, 16])
def test_a_file_whose_tensors_cannot_be_mapped_is_read_into_memory(
    tmp_path: Path, alignment: int, trial: LoadTrial
) -> None:
    path = write_tiny_model(tmp_path / "odd.gguf", "F16", alignment=alignment)
    plan = plan_load(path, read_model_header(path), SETTINGS, ())
    assert not plan.request.settings.use_mmap
    assert any("not mapped" in note for note in plan.request.notes)
    assert plan.asked.use_mmap
    engine = Engine(extra_buffers_safe=never, trial=trial)
    try:
        drain(engine.load(plan.request))
        chain = SamplerChain.of(top_k=1, seed=1, n_predict=4)
        assert len(tokens_of(run_lanes(engine, lanes_of([chain], [5, 6])))) == 4
    finally:
        assert engine.close()


@pytest.mark.parametrize("alignment", [32, 64, 4096])
def test_a_file_whose_tensors_can_be_mapped_is_mapped(tmp_path: Path, alignment: int) -> None:
    path = write_tiny_model(tmp_path / "even.gguf", "F16", alignment=alignment)
    plan = plan_load(path, read_model_header(path), SETTINGS, ())
    assert plan.request.settings.use_mmap
    assert not plan.request.notes


@pytest.mark.parametrize("size", [0, 300 << 20])
def test_the_trial_maps_as_the_load_does(tmp_path: Path, size: int, trial: LoadTrial) -> None:
    """Also of a large file, whose weights it does not read: here a hole in the file."""
    bad = write_tiny_model(tmp_path / "odd.gguf", "F16", alignment=8)
    good = write_tiny_model(tmp_path / "even.gguf", "F16")
    for path in (bad, good):
        os.truncate(path, max(size, path.stat().st_size))
    trial(good, SETTINGS, never)
    trial(bad, replace(SETTINGS, use_mmap=False), never)
    with pytest.raises(UserError, match=r"crash.*aligned") as caught:
        trial(bad, SETTINGS, never)
    assert caught.value.code == "load"


def test_any_shard_that_cannot_be_mapped_counts(tmp_path: Path) -> None:
    first, second = (tmp_path / f"m-0000{n}-of-00002.gguf" for n in (1, 2))
    for number, path in enumerate((first, second)):
        file = GgufFile(alignment=32 if number == 0 else 8)
        file.string("general.architecture", "qwen2")
        if number:
            file.scalar("general.alignment", U32, 8)
            file.string("x", "y" * 3)
        file.scalar("split.no", U16, number).scalar("split.count", U16, 2)
        for name in ("a", "b", "c"):
            file.tensor(f"{number}{name}", (3,), "F32")
        file.write(path)
    header = read_model_header(first)
    assert not header.aligned
    assert model_files(first, header) == (first, second)
    assert read_header(first).aligned


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
