"""Files that several programs change: nobody's change is lost, whatever lies there before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk import shared_file
from qwqdesk.engine.remembered import keep_json
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.models.library_facts import Facts, FactsMemory
from qwqdesk.models.library_uses import note_use, read_uses
from qwqdesk.models.records import Record, note_checksum, read_record, write_record
from qwqdesk.settings import Settings, load_settings, save_settings
from qwqdesk.shared_file import DamagedFileError, alone_with, change_json, read_json

COUNTER = """
import sys
from pathlib import Path
from qwqdesk.shared_file import change_json
for number in range(60):
    change_json(Path(sys.argv[1]), lambda now: [*(now or []), f"{sys.argv[2]}-{number}"])
"""


def test_programs_that_write_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "list.json"
    names = [str(number) for number in range(3)]
    programs = [subprocess.Popen([sys.executable, "-c", COUNTER, path, name]) for name in names]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    found = read_json(path)
    assert sorted(found) == sorted(f"{name}-{number}" for name in names for number in range(60))
    for name in names:  # and each one's in their order
        own = [entry for entry in found if entry.startswith(f"{name}-")]
        assert own == [f"{name}-{number}" for number in range(60)]


def test_a_lock_that_is_held_is_waited_for_and_then_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_file, "WAIT_S", 0.03)
    path = tmp_path / "list.json"
    change_json(path, lambda now: ["kept"])
    with alone_with(path), pytest.raises(TimeoutError, match="another program"):
        change_json(path, lambda now: [])
    assert read_json(path) == ["kept"]
    change_json(path, lambda now: [*now, "after"])
    assert read_json(path) == ["kept", "after"]


def test_a_program_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    die = (
        "import os, sys; from pathlib import Path; from qwqdesk.shared_file import change_json\n"
        "change_json(Path(sys.argv[1]), lambda now: os._exit(9))"
    )
    assert subprocess.run([sys.executable, "-c", die, path], check=False).returncode == 9
    change_json(path, lambda now: [now])
    assert read_json(path) == [None]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 6000])
def test_a_damaged_file_is_written_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError):
        read_json(path)
    change_json(path, lambda now: {"was": now})
    assert read_json(path) == {"was": None}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="rights do not bind root")
def test_a_folder_that_is_read_only_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        change_json(tmp_path / "list.json", lambda now: [])


# ---------------------------------------------------------------- settings


def test_two_windows_keep_each_others_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    save_settings(path, Settings())
    first = second = load_settings(path).settings
    first_now = replace(first, theme="dark", model_folders=("/a",))
    save_settings(path, first_now, first)
    second_now = replace(
        second, text_size=120, model_folders=("/b",), engine=EngineSettings(n_ctx=4096)
    )
    save_settings(path, second_now, second)
    save_settings(path, replace(first_now, engine=EngineSettings(n_batch=64)), first_now)
    found = load_settings(path).settings
    assert (found.theme, found.text_size) == ("dark", 120)
    assert set(found.model_folders) == {"/a", "/b"}
    assert (found.engine.n_ctx, found.engine.n_batch) == (4096, 64)
    save_settings(path, replace(second_now, model_folders=()), second_now)
    assert load_settings(path).settings.model_folders == ("/a",)


def test_what_this_version_does_not_know_stays_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    newer = {
        "version": 1,
        "theme": "sepia",
        "later": {"a": [1]},
        "engine": {"n_ctx": 512, "rope_later": 7},
    }
    path.write_text(json.dumps(newer))
    mine = load_settings(path).settings
    changed = replace(mine, text_size=90, engine=replace(mine.engine, n_batch=32))
    save_settings(path, changed, mine)
    there = json.loads(path.read_text())
    assert (there["theme"], there["later"], there["text_size"]) == ("sepia", {"a": [1]}, 90)
    assert there["engine"] == {"n_ctx": 512, "rope_later": 7, "n_batch": 32}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_a_file_damaged_meanwhile_is_kept_aside_and_nothing_is_lost(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "settings.json"
    mine = Settings(theme="dark", model_folders=("/a",))
    path.write_bytes(content)
    save_settings(path, replace(mine, text_size=90), mine)
    assert load_settings(path).settings == replace(mine, text_size=90)
    [kept] = tmp_path.glob("settings.json.broken-*")
    assert kept.read_bytes() == content


CHANGES = st.sampled_from(
    [
        {"theme": "dark"},
        {"theme": "light"},
        {"text_size": 90},
        {"sidebar_open": False},
        {"last_model": "/m.gguf"},
        {"loop_guard": "stop"},
        {"system_prompt": "x"},
    ]
)


@given(st.lists(st.tuples(st.integers(0, 2), CHANGES), max_size=12))
def test_the_last_change_of_each_setting_counts_whoever_made_it(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, dict[str, Any]]]
) -> None:
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    windows = [Settings() for _ in range(3)]
    wanted: dict[str, Any] = {}
    for number, change in made:
        before = windows[number]
        windows[number] = after = replace(before, **change)
        if after != before:  # as the window does
            save_settings(path, after, before)
            wanted |= change
    assert load_settings(path).settings == replace(Settings(), **wanted)


def test_settings_that_another_program_writes_for_ever_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_file, "WAIT_S", 0.03)
    path = tmp_path / "settings.json"
    with alone_with(path), pytest.raises(UserError) as caught:
        save_settings(path, Settings())
    assert caught.value.code == "disk"
    assert "another program" in caught.value.what


# ---------------------------------------------------------------- the other files


def test_two_programs_remember_what_both_found_out(tmp_path: Path) -> None:
    path = tmp_path / "probe.json"
    keep_json(path, lambda now: {**(now or {}), "a": 1})
    keep_json(path, lambda now: {**(now or {}), "b": 2})
    assert read_json(path) == {"a": 1, "b": 2}


def test_two_libraries_share_what_headers_say(tmp_path: Path) -> None:
    file, models = tmp_path / "headers.json", [tmp_path / f"{n}.gguf" for n in range(3)]
    for model in models[:2]:
        model.write_bytes(b"no model")
    first, second = FactsMemory(file), FactsMemory(file)
    first.read(models[0], (8, 1), "0.gguf")
    first.save(models[:1])
    second.read(models[1], (8, 1), "1.gguf")
    second.read(models[2], (8, 1), "2.gguf")  # is gone
    second.save(models[1:])
    first.read(models[0], (8, 2), "0.gguf")
    first.save(models[:1])
    both = FactsMemory(file)
    assert both.get(models[0], (8, 2)) == Facts(readable=False)
    assert both.get(models[1], (8, 1)) == Facts(readable=False)
    assert both.get(models[2], (8, 1)) is None


def test_two_programs_note_the_models_that_they_load(tmp_path: Path) -> None:
    note_use(tmp_path, tmp_path / "a.gguf", 1.0)
    note_use(tmp_path, tmp_path / "b.gguf", 2.0)
    assert read_uses(tmp_path) == {str(tmp_path / "a.gguf"): 1.0, str(tmp_path / "b.gguf"): 2.0}


def test_a_checksum_takes_nothing_away_from_what_a_download_noted(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "m.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    write_record(tmp_path, file, Record("0" * 64, True, "a/b", "c" * 40, "m.gguf"))
    note_checksum(tmp_path, file, "0" * 64)
    found = read_record(tmp_path, file)
    assert found is not None
    assert (found.repo, found.path, found.verified) == ("a/b", "m.gguf", True)
