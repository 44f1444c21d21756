"""Results of experiments on disk: found again under the same conditions, and under no others."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.analysis.checks import Check, Checked
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_result import ExperimentResult
from qwqdesk.experiment_store import forget_result, load_result, result_path, save_result
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_turns import LanePlace
from qwqdesk.run_plan import RunOptions

ONE = Experiment.of("Mine", "Count.", [LaneSetup("A")], [Check("finished")])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"weights")
    return path


def place(model: Path, settings: EngineSettings | None = None) -> list[LanePlace]:
    return [LanePlace(ONE.lanes[0], model, settings or EngineSettings(), RunOptions())]


def test_what_is_saved_is_found_again_until_it_is_forgotten(tmp_path: Path, model: Path) -> None:
    path = result_path(tmp_path, ONE, place(model))
    result = ExperimentResult(ONE)
    result.add("A", 7, Checked("3", (1,), "stop"))
    save_result(path, result)
    found = load_result(result_path(tmp_path, ONE, place(model)), ONE)
    assert found.trials == result.trials
    assert found.has("A", 7)
    forget_result(path)
    assert load_result(path, ONE).trials == []


def test_a_file_that_says_nothing_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(b"[" * 100_000)
    assert load_result(tmp_path / "r.json", ONE).trials == []


def test_other_conditions_have_another_result(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = result_path(tmp_path, ONE, place(model))
    others = [
        result_path(tmp_path, replace(ONE, prompt="Count on."), place(model)),
        result_path(tmp_path, replace(ONE, checks=()), place(model)),
        result_path(tmp_path, ONE, place(model, EngineSettings(n_ctx=512))),
    ]
    os.utime(model, ns=(1, 1))  # another file of the same size
    others.append(result_path(tmp_path, ONE, place(model)))
    monkeypatch.setattr("qwqdesk.experiment_store.package_version", lambda: "0.0.1")
    others.append(result_path(tmp_path, ONE, place(model)))
    assert len({before, *others}) == 6


def test_two_programs_at_the_same_experiment_keep_each_others_trials(
    tmp_path: Path, model: Path
) -> None:
    path = result_path(tmp_path, ONE, place(model))
    first, second = ExperimentResult(ONE), ExperimentResult(ONE)
    first.add("A", 7, Checked("3", (1,), "stop"))
    save_result(path, first)
    second.add("A", 8, Checked("3", (1,), "length"))
    save_result(path, second)
    first.add("A", 9, Checked("3", (1,), "stop"))
    save_result(path, first)
    found = load_result(path, ONE)
    assert {trial.seed: trial.passed for trial in found.trials} == {7: True, 8: False, 9: True}
    assert first.trials == [trial for trial in found.trials if trial.seed != 8]
