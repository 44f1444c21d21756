"""Engine settings: the table covers every field, and values are checked where they are made."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.engine_settings import (
    CACHE_TYPES,
    ENGINE_SETTINGS,
    SETTINGS_BY_FIELD,
    EngineSettings,
    LoraAdapter,
    lora_adapters,
)
from qwqdesk.errors import UserError
from tests.unit.sampling.chain_strategies import JSON


def test_the_table_has_every_field_with_its_meaning() -> None:
    fields = [field.name for field in dataclasses.fields(EngineSettings)]
    assert [setting.field for setting in ENGINE_SETTINGS] == fields
    for setting in ENGINE_SETTINGS:
        assert setting.title
        assert setting.meaning.endswith(".")
        assert setting.flags or (setting.on_flags and setting.off_flags)


def test_defaults_are_allowed_and_travel() -> None:
    settings = EngineSettings()
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert EngineSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_llama_cpps_cache_types() -> None:
    for name in CACHE_TYPES:
        assert EngineSettings(type_k=name, type_v=name).type_k == name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_ctx", -1),
        ("n_ctx", 2**31),
        ("n_ctx", True),
        ("n_batch", 0),
        ("n_threads", 5000),
        ("n_gpu_layers", -2),
        ("flash_attn", "maybe"),
        ("type_k", "q2_k"),
        ("type_v", ["f16"]),
        ("use_mmap", 1),
        ("rope_scaling", "longrope"),
        ("rope_freq_base", math.nan),
        ("yarn_ext_factor", -2.0),
        ("override_kv", "a=b"),
        ("override_kv", [["a"]]),
        ("override_kv", [["", 1]]),
        ("override_kv", [["a" * 128, 1]]),
        ("override_kv", [["a", "x" * 128]]),
        ("override_kv", [["a", 2**63]]),
        ("override_kv", [["a", math.inf]]),
        ("override_kv", [["a", None]]),
        ("override_kv", [["a\0", 1]]),
        ("priority", 4),
        ("devices", 3),
        ("devices", "a\0b"),
        ("split_mode", "columns"),
        ("tensor_split", "1,x"),
        ("tensor_split", "0,0"),
        ("tensor_split", "-1,2"),
        ("main_gpu", -1),
        ("kv_offload", "no"),
        ("swa_full", 1),
        ("n_cpu_moe", -1),
        ("override_tensor", "exps"),
        ("override_tensor", "(=CPU"),
        ("override_tensor", "=CPU"),
        ("lora", ":0.5"),
        ("lora", ["a.gguf"]),
    ],
)
def test_refused_values_are_named(field: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"{field} cannot be "):
        EngineSettings.from_json({field: value})


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("devices", " CUDA0 , CUDA1,", "CUDA0,CUDA1"),
        ("tensor_split", "3/1", "3,1"),
        ("tensor_split", ".5, 1.50", "0.5,1.5"),
        ("override_tensor", "exps=CPU, blk=CUDA0", "exps=CPU,blk=CUDA0"),
        ("lora", "a.gguf:1", "a.gguf"),
        ("lora", "a.gguf:0.50", "a.gguf:0.5"),
        ("lora", r"C:\models\a.gguf", r"C:\models\a.gguf"),
        ("lora", '"a,b.gguf":0.5,c.gguf', '"a,b.gguf:0.5",c.gguf'),
        ("lora", "a:2:1", "a:2:1"),
    ],
)
def test_texts_are_kept_in_one_form(field: str, value: str, kept: str) -> None:
    settings = EngineSettings.from_json({field: value})
    assert getattr(settings, field) == kept
    assert EngineSettings.from_json(settings.to_json()) == settings


def test_adapters_and_their_scales() -> None:
    assert lora_adapters(r'C:\a.gguf,b.gguf:-2,"x,y:1e-1"') == (
        LoraAdapter(r"C:\a.gguf"),
        LoraAdapter("b.gguf", -2),
        LoraAdapter("x,y", 0.1),
    )


def test_overrides_keep_their_types() -> None:
    pairs = [["a", True], ["b", 5], ["c", 1.5], ["d", "yarn"]]
    settings = EngineSettings.from_json({"override_kv": pairs})
    assert [type(value) for _, value in settings.override_kv] == [bool, int, float, str]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UserError, match="no engine setting named 'turbo'"):
        EngineSettings.from_json({"turbo": 1})


@given(JSON | st.dictionaries(st.sampled_from(sorted(SETTINGS_BY_FIELD)), JSON))
def test_hostile_json_only_ever_raises_user_errors(data: object) -> None:
    with contextlib.suppress(UserError):
        settings = EngineSettings.from_json(data)
        json.dumps(settings.to_json(), allow_nan=False)
