"""The table of numbers: whole, strict JSON, and honest about what is better."""

from __future__ import annotations

import json
import time

import pytest

from qwqdesk.analysis.code_check import check_answer
from qwqdesk.analysis.metrics import (
    METRICS,
    LaneResult,
    Number,
    better_lane,
    lane_metrics,
    shown_value,
)
from qwqdesk.conversation import Loop, Timing, Usage


def test_tokens_and_seconds_are_split_between_reasoning_and_answer() -> None:
    timing = Timing(decode_s=5.0, tokens_per_second=60.0, reasoning_s=2.0)
    values = lane_metrics(LaneResult([1] * 300, "x", Usage(9, 100, 200), timing)).values
    assert (values["reasoning_tokens"], values["answer_tokens"]) == (100, 200)
    assert (values["reasoning_s"], values["answer_s"]) == (2.0, 3.0)
    assert values["reasoning_tokens_per_second"] == 50.0
    assert values["answer_tokens_per_second"] == pytest.approx(200 / 3)


def test_an_empty_reply_has_every_name_and_no_number_that_is_none() -> None:
    data = lane_metrics(LaneResult([], "")).to_json()
    assert {metric.name for metric in METRICS} <= set(data)
    json.dumps(data, allow_nan=False)
    assert (data["distinct_1"], data["loop"], data["longest_repeat_at"]) == (None, None, None)


def test_a_loop_is_found_also_without_a_guard() -> None:
    tokens = [*range(50), *[7, 8, 9] * 200]
    data = lane_metrics(LaneResult(tokens, "x")).to_json()
    assert data["loop_from_token"] == 50
    assert (data["loop"]["period"], data["loop"]["repeats"]) == (3, 200.0)
    seen = Loop(50, 3, 43.0, "abc")
    assert lane_metrics(LaneResult(tokens, "x", loop=seen)).to_json()["loop"]["text"] == "abc"
    assert lane_metrics(LaneResult(tokens, "x"), search_loop=False).loop is None


def test_code_counts_only_where_there_is_code() -> None:
    with_code = LaneResult([1], "x", code=check_answer("```python\nx = y\n```\n```py\n(\n```"))
    values = lane_metrics(with_code).values
    counts = [values[name] for name in ("python_blocks", "python_parse_failures", "code_errors")]
    assert counts == [2, 1, 2]
    assert lane_metrics(LaneResult([1], "x")).values["code_errors"] is None


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("seq_rep_4", [0.5, 0.1], 1),
        ("seq_rep_4", [0.1001, 0.1002], None),
        ("distinct_2", [0.5, 0.9, 0.9], None),
        ("distinct_2", [0.5, 0.9, 0.8], 1),
        ("loop_from_token", [None, 500], 0),
        ("loop_from_token", [300, 500], 1),
        ("loop_from_token", [None, None], None),
        ("code_errors", [None, 3], None),
        ("code_errors", [0, 3], 0),
        ("answer_tokens", [1, 1000], None),
        ("tokens_per_second", [], None),
    ],
)
def test_only_a_value_that_looks_better_is_marked(
    name: str, values: list[Number], best: int | None
) -> None:
    assert better_lane(name, [{name: value} for value in values]) == best


def test_replies_of_very_different_length_are_not_compared() -> None:
    lanes: list[dict[str, Number]] = [
        {"answer_tokens": 1000, "seq_rep_4": 0.2, "loop_from_token": 500},
        {"answer_tokens": 60, "seq_rep_4": 0.0, "loop_from_token": None},
    ]
    assert better_lane("seq_rep_4", lanes) is None
    assert better_lane("loop_from_token", lanes) == 1
    lanes[1]["answer_tokens"] = 600
    assert better_lane("seq_rep_4", lanes) == 1


def test_code_that_does_not_parse_hides_its_other_errors() -> None:
    lanes: list[dict[str, Number]] = [
        {"code_errors": 13, "python_parse_failures": 0},
        {"code_errors": 1, "python_parse_failures": 1},
    ]
    assert better_lane("code_errors", lanes) is None
    assert better_lane("python_parse_failures", lanes) == 0
    lanes[1]["python_parse_failures"] = 0
    assert better_lane("code_errors", lanes) == 1


def test_values_are_shown_as_people_read_them() -> None:
    assert shown_value("answer_tokens", 12345) == "12,345"
    assert shown_value("tokens_per_second", 12.345) == "12.3"
    assert shown_value("loop_from_token", None) == "none"
    assert shown_value("mean_probability", None) == "\N{EN DASH}"


def test_probabilities_leave_out_what_is_no_number() -> None:
    values = lane_metrics(LaneResult([1], "x", probabilities=[0.5, float("nan"), 1.0])).values
    assert (values["mean_probability"], values["min_probability"]) == (0.75, 0.5)


def test_a_pair_of_twenty_thousand_tokens_takes_no_visible_time() -> None:
    tokens = [(at * at) % 4093 for at in range(20_000)]
    start = time.process_time()
    for _ in range(2):
        lane_metrics(LaneResult(tokens, " ".join(map(str, tokens))), search_loop=False)
    assert time.process_time() - start < 0.6, "0.3 seconds, and some for a busy machine"
