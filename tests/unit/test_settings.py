"""Settings: saved whole or not at all, and read from anything without an exception."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.settings import (
    SETTINGS,
    Settings,
    load_settings,
    save_settings,
    settings_from_json,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    mine = Settings(
        theme="dark",
        text_size=125,
        loop_guard="stop",
        last_model="/models/딸기.gguf",
        model_folders=("/a", "/b"),
        engine=EngineSettings(n_ctx=4096, type_k="q8_0", override_kv=(("a.b", 1.5), ("c", True))),
        unknown={"from_the_future": {"a": [1]}},
    )
    save_settings(path, mine)
    loaded = load_settings(path)
    assert loaded.problems == ()
    assert loaded.settings == mine
    assert not list(path.parent.glob("*.tmp"))
    assert json.loads(path.read_text())["version"] == 1


def test_every_setting_has_a_rule_that_its_default_passes() -> None:
    assert set(SETTINGS) | {"unknown"} == set(Settings.__dataclass_fields__)
    assert settings_from_json(Settings().to_json()).problems == ()


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path / "settings.json")
    assert (loaded.settings, loaded.problems) == (Settings(), ())


def test_bad_values_fall_back_one_by_one() -> None:
    loaded = settings_from_json(
        {
            "theme": "pink",
            "text_size": 300,
            "reduce_motion": 1,
            "model_folders": "/a",
            "show_reasoning_open": True,
            "engine": {"n_ctx": -5, "n_batch": 64, "flash_attn": "maybe", "later": 1},
        }
    )
    assert loaded.settings == replace(
        Settings(), show_reasoning_open=True, engine=EngineSettings(n_batch=64)
    )
    assert len(loaded.problems) == 6
    assert any("text_size" in text and "85 to 150" in text for text in loaded.problems)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe{}", b"[" * 100_000, b" " * (5 << 20)]
)
def test_a_file_that_is_no_settings_file_is_moved_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    loaded = load_settings(path)
    assert loaded.settings == Settings()
    assert "damaged and kept as settings.json.broken-" in loaded.problems[0]
    [kept] = tmp_path.iterdir()
    assert kept.read_bytes() == content


@given(data=st.dictionaries(st.sampled_from([*SETTINGS, "version", "x"]), JSON))
@settings(max_examples=80, deadline=None)
def test_any_json_object_gives_settings_that_can_be_saved(data: dict[str, Any]) -> None:
    loaded = settings_from_json(data)
    again = settings_from_json(json.loads(json.dumps(loaded.settings.to_json())))
    assert again.problems == ()


def test_a_file_that_cannot_be_read_or_written_is_said_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "settings.json"
    folder.mkdir()
    assert "cannot be read" in load_settings(folder).problems[0]
    with pytest.raises(UserError) as caught:
        save_settings(folder, Settings())
    assert caught.value.code == "disk"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    save_settings(path, Settings(theme="dark"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        save_settings(path, Settings(theme="light"))
    assert load_settings(path).settings.theme == "dark"
    assert not list(tmp_path.glob("*.tmp"))
