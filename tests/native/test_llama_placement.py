"""Where weights go and what lies over them: it reaches llama.cpp, and what is not there is said."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import RunStarted
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.llama_params import TensorBufferOverride, context_params, model_params
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from tests.native.conftest import SETTINGS
from tests.native.driving import drain, lanes_of, run_lanes, tokens_of
from tests.tiny_model import WIDTH
from tests.unit.models.gguf_writer import F32, GgufFile

CHAIN = SamplerChain.of([], seed=1, n_predict=12, ignore_eos=True)
PROMPT = tuple(range(40, 60))


class TwoCards:
    """A machine with two GPUs."""

    def device_handles(self) -> dict[str, int]:
        return {"CUDA0": 11, "CUDA1": 12}

    def buffer_types(self) -> dict[str, int]:
        return {"CPU": 100, "CUDA0": 111, "CUDA1": 112}

    def cpu_buffer_type(self) -> int:
        return 100


def params_of(**settings: Any) -> tuple[Any, object]:
    return model_params(
        LlamaLibrary().api, EngineSettings(**settings), TwoCards(), use_extra_bufts=True
    )


def overrides_of(params: Any) -> list[tuple[str, int]]:
    """The list as llama.cpp reads it: up to an entry without a pattern."""
    found: list[tuple[str, int]] = []
    array = ctypes.cast(params.tensor_buft_overrides, ctypes.POINTER(TensorBufferOverride))
    while array[len(found)].pattern:
        entry = array[len(found)]
        found.append((entry.pattern.decode(), entry.buft))
    return found


def test_by_default_llama_cpp_decides() -> None:
    params, _ = params_of()
    assert not params.devices
    assert not params.tensor_buft_overrides
    assert not params.tensor_split
    assert (params.split_mode, params.main_gpu) == (1, 0)


def test_what_is_asked_reaches_the_structures() -> None:
    params, alive = params_of(
        devices="CUDA1,CUDA0",
        split_mode="row",
        main_gpu=1,
        tensor_split="3,1",
        override_tensor="attn=CUDA1,blk.0=CPU",
        n_cpu_moe=2,
        cpu_moe=True,
    )
    handles = ctypes.cast(params.devices, ctypes.POINTER(ctypes.c_void_p))
    assert [handles[0], handles[1], handles[2]] == [12, 11, None]
    assert (params.split_mode, params.main_gpu) == (2, 1)
    assert [params.tensor_split[n] for n in range(3)] == [3.0, 1.0, 0.0]
    experts = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
    assert overrides_of(params) == [
        ("attn", 112),
        ("blk.0", 100),
        (experts, 100),
        (rf"blk\.0{experts}", 100),
        (rf"blk\.1{experts}", 100),
    ]
    del alive


def test_no_device_is_an_empty_list() -> None:
    params, alive = params_of(devices="none")
    assert ctypes.cast(params.devices, ctypes.POINTER(ctypes.c_void_p))[0] is None
    del alive


def test_the_cache_can_stay_with_the_processor() -> None:
    api = LlamaLibrary().api
    for there in (True, False):
        settings = replace(SETTINGS, kv_offload=there)
        found = context_params(api, settings, streams=1, lanes=1, unified=False, threads=1)
        assert bool(found.offload_kqv) is there


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"devices": "CUDA7"}, ("device", "CUDA7", "CUDA0, CUDA1")),
        ({"devices": "CUDA0,nope"}, ("device", "nope")),
        ({"override_tensor": "exps=Metal"}, ("buffer type", "Metal", "CPU, CUDA0")),
        ({"tensor_split": ",".join(["1"] * 500)}, ("500 parts",)),
    ],
)
def test_what_the_machine_does_not_have_is_said(
    settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(UserError) as caught:
        params_of(**settings)
    assert caught.value.code == "value"
    assert all(word in str(caught.value) for word in words)


# ------------------------------------------------------------ with a real model


def written(engine: Engine, path: Path, settings: EngineSettings, lanes: int = 1) -> list[int]:
    """What lane A writes, in exact mode among `lanes`."""
    drain(engine.load(LoadRequest(path, settings)))
    events = run_lanes(engine, lanes_of([CHAIN] * lanes, PROMPT))
    assert any(isinstance(event, RunStarted) for event in events)
    return tokens_of(events)


def test_tensors_put_where_they_are_anyway_change_nothing(
    shared_engine: Engine, models: dict[str, Path]
) -> None:
    plain = written(shared_engine, models["F16"], SETTINGS)
    for changed in (
        replace(SETTINGS, override_tensor=r"blk\.\d+\.ffn=CPU"),
        replace(SETTINGS, cpu_moe=True, n_cpu_moe=1),
        replace(SETTINGS, devices="none", split_mode="none", kv_offload=False),
        replace(SETTINGS, tensor_split="1,1", main_gpu=0),
    ):
        assert written(shared_engine, models["F16"], changed) == plain
    with pytest.raises(UserError, match="no device named CUDA9"):
        written(shared_engine, models["F16"], replace(SETTINGS, devices="CUDA9"))
    assert shared_engine.state == "empty"
    assert written(shared_engine, models["F16"], SETTINGS) == plain


def write_adapter(path: Path, architecture: str = "qwen2") -> Path:
    """A LoRA adapter of rank 2 for the output of the first attention."""
    file = GgufFile().string("general.type", "adapter").string("adapter.type", "lora")
    file.string("general.architecture", architecture).scalar("adapter.lora.alpha", F32, 2.0)
    rng = np.random.default_rng(5)
    values = b""
    for name, shape in (("lora_a", (WIDTH, 2)), ("lora_b", (2, WIDTH))):
        file.tensor(f"blk.0.attn_output.weight.{name}", shape, "F32")
        values += rng.standard_normal(shape[::-1], dtype=np.float32).tobytes()
    empty = file.build()
    path.write_bytes(empty[: len(empty) - len(values)] + values)
    return path


def test_an_adapter_changes_the_text_by_its_scale(
    shared_engine: Engine, models: dict[str, Path], tmp_path: Path
) -> None:
    adapter = write_adapter(tmp_path / "a,b.gguf")
    plain = written(shared_engine, models["F16"], SETTINGS)

    def with_scale(scale: float, lanes: int = 1) -> list[int]:
        settings = replace(SETTINGS, lora=f'"{adapter}:{scale}"')
        return written(shared_engine, models["F16"], settings, lanes)

    whole = with_scale(1)
    assert whole != plain
    assert with_scale(0) == plain
    assert with_scale(1, lanes=4) == whole
    assert written(shared_engine, models["F16"], SETTINGS) == plain, "it stays with its load"
    twice = replace(SETTINGS, lora=f'"{adapter}:0.5","{adapter}:-0.5"')
    assert written(shared_engine, models["F16"], twice) == plain, "both count"


@pytest.mark.parametrize("kind", ["another architecture", "a model", "cut off", "no GGUF"])
def test_what_is_no_adapter_of_the_model_is_refused_in_words(
    shared_engine: Engine, models: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "adapter.gguf"
    if kind == "a model":
        path = models["F16"]
    elif kind == "no GGUF":
        path.write_bytes(b"hello")
    else:
        write_adapter(path, "llama" if kind == "another architecture" else "qwen2")
        if kind == "cut off":
            path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="LoRA adapter") as caught:
        written(shared_engine, models["F16"], replace(SETTINGS, lora=str(path)))
    assert caught.value.code == "lora"
    assert shared_engine.state == "empty"
