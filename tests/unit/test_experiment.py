"""Experiments: files that mean the same elsewhere, and what came of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.checks import Check, Checked
from qwqdesk.analysis.rates import Rate
from qwqdesk.conversation import FinishReason, Loop
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import (
    delete_experiment,
    export_experiment,
    load_experiments,
    read_experiment,
    save_experiment,
)
from qwqdesk.experiment_result import ExperimentResult, checked, seeds
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.recipes import BUILTIN_RECIPES

RECIPES = {recipe.id: recipe for recipe in BUILTIN_RECIPES}


def _own(**changes: Any) -> Experiment:  # noqa: ANN401 - the fields of Experiment
    lanes = (LaneSetup("A", RECIPES["qwen"]), LaneSetup("B", RECIPES["qwen"], {"top_k": 7}))
    made = Experiment.of("My own", "Count to 3.", lanes, [Check("number", {"number": 3})])
    return Experiment(**{**vars(made), **changes})


def test_the_shipped_ones_are_whole_and_the_guides_comes_first() -> None:
    found = load_experiments(None, BUILTIN_RECIPES)
    assert not found.problems
    assert found.experiments[0].id == "flappy-bird"
    assert all(one.builtin and one.checks and one.about for one in found.experiments)
    assert all(len(one.lanes) > 1 for one in found.experiments)


def test_a_file_means_the_same_where_the_recipes_are_missing() -> None:
    for one in (*load_experiments(None, BUILTIN_RECIPES).experiments, _own()):
        data = json.loads(json.dumps(one.to_json(), allow_nan=False))
        here, elsewhere = Experiment.from_json(data, RECIPES), Experiment.from_json(data, {})
        assert here.lanes == one.lanes
        chains = [lane.resolved().chain for lane in one.setups(7)]
        assert [lane.resolved().chain for lane in elsewhere.setups(7)] == chains
        assert here.checks == one.checks


def test_a_lane_keeps_its_values_where_the_recipe_of_that_name_has_others() -> None:
    data = _own().to_json()
    data["lanes"][0]["recipe"] = "greedy"
    lane = Experiment.from_json(data, RECIPES).lanes[0]
    assert lane.resolved().chain == RECIPES["qwen"].chain
    assert lane.edited


def test_saved_found_again_and_deleted(tmp_path: Path) -> None:
    path = save_experiment(tmp_path, _own())
    found = load_experiments(tmp_path, BUILTIN_RECIPES)
    assert found.named("MY OWN").lanes == _own().lanes
    assert read_experiment(path, RECIPES).prompt == "Count to 3."
    delete_experiment(tmp_path, "my-own")
    with pytest.raises(UserError, match="no experiment named"):
        load_experiments(tmp_path, BUILTIN_RECIPES).named("my-own")


def test_a_built_in_name_is_refused_and_a_broken_file_hides_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="built-in"):
        save_experiment(tmp_path, _own(id="flappy-bird"))
    (tmp_path / "broken.json").write_text("{")
    export_experiment(tmp_path / "flappy-bird.json", _own())
    save_experiment(tmp_path, _own())
    found = load_experiments(tmp_path, BUILTIN_RECIPES)
    assert found.named("my-own")
    assert len(found.problems) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"format": "else"},
        {"version": 2},
        {"prompt": " "},
        {"prompt": 3},
        {"lanes": []},
        {"lanes": [{}] * 5},
        {"lanes": [{"label": "A"}, {"label": "A"}]},
        {"lanes": [{"recipe": "unknown"}]},
        {"lanes": [{"label": "\n"}]},
        {"lanes": [{"sampling": {"top_k": "many"}}]},
        {"checks": [{"check": "unknown"}]},
        {"checks": [{"check": "finished"}] * 31},
        {"seed": -1},
        {"seed": True},
    ],
)
def test_a_wrong_file_is_refused_in_words(change: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        Experiment.from_json({**_own().to_json(), **change}, RECIPES)
    assert caught.value.what


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["title", "name", "prompt", "lanes", "checks", "seed", "mode", "about"]),
        _JSON,
    )
)
def test_any_file_is_read_or_refused(change: dict[str, Any]) -> None:
    try:
        made = Experiment.from_json({**_own().to_json(), **change}, RECIPES)
    except UserError:
        return
    json.dumps(made.to_json(), allow_nan=False)


def test_lanes_get_the_runs_seed_unless_they_have_their_own() -> None:
    lanes = (LaneSetup("A"), LaneSetup("B", user={"seed": 9}))
    setups = _own(lanes=lanes).setups(4)
    assert [lane.user["seed"] for lane in setups] == [4, 9]
    assert list(seeds(_own(seed=2**32 - 2), 2)) == [2**32 - 2, 0]


def test_rates_count_and_the_better_lane_is_named() -> None:
    result = ExperimentResult(_own())
    for seed, b in ((1, "3"), (2, "2")):
        result.add("A", seed, Checked("3", (1,), "stop"))
        result.add("B", seed, Checked(b, (1,), "stop"))
    assert (result.rate("A").passed, result.rate("B", 0).passed) == (2, 1)
    assert result.best_lane() == "A"
    row = json.loads(json.dumps(result.to_json(), allow_nan=False))["lanes"][1]
    assert row["passed"]["of"] == 2
    assert [trial["passed"] for trial in row["trials"]] == [True, False]


def test_replies_to_which_a_check_does_not_apply_are_not_counted() -> None:
    checks = (Check("reasoning-closed"), Check("number", {"number": 3}))
    result = ExperimentResult(_own(checks=checks))
    result.add("A", 1, Checked("3", (1,), "stop"))
    result.add("A", 2, Checked("3", (1,), "stop", closed=True))
    result.add("A", 3, Checked("", (1,), "length", closed=False))
    closed = result.rate("A", 0)
    assert (closed.passed, closed.total, closed.without) == (1, 2, 1)
    assert closed.interval == Rate(1, 2).interval
    assert (result.rate("A").passed, result.rate("A").total) == (2, 3)
    row = json.loads(json.dumps(result.to_json()))["lanes"][0]
    assert row["checks"][0] | {"interval": []} == {
        "passed": 1, "of": 2, "does_not_apply": 1, "interval": [],
    }  # fmt: skip
    assert row["trials"][0]["verdicts"][0]["passed"] is None
    again = ExperimentResult(_own(checks=checks))
    again.take({"lanes": [row]})
    assert again.trials == result.trials


def test_a_lane_to_which_nothing_applies_is_neither_best_nor_worst() -> None:
    result = ExperimentResult(_own(checks=(Check("reasoning-closed"),)))
    result.add("A", 1, Checked("3", (1,), "stop", closed=True))
    result.add("B", 1, Checked("3", (1,), "stop"))
    assert str(result.rate("B")) == "does not apply"
    assert result.rate("B").share is None
    assert result.best_lane() is None
    assert [trial.passed for trial in result.trials] == [True, None]


def test_results_of_earlier_versions_are_still_read() -> None:
    old = [{"passed": True, "words": "closed"}, {"passed": False, "words": "says 4"}]
    result = ExperimentResult(
        _own(checks=(Check("reasoning-closed"), Check("number", {"number": 3})))
    )
    trials = [{"seed": 1, "passed": False, "verdicts": old}]
    result.take({"lanes": [{"label": "A", "trials": trials}]})
    assert (result.rate("A", 0).passed, result.rate("A").total) == (1, 1)


def test_a_loop_is_found_where_no_guard_watched() -> None:
    written = _Written(tokens=tuple(range(8)) * 60)
    assert Check("no-loop").verdict(checked(written)).passed is False


def test_a_reply_without_reasoning_did_not_close_it() -> None:
    assert checked(_Written(tokens=(1, 2))).closed is None
    assert checked(_Written(tokens=(1, 2), reasoning="hm", text="hm")).closed is False


@dataclass
class _Written:
    tokens: tuple[int, ...]
    text: str = "3"
    reasoning: str | None = None
    answer: str = ""
    finish_reason: FinishReason | None = "stop"
    loop: Loop | None = None


@pytest.mark.parametrize("seed", [7, -1])
def test_a_seed_that_all_lanes_share_is_the_first_runs(seed: int) -> None:
    lanes = [LaneSetup(label, user={"seed": seed, "top_k": 3}) for label in "AB"]
    made = Experiment.of("Mine", "Hi", lanes)
    first = 7 if seed == 7 else 1
    assert made.seed == first
    assert [lane.user["seed"] for lane in made.setups(first + 1)] == [first + 1] * 2
    file = json.loads(json.dumps(made.to_json()))
    for lane in file["lanes"]:
        lane["user"]["seed"] = lane["sampling"]["seed"] = seed
    read = Experiment.from_json(file, RECIPES)
    assert (read.seed, read.setups(3)[1].user["seed"]) == (first, 3)


def test_a_recipes_seed_is_no_lanes_own() -> None:
    lanes = [LaneSetup("A", RECIPES["unsloth"]), LaneSetup("B", RECIPES["qwen"])]
    made = Experiment.from_json(Experiment.of("Mine", "Hi", lanes).to_json(), RECIPES)
    assert [lane.resolved().chain["seed"] for lane in made.setups(5)] == [5, 5]


def test_a_result_goes_on_from_its_file() -> None:
    result = ExperimentResult(_own())
    result.add("A", 1, Checked("3", (1,), "stop"))
    result.add("B", 1, Checked("4", (1,), "stop"))
    again = ExperimentResult(_own())
    again.take(json.loads(json.dumps(result.to_json())))
    again.take(result.to_json())
    assert again.trials == result.trials
    assert again.has("B", 1)
    assert not again.has("B", 2)


@given(_JSON)
def test_no_result_file_breaks_anything(data: object) -> None:
    result = ExperimentResult(_own())
    result.take(data)
    result.take({"lanes": [{"label": "A", "trials": data}, data]})
    result.take({"lanes": [{"label": "A", "trials": [{"seed": 1, "verdicts": data}]}]})
    json.dumps(result.to_json(), allow_nan=False)
