"""Tiny models of many architectures do what every model must do: `pytest -m architectures`.

QWQDESK_LLAMA_SERVER names llama-server of the same build; without it nothing is compared with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architectures.checks import CHECKS, NOT_ASKED, Model, as_expected, model_of
from tests.architectures.make import ARCHITECTURES

pytestmark = pytest.mark.architectures


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Model]:
    """A tiny model, loaded."""
    server = os.environ.get("QWQDESK_LLAMA_SERVER")
    folder = tmp_path_factory.mktemp("architectures")
    architecture = ARCHITECTURES[request.param]()
    with model_of(architecture, folder, Path(server) if server else None) as model:
        yield model


@pytest.mark.parametrize("check", CHECKS)
def test_a_tiny_model_does_what_every_model_does(model: Model, check: str) -> None:
    found = CHECKS[check](model)
    if found == NOT_ASKED:
        pytest.skip("QWQDESK_LLAMA_SERVER names no llama-server")
    assert as_expected(check, model.architecture, found), found
