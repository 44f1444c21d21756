"""The probe asks a child process, once for a machine, and believes how it ended."""

from __future__ import annotations

import json
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.engine.probe import ExtraBuffersProbe, machine_key
from qwqdesk.errors import UserError

LIVES, CRASHES, FAILS, KILLED = "exit 0", "kill -SEGV $$", "exit 1", "kill -KILL $$"

MakeProbe = Callable[..., ExtraBuffersProbe]


@pytest.fixture
def make_probe(tmp_path: Path) -> MakeProbe:
    """A probe whose child is a script that ends as told and counts its calls."""
    model = tmp_path / "tiny.gguf"
    model.write_bytes(b"GGUF")

    def make(*, extra: str = LIVES, plain: str = LIVES, model: Path = model) -> ExtraBuffersProbe:
        script = tmp_path / "python"
        script.write_text(
            f"#!/bin/sh\necho \"$5\" >> '{tmp_path / 'calls'}'\n"
            f'if [ "$5" = extra ]; then {extra}; fi\n{plain}\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return ExtraBuffersProbe(tmp_path / "cache" / "probe.json", model, str(script))

    return make


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().split() if path.exists() else []


def test_a_child_that_lives_means_safe(make_probe: MakeProbe, tmp_path: Path) -> None:
    assert make_probe()() is True
    assert calls(tmp_path) == ["extra"]


def test_a_child_that_dies_means_without_extra_buffers(
    make_probe: MakeProbe, tmp_path: Path
) -> None:
    assert make_probe(extra=CRASHES)() is False
    assert calls(tmp_path) == ["extra", "plain"]


def test_quantized_models_that_crash_either_way_are_refused_in_words(
    make_probe: MakeProbe, tmp_path: Path
) -> None:
    for _ in range(2):
        with pytest.raises(UserError, match="F16") as caught:
            make_probe(extra=CRASHES, plain=CRASHES)()
        assert caught.value.code == "engine"
    assert len(calls(tmp_path)) == 2, "the second time the result is remembered"


def test_the_result_is_remembered_for_this_machine(make_probe: MakeProbe, tmp_path: Path) -> None:
    probe = make_probe(extra=CRASHES)
    assert [probe(), probe(), make_probe()()] == [False] * 3
    assert len(calls(tmp_path)) == 2
    remembered = json.loads((tmp_path / "cache" / "probe.json").read_text())
    assert remembered == {machine_key(): False}


def test_another_machine_is_asked_again(make_probe: MakeProbe, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "probe.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"another": False}))
    assert make_probe()() is True
    assert json.loads(path.read_text()) == {"another": False, machine_key(): True}


@pytest.mark.parametrize("content", ["", "[]", "{broken", '{"x": 7}', "\x00\xff"])
def test_a_damaged_memory_only_means_asking_again(
    make_probe: MakeProbe, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "cache" / "probe.json"
    path.parent.mkdir()
    path.write_bytes(content.encode("latin-1"))
    assert make_probe()() is True
    assert calls(tmp_path) == ["extra"]


def test_without_the_tiny_model_the_safe_way_is_taken_and_not_remembered_for_ever(
    make_probe: MakeProbe, tmp_path: Path
) -> None:
    assert make_probe(model=tmp_path / "missing.gguf")() is False
    assert calls(tmp_path) == []
    assert make_probe()() is True


def test_a_memory_that_cannot_be_written_does_not_matter(
    make_probe: MakeProbe, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert make_probe()() is True


@pytest.mark.parametrize("end", [FAILS, KILLED])
def test_a_child_that_ends_otherwise_proves_nothing(
    make_probe: MakeProbe, tmp_path: Path, end: str
) -> None:
    assert make_probe(extra=end)() is False
    assert make_probe(extra=CRASHES, plain=end)() is False
    assert not (tmp_path / "cache" / "probe.json").exists()
    assert make_probe()() is True


def test_a_child_that_hangs_or_cannot_start_proves_nothing(
    make_probe: MakeProbe, tmp_path: Path
) -> None:
    model = make_probe().model
    missing = ExtraBuffersProbe(tmp_path / "p.json", model, str(tmp_path / "no-python"))
    assert missing() is False
    hanging = make_probe(extra="exec sleep 60")
    began = time.monotonic()
    assert replace(hanging, seconds=0.2)() is False
    assert time.monotonic() - began < 30


def test_the_real_child_decodes_a_quantized_model(models: dict[str, Path], tmp_path: Path) -> None:
    ask = ExtraBuffersProbe(tmp_path / "probe.json", models["Q8_0"], sys.executable)
    assert ask() in (True, False)
    assert (tmp_path / "probe.json").exists()
