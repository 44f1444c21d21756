"""Memories that cannot be cut: a sliding window and a recurrent state do what every model must do.

The other architectures are tried by `pytest -m architectures`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.architectures.checks import CHECKS, Model, as_expected, model_of
from tests.architectures.make import ARCHITECTURES


@pytest.fixture(scope="module", params=["gemma3", "mamba2"])
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Model]:
    """A tiny model with random weights, loaded."""
    with model_of(ARCHITECTURES[request.param](), tmp_path_factory.mktemp("memories")) as model:
        yield model


@pytest.mark.parametrize("check", [name for name in CHECKS if name != "llama-server"])
def test_it_does_what_every_model_does(model: Model, check: str) -> None:
    found = CHECKS[check](model)
    assert as_expected(check, model.architecture, found), found


def test_the_models_are_the_same_bytes_every_time(model: Model) -> None:
    again = model.architecture.write(model.path.with_name("again.gguf"))
    assert again.read_bytes() == model.path.read_bytes()
    assert again.stat().st_size < 1_000_000
