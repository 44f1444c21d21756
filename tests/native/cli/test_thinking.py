"""Budgets, answer chains and given thoughts from the command line, on small real models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qwqdesk.resources import resource
from tests.native.cli.conftest import Cli

QUICK = ("-c", "512", "-t", "1", "--seed", "5", "--ignore-eos", "--json")
DEMO = str(resource("models", "qwqdesk-demo-F16.gguf"))
ASK = ("ask", DEMO, "-p", "What is 3 plus 4?", "-c", "1024", "-t", "1", "--seed", "3", "--json")


@pytest.mark.parametrize("budget", [0, 7])
def test_the_budget_closes_the_reasoning_and_the_answer_goes_on(cli: Cli, budget: int) -> None:
    words = ("--reasoning-budget", str(budget), "--reasoning-budget-message", "Time.")
    [lane] = cli(*ASK, *words).json["lanes"]
    assert lane["text"].count("</think>") == 1
    assert lane["reasoning"].endswith("Time.\n")
    assert lane["answer"].strip() != ""
    assert "budget" in lane["finish_detail"]
    assert lane["usage"]["reasoning_tokens"] + lane["usage"]["answer_tokens"] == len(lane["tokens"])
    assert lane["manifest"]["reasoning_budget"] == budget


def test_budgets_and_guards_of_lanes_run_together(cli: Cli, model: str) -> None:
    data = cli(
        "compare", model, "-p", "hi", *QUICK, "-n", "40", "--reasoning-budget-message", "",
        "--lane", "a=--reasoning-budget 5", "--lane", "b=--reasoning-budget -1 --loop-guard off",
    ).json  # fmt: skip
    a, b = data["lanes"]
    assert "\n</think>\n\n" in a["text"]
    assert "</think>" not in b["text"]
    assert [lane["manifest"]["loop_guard"] for lane in (a, b)] == ["mark", "off"]


@pytest.mark.parametrize(
    "flags",
    [
        ("--samplers", "penalties;temperature", "--repeat-penalty", "1.3",
         "--presence-penalty", "0.4"),
        ("--samplers", "dry;penalties;top_k", "--top-k", "1", "--dry-multiplier", "0.9",
         "--repeat-penalty", "1.2", "--repeat-last-n", "-1", "--dry-penalty-last-n", "-1"),
    ],
)  # fmt: skip
def test_an_answer_chain_like_the_lanes_own_writes_the_same(
    cli: Cli, flags: tuple[str, ...]
) -> None:
    """Nothing random: the histories of penalties and DRY must have been handed over."""
    words = (*ASK, "--temp", "0", "--reasoning-budget", "30", "-n", "150", *flags)
    [one] = cli(*words).json["lanes"]
    [two] = cli(*words, "--answer-chain", "--temp 0").json["lanes"]
    assert two["tokens"] == one["tokens"]
    assert len(one["answer"]) > 20
    assert "answer_sampling" not in one
    assert two["answer_sampling"] == two["sampling"]
    assert set(two["answer_sources"]) == set(two["sources"])


def test_the_answer_chain_changes_the_answer_alone(cli: Cli) -> None:
    words = (*ASK, "--temp", "0", "--reasoning-budget", "20", "-n", "120")
    [one] = cli(*words).json["lanes"]
    [two] = cli(*words, "--answer-chain", "qwen --temp 5 --samplers temperature").json["lanes"]
    assert two["reasoning"] == one["reasoning"]
    assert two["answer"] != one["answer"]
    assert two["answer_sampling"]["temperature"] == 5
    assert (two["answer_sources"]["temperature"], two["answer_sources"]["top_k"]) == (
        "user",
        "recipe",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--nonsense 3", "--nonsense"),
        ("no-such-recipe", "no-such-recipe"),
        ("-n 5", "n_predict"),
        ("--temp hot", "--temp"),
        ("-c 512", "-c"),
        ("--top-k 3 word", "word"),
    ],
)
def test_a_wrong_answer_chain_names_its_lane(cli: Cli, model: str, text: str, said: str) -> None:
    result = cli("compare", model, "-p", "x", "--lane", "a=", "--lane",
                 f"b=--answer-chain '{text}'", "--json")  # fmt: skip
    assert result.status == 2
    assert said in result.error["what"]
    assert result.error["what"].startswith("Lane b: --answer-chain: ")


def test_a_thought_from_a_file_is_answered_without_being_drawn(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "thought.txt"
    file.write_text("3 and 4 make 7.\n")
    [lane] = cli(*ASK, "--thought", str(file), "-n", "60").json["lanes"]
    assert lane["text"].startswith("3 and 4 make 7.\n</think>\n\n")
    assert lane["reasoning"] == "3 and 4 make 7.\n"
    assert 0 < lane["frozen_tokens"] < len(lane["tokens"])
    assert lane["answer"].strip() != ""


def test_a_thought_from_a_run_gives_its_reasoning_and_its_answer_again(
    cli: Cli, tmp_path: Path
) -> None:
    words = (*ASK, "--temp", "0", "-n", "300")
    first = cli(*words).json
    file = tmp_path / "run.json"
    file.write_text(json.dumps(first))
    [again] = cli(*words, "--thought", str(file)).json["lanes"]
    [lane] = first["lanes"]
    assert again["reasoning"] == lane["reasoning"]
    assert again["answer"].strip() == lane["answer"].strip()


@pytest.mark.parametrize("content", [None, '{"format": "qwqdesk.run", "lanes": [{}, 3]}'])
def test_a_thought_that_is_not_there_is_told(
    cli: Cli, model: str, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "x.json"
    if content is not None:
        file.write_text(content)
    result = cli("ask", model, "-p", "x", "--thought", str(file), "--json")
    assert (result.status, result.error["code"]) == (1, "file")


def test_probabilities_become_numbers(cli: Cli, model: str) -> None:
    [lane] = cli("ask", model, "-p", "hi", *QUICK, "-n", "6").json["lanes"]
    mean, least = (lane["metrics"][f"{name}_probability"] for name in ("mean", "min"))
    assert 0 < least <= mean <= 1
    assert lane["ends"][-1] == len(lane["text"])


@pytest.mark.parametrize(
    "words",
    [
        ("--reasoning-budget", "12"),
        ("--reasoning-budget", "12", "--answer-chain", "--temp 1.5 --samplers temperature"),
        ("--thought",),
        ("--loop-guard", "close"),
    ],
)
def test_a_run_with_them_reproduces(cli: Cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    if words == ("--thought",):
        (tmp_path / "thought.txt").write_text("It is 7.")
        words = ("--thought", str(tmp_path / "thought.txt"))
    document = cli(*ASK, "-n", "60", *words).json
    (tmp_path / "run.json").write_text(json.dumps(document))
    found = cli("rerun", str(tmp_path / "run.json"), "--json").json
    assert [lane["equal"] for lane in found["lanes"]] == [True], found
    assert found["lanes"][0]["tokens"] == len(document["lanes"][0]["tokens"])


def test_a_given_thought_does_not_count_for_n_predict_and_runs_again(
    cli: Cli, tmp_path: Path
) -> None:
    thought = tmp_path / "thought.txt"
    thought.write_text("I add 3 and 4. That gives 7.", "utf-8")
    data = cli(*ASK, "--thought", str(thought), "-n", "8").json
    [lane] = data["lanes"]
    assert lane["frozen_tokens"] > 8
    assert len(lane["tokens"]) <= lane["frozen_tokens"] + 8
    assert lane["answer"].strip() != ""
    file = tmp_path / "run.json"
    file.write_text(json.dumps(data), "utf-8")
    again = cli("rerun", str(file), DEMO, "-t", "1", "--json")
    assert (again.status, again.json["reproduced"]) == (0, True)


def test_a_thought_that_leaves_no_room_is_refused_as_a_prompt_is(cli: Cli, tmp_path: Path) -> None:
    thought = tmp_path / "thought.txt"
    thought.write_text("word " * 3000, "utf-8")
    result = cli(*ASK, "--thought", str(thought))
    assert (result.status, result.error["code"]) == (1, "prompt_too_long")
