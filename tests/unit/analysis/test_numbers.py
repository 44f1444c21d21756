"""The rows of the table under the lanes, and the sentence over it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from qwqdesk.analysis.checks import Verdict
from qwqdesk.analysis.metrics import METRICS, Number
from qwqdesk.analysis.numbers import (
    LaneNumbers,
    NumberRow,
    dot_words,
    number_rows,
    reasoning_closed,
    summary,
)
from qwqdesk.analysis.parting import Parting

Values = Mapping[str, Number]
CLEAN: Values = {"python_blocks": 1, "python_parse_failures": 0, "code_errors": 0}


def lane(label: str, more: Values | None = None, closed: bool | None = True) -> LaneNumbers:
    given: dict[str, Number] = {"reasoning_tokens": 100, "answer_tokens": 50, **(more or {})}
    filled = {metric.name: given.get(metric.name) for metric in METRICS}
    return LaneNumbers(label, filled, finish_reason="stop", reasoning_closed=closed)


def row(title: str, *lanes: LaneNumbers) -> NumberRow:
    return next(found for found in number_rows(lanes) if found.title == title)


def test_a_dozen_rows_come_first_and_every_metric_has_one() -> None:
    rows = number_rows([lane("A"), lane("B")])
    main = [found for found in rows if found.main]
    assert [found.title for found in main[:6]] == [
        "Tokens, reasoning + answer",
        "Code",
        "Longest repeat",
        "Distinct 4-grams",
        "Mean token probability",
        "Reasoning closed",
    ]
    assert 12 <= len(main) <= 14
    assert all(found.meaning and len(found.texts) == 2 for found in rows)


def test_tokens_and_time_are_never_better() -> None:
    a, b = lane("A", {"reasoning_s": 2.0, "answer_s": 1.0}), lane("B", {"reasoning_tokens": 10})
    assert row("Tokens, reasoning + answer", a, b).texts == ("100 + 50", "10 + 50")
    assert row("Tokens, reasoning + answer", a, b).better is None
    assert row("Time", a, b).texts[0] == "3.0 s"
    assert row("Time", a, b).better is None


@pytest.mark.parametrize(
    ("a", "b", "texts", "better"),
    [
        ((1, 0, 0), (1, 0, 1), ("no errors found", "1 error"), 0),
        ((1, 0, 0), (1, 0, 0), ("no errors found", "no errors found"), None),
        ((1, 0, 3), (1, 0, 1), ("3 errors", "1 error"), 1),
        ((1, 1, 1), (1, 0, 4), ("does not parse", "4 errors"), None),
        ((1, 1, 1), (1, 0, 0), ("does not parse", "no errors found"), 1),
        ((0, None, None), (1, 0, 0), ("no Python", "no errors found"), None),
    ],
)
def test_clean_code_is_better_and_fewer_errors_where_all_parses(
    a: tuple[Number, ...], b: tuple[Number, ...], texts: tuple[str, str], better: int | None
) -> None:
    names = ("python_blocks", "python_parse_failures", "code_errors")
    found = row(
        "Code",
        lane("A", dict(zip(names, a, strict=True))),
        lane("B", dict(zip(names, b, strict=True))),
    )
    assert (found.texts, found.better) == (texts, better)


def test_code_that_is_being_written_is_not_compared() -> None:
    b = LaneNumbers("B", lane("B", CLEAN).values, running=True, code_open=True)
    found = row("Code", lane("A", {**CLEAN, "code_errors": 2}), b)
    assert found.texts == ("2 errors", "writing")
    assert found.better is None


def test_the_longer_repeat_is_worse_and_a_tie_is_none() -> None:
    a, b = lane("A", {"longest_repeat_tokens": 12}), lane("B", {"longest_repeat_tokens": 61})
    assert row("Longest repeat", a, b).texts == ("12 tokens", "61 tokens")
    assert row("Longest repeat", a, b).better == 0
    assert row("Longest repeat", a, a).better is None


def test_no_loop_is_better_than_any() -> None:
    found = row("Loop from", lane("A"), lane("B", {"loop_from_token": 3412}))
    assert (found.texts, found.better) == (("none", "token 3,412"), 0)


def test_the_first_difference_counts_from_the_first_lane() -> None:
    partings = [
        Parting("differ", 23, a=23, b=23),
        Parting("same", 90),
        Parting("cut", 74),
        Parting("open", 5),
        Parting("differ", 120, by_text=True, a=30, b=41),
    ]
    others = [LaneNumbers("X", lane("X").values, parting=parting) for parting in partings]
    found = row("First difference from A", lane("A"), *others)
    assert found.texts == (
        "–", "token 23", "none", "none in 74 tokens", "none yet", "in the text",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reasoning", "answer", "closed"),
    [
        ("hello", None, "hello", None),
        ("<think>hm</think>yes", "hm", "yes", True),
        ("<think>hm", "hm", "", False),
        ("<think>hm</think>", "hm", "", True),
    ],
)
def test_whether_the_reasoning_closed(
    text: str, reasoning: str | None, answer: str, closed: bool | None
) -> None:
    assert reasoning_closed(text, reasoning, answer) is closed


def test_the_sentence_says_what_differs_most() -> None:
    a = lane("A", {"longest_repeat_tokens": 14, **CLEAN})
    b = lane("B", {"longest_repeat_tokens": 61, **CLEAN, "code_errors": 1})
    assert summary([a, b]) == (
        "Code without errors: A. Longest repeat: A 14 tokens, B 61 tokens. "
        "Reasoning closed in both."
    )
    looped = lane("C", {"loop_from_token": 7}, closed=False)
    assert summary([a, b, looped]) == (
        "Code without errors: A. B has 1 error, C looped. Reasoning not closed in C."
    )
    assert summary([lane("A", closed=None)]) == ""


def test_no_lane_with_clean_code_is_said_with_the_errors_of_each() -> None:
    a, b = (lane(name, {**CLEAN, "code_errors": n}) for name, n in (("A", 12), ("B", 1)))
    assert summary([a, b]).startswith("Errors in code: A 12, B 1.")
    assert summary([a, b, lane("C")]).startswith("A has 12 errors, B has 1 error.")


def test_texts_of_other_lengths_get_no_dots_and_the_bar_says_so() -> None:
    short, long = lane("A", {"answer_tokens": 100}), lane("B", {"answer_tokens": 900})
    assert "lengths differ" in dot_words([short, long])
    assert dot_words([short, short]) == "The dot marks the better value."


def test_an_experiments_checks_come_first_and_name_what_did_not_hold() -> None:
    good, bad = Verdict(True, "finished"), Verdict(False, "says 55")
    lanes = [
        LaneNumbers("A", {}, verdicts=(good, good)),
        LaneNumbers("B", {}, verdicts=(good, bad)),
    ]
    row = number_rows(lanes)[0]
    assert (row.title, row.texts, row.better) == ("Checks", ("all 2", "1 of 2, says 55"), 0)
    assert number_rows([lanes[0], lanes[0]])[0].better is None
    assert number_rows([LaneNumbers("A", {})])[0].title != "Checks"
