"""What is offered at first shows something, on the demo model that ships."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from qwqdesk.analysis.checks import Check
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import load_experiments
from qwqdesk.experiment_run import ExperimentRun
from qwqdesk.model_turns import LanePlace
from qwqdesk.new_engine import new_engine
from qwqdesk.paths import DataDirs
from qwqdesk.resources import resource
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from qwqdesk.session import Session
from qwqdesk.ui.conversation.first_comparison import first_comparison

_MODEL = "qwqdesk-demo-F16.gguf"


async def _passed(tmp_path: Path, one: Experiment, seeds: list[int]) -> list[list[bool | None]]:
    """For each lane, whether the checks passed, seed by seed."""
    settings, options = EngineSettings(n_threads=1, n_ctx=1024), RunOptions(keep=False)
    model = resource("models", _MODEL)
    places = [LanePlace(lane, model, settings, options) for lane in one.lanes]
    engine = new_engine(DataDirs.find(tmp_path, {}).create())
    try:
        run = ExperimentRun(Session(engine), one, places, seeds)
        async with aclosing(run.run()) as batches:
            async for _ in batches:
                pass
    finally:
        engine.close()
    trials = run.result.trials
    return [[t.passed for t in trials if t.lane == lane.label] for lane in one.lanes]


def test_one_order_gives_the_right_answer_and_the_other_a_wrong_one(tmp_path: Path) -> None:
    """As README claims."""
    shown = first_comparison({recipe.id: recipe for recipe in BUILTIN_RECIPES})
    one = Experiment.of("First", shown.prompt, shown.lanes, [Check("number", {"number": 83})])
    assert asyncio.run(_passed(tmp_path, one, [3407, 1, 2])) == [[True] * 3, [False] * 3]


def test_the_json_experiment_passes_but_for_the_penalty_in_front(tmp_path: Path) -> None:
    every = load_experiments(None, BUILTIN_RECIPES).experiments
    one = next(each for each in every if each.id == "json-output")
    assert asyncio.run(_passed(tmp_path, one, [1, 2])) == [[True] * 2, [False] * 2, [True] * 2]
