"""Running an experiment's trials on a real engine: each once, stopped, and gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.analysis.checks import Check
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Loaded
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_run import (
    ExperimentEvent,
    ExperimentRun,
    TrialEnded,
    TrialsBegan,
    check_repeats,
)
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_turns import LanePlace
from qwqdesk.run_plan import RunOptions
from qwqdesk.session import Session

SETTINGS = EngineSettings(n_ctx=512, n_gpu_layers=0, n_threads=1)
SHORT = {"n_predict": 4, "ignore_eos": True}
ONE = replace(
    Experiment.of("Test", "hi", [LaneSetup("A", user=SHORT), LaneSetup("B", user=SHORT)]),
    checks=(Check("finished"), Check("no-loop")),
)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = Engine(extra_buffers_safe=lambda: False)
    yield Session(engine)
    assert engine.close()


def places(*models: Path) -> list[LanePlace]:
    return [
        LanePlace(lane, model, SETTINGS, RunOptions())
        for lane, model in zip(ONE.lanes, models, strict=True)
    ]


async def collect(run: ExperimentRun) -> list[ExperimentEvent]:
    return [event async for batch in run.run() for event in batch]


def test_every_lane_runs_once_at_every_seed_and_each_model_is_loaded_once(
    session: Session, models: dict[str, Path]
) -> None:
    run = ExperimentRun(session, ONE, places(models["F16"], models["Q8_0"]), [5, 6])
    events = asyncio.run(collect(run))
    trials = [(trial.lane, trial.seed) for trial in run.result.trials]
    assert trials == [("A", 5), ("A", 6), ("B", 5), ("B", 6)]
    assert sum(isinstance(event, Loaded) for event in events) == 2
    assert [event.done for event in events if isinstance(event, TrialsBegan)] == [0, 1, 2, 3]
    assert str(run.result.rate("A", 0)).startswith("0 of 2")
    assert str(run.result.rate("A", 1)).startswith("2 of 2")


def test_a_stopped_run_goes_on_with_what_is_missing(
    session: Session, models: dict[str, Path]
) -> None:
    both = places(models["F16"], models["F16"])
    first = ExperimentRun(session, ONE, both, [1, 2, 3])

    async def until_the_first_trial() -> None:
        async with aclosing(first.run()) as batches:
            async for batch in batches:
                if any(isinstance(event, TrialEnded) for event in batch):
                    first.stop()

    asyncio.run(until_the_first_trial())
    assert [(t.lane, t.seed) for t in first.result.trials] == [("A", 1), ("B", 1)]
    second = ExperimentRun(session, ONE, both, [1, 2, 3], first.result)
    asyncio.run(collect(second))
    assert len(second.result.trials) == 6
    assert len({(trial.lane, trial.seed) for trial in second.result.trials}) == 6


def test_a_missing_model_is_told_and_keeps_the_trials(
    session: Session, models: dict[str, Path], tmp_path: Path
) -> None:
    run = ExperimentRun(session, ONE, places(models["F16"], tmp_path / "gone.gguf"), [1])
    with pytest.raises(UserError, match=r"gone\.gguf"):
        asyncio.run(collect(run))
    assert [trial.lane for trial in run.result.trials] == ["A"]


@pytest.mark.parametrize("repeats", [0, -1, 1001])
def test_repeats_have_limits(repeats: int) -> None:
    with pytest.raises(UserError):
        check_repeats(repeats)
