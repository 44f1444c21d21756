"""Tiny real models for the unit tests, written once for the whole session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_model import Memory, write_tiny_model

OTHER_MEMORIES: tuple[Memory, ...] = ("windowed", "recurrent", "hybrid")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model files: F16, Q8_0, a second F16 one with other weights, and other memories."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "F16": write_tiny_model(folder / "tiny-F16.gguf", "F16"),
        "Q8_0": write_tiny_model(folder / "tiny-Q8_0.gguf", "Q8_0"),
        "other": write_tiny_model(folder / "other-F16.gguf", "F16", seed=2),
        **{
            memory: write_tiny_model(folder / f"{memory}-F16.gguf", "F16", memory=memory)
            for memory in OTHER_MEMORIES
        },
    }
