"""What a child process of the program is given: no secret, the same modules, what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from qwqdesk.child_process import child_environment, run_child, start_child
from qwqdesk.engine.probe import ExtraBuffersProbe
from qwqdesk.engine.template_chat import RenderJob
from qwqdesk.engine.template_process import render_in_child
from qwqdesk.engine.template_sandbox import ChatTemplateError
from qwqdesk.engine.trial import LoadTrial
from qwqdesk.engine.vocabulary import Vocabulary
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.models.reference_tokenizer import reference_tokens

SECRETS = {
    "HF_TOKEN": "hf_secret",
    "HUGGING_FACE_HUB_TOKEN": "hf_secret",
    "LLAMA_API_KEY": "secret",
    "LLAMA_ARG_HF_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "SSH_AUTH_SOCK": "/run/agent",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus",
    "DISPLAY": ":0",
    "HTTPS_PROXY": "http://user:password@proxy",
    "LD_PRELOAD": "",
    "PYTHONSTARTUP": "/x.py",
    "QWQDESK_HOME": "/data",
}
NEEDED = {
    "CUDA_VISIBLE_DEVICES": "1",
    "GGML_VK_VISIBLE_DEVICES": "0",
    "HIP_VISIBLE_DEVICES": "0",
    "HSA_OVERRIDE_GFX_VERSION": "10.3.0",
    "VK_ICD_FILENAMES": "/x.json",
    "OMP_NUM_THREADS": "3",
    "LD_LIBRARY_PATH": "/opt/lib",
    "LC_TIME": "ko_KR.UTF-8",
    "TZ": "Asia/Seoul",
    "TMPDIR": "/tmp",
}

JOB = RenderJob("x", [], "", "", True, True, {}, "2025-01-01T00:00:00")


@pytest.fixture
def full_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SECRETS, **NEEDED}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("full_environment")
def test_a_child_gets_what_it_needs_and_no_secret() -> None:
    given = child_environment()
    assert {name: given.get(name) for name in NEEDED} == NEEDED
    assert not SECRETS.keys() & given.keys()
    assert "PATH" in given
    assert child_environment({"A": "b"})["A"] == "b"


def test_names_of_windows_are_known_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SystemRoot", "C:\\Windows")
    assert child_environment()["SystemRoot"] == "C:\\Windows"


def children(tmp_path: Path, python: str) -> dict[str, Callable[[], object]]:
    """Every kind of child that the program starts, with this program as its Python."""
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    return {
        "probe": ExtraBuffersProbe(tmp_path / "p.json", model, python),
        "trial": lambda: LoadTrial(tmp_path / "t.json", tmp_path / "trusted", python)(
            model, EngineSettings(n_ctx=256), lambda: False
        ),
        "vocabulary": Vocabulary(model, python).facts,
        "template": lambda: render_in_child(JOB, python=python),
        "reference": lambda: reference_tokens(model, "x", add_special=False, python=python),
    }


@pytest.mark.usefixtures("full_environment")
@pytest.mark.parametrize("kind", ["probe", "trial", "vocabulary", "template", "reference"])
def test_each_kind_of_child_gets_the_minimal_environment(tmp_path: Path, kind: str) -> None:
    told = tmp_path / "environment"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nenv > '{told}'\n")
    python.chmod(0o700)
    with suppress(UserError, ChatTemplateError):  # this Python gives no answer
        children(tmp_path, str(python))[kind]()
    names = {line.partition("=")[0] for line in told.read_text().splitlines()}
    assert not SECRETS.keys() & names
    assert NEEDED.keys() <= names


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_of_the_terminal_does_not_reach_children() -> None:
    """The terminal signals a whole group: the child is in one of its own."""
    with start_child("json.tool", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert os.getpgid(child.pid) != os.getpgid(os.getpid())
        assert child.communicate(b"[1]")[0].split() == [b"[", b"1", b"]"]


def test_a_child_that_takes_too_long_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        run_child("this", seconds=0.0, given=b"x")
    assert time.monotonic() - began < 20


def test_status_and_output_come_back() -> None:
    done = run_child("json.tool", given=json.dumps({"a": 1}).encode(), seconds=60)
    assert (done.status, json.loads(done.output)) == (0, {"a": 1})
    assert run_child("json.tool", given=b"{", seconds=60).status == 1
