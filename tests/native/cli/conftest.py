"""Running commands in this process, and what the commands print."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qwqdesk.cli import commands
from tests.tiny_model import write_tiny_model


@dataclass(frozen=True)
class Result:
    """One finished command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401
        """Standard output as strict JSON: NaN and Infinity are refused."""
        return json.loads(self.out, parse_constant=_refuse)

    @property
    def error(self) -> dict[str, str]:
        """The error document, which has nothing but its three texts."""
        assert list(self.json) == ["error"]
        error: dict[str, str] = self.json["error"]
        assert sorted(error) == ["code", "what", "what_to_do"]
        assert all(isinstance(text, str) for text in error.values())
        return error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run one command line in this process."""

    def run(*words: str) -> Result:
        capsys.readouterr()
        status = commands.run(words)
        out, err = capsys.readouterr()
        return Result(status, out, err)

    return run


@pytest.fixture(autouse=True)
def no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own models are not tried in a child first; `test_process` has the real thing."""

    def make(*_: object) -> Callable[..., None]:
        return lambda *_: None

    monkeypatch.setattr("qwqdesk.new_engine.LoadTrial", make)


@pytest.fixture
def model(models: dict[str, Path]) -> str:
    """The tiny F16 model, which needs no probe."""
    return str(models["F16"])


@pytest.fixture(scope="session")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model whose template opens no reasoning."""
    path = tmp_path_factory.mktemp("chat") / "chat-F16.gguf"
    template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant] "
    return str(write_tiny_model(path, "F16", template=template))


@pytest.fixture(autouse=True)
def no_log_left() -> Iterator[None]:
    """A command ends its own logging."""
    yield
    assert not logging.getLogger("qwqdesk").handlers
