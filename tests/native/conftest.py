"""Tiny real models and a native library for the engine's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.llama import LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine_settings import EngineSettings
from tests.native.driving import drain
from tests.unit.conftest import models

__all__ = ["load", "models", "native_model", "shared_engine"]

# One thread: with more, a busy machine makes every decode wait for its slowest core.
SETTINGS = EngineSettings(n_ctx=1536, n_gpu_layers=0, n_threads=1)


@pytest.fixture(scope="session")
def native_model(models: dict[str, Path]) -> Iterator[LlamaModel]:
    """The F16 model loaded on this thread, for tests of single native steps."""
    model = LlamaModel(
        LlamaLibrary(), models["F16"], SETTINGS, use_extra_bufts=False, progress=lambda _: True
    )
    yield model
    model.close()


@pytest.fixture(scope="session")
def shared_engine(models: dict[str, Path]) -> Iterator[Engine]:
    """One engine for all tests that leave it usable; `engine` loads into it."""
    engine = Engine(extra_buffers_safe=lambda: False)
    yield engine
    assert engine.close()


@pytest.fixture
def load(shared_engine: Engine, models: dict[str, Path]) -> Callable[[str], Engine]:
    """Load a model by its type into the shared engine."""

    def load(kind: str, settings: EngineSettings = SETTINGS) -> Engine:
        drain(shared_engine.load(LoadRequest(models[kind], settings, quantized=kind == "Q8_0")))
        return shared_engine

    return load
