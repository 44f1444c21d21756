"""Before a load: what is refused, what is chosen, what is noted."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.engine_settings import ALL_LAYERS, EngineSettings, OverrideValue
from qwqdesk.errors import UserError
from qwqdesk.load_plan import LoadPlan, override_notes, plan_load
from qwqdesk.models.memory import FreeMemory
from qwqdesk.models.parts import read_model_header
from tests.unit.models.gguf_writer import U32, GgufFile, small_model

CPU = DeviceMemory("CPU", "a processor", "cpu", 1 << 40, 1 << 40)
GPU = DeviceMemory("CUDA0", "a card", "gpu", 1 << 40, 1 << 40)


def plan(path: Path, settings: EngineSettings | None = None, *devices: DeviceMemory) -> LoadPlan:
    return plan_load(path, read_model_header(path), settings or EngineSettings(), devices or (CPU,))


def shard(folder: Path, number: int, count: int) -> Path:
    file = small_model().scalar("split.no", 2, number - 1).scalar("split.count", 2, count)
    file.tensors = [(f"{name}.{number}", shape, kind) for name, shape, kind in file.tensors]
    return file.write(folder / f"big-{number:05d}-of-{count:05d}.gguf")


def test_what_the_user_left_open_is_chosen_and_kept_apart(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    asked = EngineSettings()
    found = plan(path, asked)
    assert found.asked == asked
    assert found.request.settings.n_ctx == 4096, "the trained length, which is less than 16384"
    assert found.request.settings.n_gpu_layers == 0
    assert found.request.quantized


def test_layers_go_to_the_gpu_where_there_is_one(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    assert plan(path, None, CPU, GPU).request.settings.n_gpu_layers == 3
    some = EngineSettings(n_gpu_layers=1)
    assert plan(path, some, CPU, GPU).request.settings.n_gpu_layers == 1
    every = EngineSettings(n_gpu_layers=ALL_LAYERS)
    assert plan(path, every, CPU, GPU).request.settings.n_gpu_layers == 3
    assert plan(path, every, CPU).request.settings.n_gpu_layers == 0


@pytest.mark.parametrize(
    ("key", "overrides", "expected"),
    [
        (None, (), 4096),
        (1024, (), 1024),
        (1024, (("qwen2.rope.scaling.original_context_length", 2048),), 2048),
        (None, (("qwen2.context_length", 512),), 512),
    ],
)
def test_a_second_set_of_rope_factors_is_known_with_its_context(
    tmp_path: Path,
    key: int | None,
    overrides: tuple[tuple[str, OverrideValue], ...],
    expected: int,
) -> None:
    settings = EngineSettings(override_kv=overrides)
    plain = small_model().write(tmp_path / "plain.gguf")
    assert plan(plain, settings).request.short_factors_up_to == 0
    file = small_model().tensor("rope_factors_long.weight", (8,), "F32")
    if key is not None:
        file.scalar("qwen2.rope.scaling.original_context_length", U32, key)
    found = plan(file.write(tmp_path / "two.gguf"), settings)
    assert found.request.short_factors_up_to == expected


def with_experts() -> GgufFile:
    """A model whose two layers hold experts beside the rest."""
    file = small_model()
    for layer in range(2):
        file.tensor(f"blk.{layer}.ffn_up_exps.weight", (4096, 4096), "F16")
    return file


EXPERTS = 4096 * 4096 * 2


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, (0, 0)),
        ({"cpu_moe": True}, (EXPERTS, EXPERTS)),
        ({"n_cpu_moe": 1}, (EXPERTS, 0)),
        ({"override_tensor": "blk.1.ffn_up_exps=CPU"}, (0, EXPERTS)),
        ({"override_tensor": "blk.0.ffn_up_exps=CUDA0", "cpu_moe": True}, (0, EXPERTS)),
    ],
)
def test_experts_that_stay_with_the_processor_leave_room_for_layers(
    tmp_path: Path, settings: dict[str, Any], kept: tuple[int, int]
) -> None:
    path = with_experts().write(tmp_path / "m.gguf")
    tight = replace(GPU, free=(512 << 20) + 2 * EXPERTS - sum(kept) + (28 << 20))
    found = plan(path, EngineSettings(n_ctx=512, **settings), CPU, tight)
    assert found.shape.kept_on_cpu == kept
    assert found.request.settings.n_gpu_layers == 3, "all, since what stays is not counted"
    if any(kept):
        plain = plan(path, EngineSettings(n_ctx=512), CPU, tight)
        assert plain.request.settings.n_gpu_layers < 3


def test_the_cache_that_stays_leaves_room_for_layers(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    asked = EngineSettings(n_ctx=1 << 20, n_ubatch=1)
    tight = replace(GPU, free=(512 << 20) + (64 << 20))
    assert plan(path, asked, CPU, tight).request.settings.n_gpu_layers == 1
    there = plan(path, replace(asked, kv_offload=False), CPU, tight)
    assert there.request.settings.n_gpu_layers == 3


def test_settings_about_gpus_are_noted_where_there_is_none(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    asked = EngineSettings(cpu_moe=True)
    assert any("no effect" in note for note in plan(path, asked, CPU).request.notes)
    assert plan(path, asked, CPU, GPU).request.notes == ()


def test_an_adapter_is_kept_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    (tmp_path / "a,b.gguf").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    found = plan(path, EngineSettings(lora='"a,b.gguf:2"'))
    assert found.request.settings.lora == f'"{tmp_path / "a,b.gguf"}:2"'
    with pytest.raises(UserError, match=r"no LoRA adapter nothing\.gguf") as caught:
        plan(path, EngineSettings(lora="nothing.gguf"))
    assert caught.value.code == "lora"


def test_a_small_card_takes_what_fits(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    small = replace(GPU, free=1)
    assert plan(path, None, CPU, small).request.settings.n_gpu_layers == 0
    with pytest.raises(UserError, match="GPU memory"):
        plan(path, EngineSettings(n_gpu_layers=ALL_LAYERS), CPU, small)


def test_what_cannot_fit_is_refused_with_both_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    memory = SimpleNamespace(available=5 << 20)
    monkeypatch.setattr("qwqdesk.free_memory.psutil.virtual_memory", lambda: memory)
    with pytest.raises(UserError) as caught:
        plan(path, EngineSettings(n_ctx=1 << 20))
    assert caught.value.code == "memory"
    assert caught.value.what.count("B") >= 2


def test_lanes_run_side_by_side_only_where_their_caches_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    one = plan(path, EngineSettings(n_ctx=65536))
    assert one.lanes_fit(4)
    need_one = one.free.cpu
    while replace(one, free=FreeMemory(need_one // 2)).lanes_fit(1):
        need_one //= 2
    tight = replace(one, free=FreeMemory(need_one))
    assert tight.lanes_fit(1)
    assert not tight.lanes_fit(4)


def test_a_context_beyond_the_trained_length_is_noted(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    notes = plan(path, EngineSettings(n_ctx=8192)).request.notes
    assert any("8,192" in note and "4,096" in note for note in notes)
    assert plan(path, EngineSettings(n_ctx=4096)).request.notes == ()


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("qqwen2.context_length", 131072, "qqwen2"),
        ("qwen2.context_length", 1.5, "type"),
        ("qwen2.context_length", True, "type"),
        ("general.name", 3, "type"),
        ("qwen2.context_length", 131072, ""),
        ("qwen2.rope.scaling.type", "yarn", ""),
        ("tokenizer.ggml.add_bos_token", False, ""),
    ],
)
def test_overrides_that_llama_cpp_would_ignore_are_reported(
    tmp_path: Path, key: str, value: OverrideValue, word: str
) -> None:
    header = read_model_header(small_model().write(tmp_path / "m.gguf"))
    notes = list(override_notes(header, EngineSettings(override_kv=((key, value),))))
    assert len(notes) == (1 if word else 0)
    assert all(key in note and word in note for note in notes)


def test_all_parts_of_a_split_model_count(tmp_path: Path) -> None:
    parts = [shard(tmp_path, number, 3) for number in (1, 2, 3)]
    header = read_model_header(parts[0])
    assert header.file_size == sum(part.stat().st_size for part in parts)
    assert len(header.tensors) == 3 * len(small_model().tensors)


def test_a_part_that_is_not_the_first_or_is_missing_is_refused(tmp_path: Path) -> None:
    first, second = shard(tmp_path, 1, 3), shard(tmp_path, 2, 3)
    with pytest.raises(UserError, match="not the first"):
        read_model_header(second)
    with pytest.raises(UserError, match="big-00003-of-00003"):
        read_model_header(first)


@pytest.mark.parametrize(
    "file",
    [
        GgufFile().string("general.architecture", "qwen2"),
        GgufFile().tensor("token_embd.weight", (256, 32), "F16"),
        GgufFile().scalar("general.architecture", U32, 7).tensor("x", (256,), "F32"),
        small_model(order=">"),
    ],
    ids=["no tensors", "no architecture", "architecture is a number", "big-endian"],
)
def test_what_is_no_model_of_this_machine_is_refused(tmp_path: Path, file: GgufFile) -> None:
    path = file.write(tmp_path / "odd.gguf")
    with pytest.raises(UserError) as caught:
        plan(path)
    assert "odd.gguf" in caught.value.what
    assert caught.value.what_to_do


def test_float_models_need_no_probe(tmp_path: Path) -> None:
    file = GgufFile().string("general.architecture", "qwen2")
    file.tensor("token_embd.weight", (256, 32), "F16").tensor("norm", (256,), "F32")
    assert not plan(file.write(tmp_path / "f.gguf")).request.quantized
    file.tensor("more", (256, 2), "BF16")
    assert not plan(file.write(tmp_path / "b.gguf")).request.quantized


@pytest.mark.parametrize("epsilon", [-1.0, float("inf")])
def test_an_epsilon_that_would_end_the_process_is_refused(
    models: dict[str, Path], epsilon: float
) -> None:
    key = "qwen2.attention.layer_norm_rms_epsilon"
    data = models["F16"].read_bytes()
    place = data.index(key.encode()) + len(key) + 4
    broken = models["F16"].with_name(f"epsilon{epsilon}.gguf")
    broken.write_bytes(data[:place] + struct.pack("<f", epsilon) + data[place + 4 :])
    with pytest.raises(UserError, match="epsilon"):
        plan(broken)


def test_an_override_may_not_make_the_epsilon_negative(models: dict[str, Path]) -> None:
    key = "qwen2.attention.layer_norm_rms_epsilon"
    with pytest.raises(UserError, match="epsilon") as caught:
        plan(models["F16"], EngineSettings(override_kv=((key, -1.0),)))
    assert "override" in caught.value.what_to_do
    assert plan(models["F16"], EngineSettings(override_kv=((key, 1e-6),)))
