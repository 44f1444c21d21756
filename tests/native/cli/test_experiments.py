"""`qwqdesk experiments`: from the list to the table of what held how often."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.native.cli.conftest import Cli

FAST = ("-c", "512", "-t", "1", "-n", "6", "--ignore-eos")


def test_list_and_show(cli: Cli) -> None:
    rows = cli("experiments", "list", "--json").json
    assert rows[0]["name"] == "flappy-bird"
    assert all(row["builtin"] for row in rows)
    shown = cli("experiments", "show", "strawberry", "--json").json
    assert shown["format"] == "qwqdesk.experiment"
    assert "The answer is 3" in cli("experiments", "show", "strawberry").out


def test_run_judges_every_lane_at_every_seed(cli: Cli, model: str, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    words = ("run", "strawberry", model, "--repeats", "2", *FAST, "--out", str(out))
    result = cli("experiments", *words, "--json")
    assert result.status == 0
    lanes = result.json["lanes"]
    assert [lane["label"] for lane in lanes] == ["A", "B", "C", "D"]
    assert [trial["seed"] for trial in lanes[0]["trials"]] == [1, 2]
    assert [check["of"] for check in lanes[0]["checks"]] == [2, 2, 2, 2]
    assert json.loads(out.read_text()) == result.json


def test_run_for_people_prints_a_table(cli: Cli, model: str) -> None:
    result = cli("experiments", "run", "arithmetic", model, *FAST)
    assert "lane A, seed 1: failed" in result.err
    assert result.out.splitlines()[0].split() == ["A", "B", "C", "D"]
    assert "0 of 1 (0% to 79%)" in result.out


def test_flags_outside_apply_to_every_lane(cli: Cli, model: str) -> None:
    result = cli("experiments", "run", "arithmetic", model, *FAST, "--json").json
    words = {lane["trials"][0]["verdicts"][0]["words"] for lane in result["lanes"]}
    assert words == {"length limit"}
    again = cli("experiments", "run", "arithmetic", model, *FAST, "--seed", "7", "--json").json
    assert again["lanes"][1]["trials"][0]["seed"] == 7


def test_import_export_remove(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    assert cli("experiments", "export", "strawberry", str(file)).status == 0
    assert cli("experiments", "import", str(file), "--json").json["name"] == "mine"
    names = [row["name"] for row in cli("experiments", "list", "--json").json]
    assert names[-1] == "mine"
    assert cli("experiments", "remove", "mine").status == 0
    assert cli("experiments", "remove", "mine", "--json").error["code"] == "experiment-unknown"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("run", "nothing"), 1),
        (("run", "arithmetic", "--repeats", "many"), 2),
        (("run", "arithmetic", "--repeats", "0"), 1),
        (("show",), 2),
    ],
)
def test_mistakes_are_told(cli: Cli, words: tuple[str, ...], status: int) -> None:
    result = cli("experiments", *words)
    assert (result.status, result.out) == (status, "")
    assert result.err.startswith("error: ")
