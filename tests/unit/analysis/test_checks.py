"""Checks: what a reply must show, decided without running anything of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.checks import CHECKS, Check, Checked, Verdict, passed_all
from qwqdesk.analysis.code_check import check_answer
from qwqdesk.conversation import Loop
from qwqdesk.errors import UserError


def _passed(check: Check, answer: str) -> bool | None:
    reply = Checked(answer, tuple(range(50)), "stop", code=check_answer(answer))
    return check.verdict(reply).passed


def _program(code: str) -> str:
    return f"Here it is:\n\n```python\n{code}\n```\n"


_TOO_DEEP = check_answer(_program("[" * 5000 + "]" * 5000))


@pytest.mark.parametrize(
    ("answer", "number", "passed"),
    [
        ("There are 3.", 3, True),
        ("First 2, then 1: that makes 3", 3, True),
        ("347 + 586 = 933.", 933, True),
        ("about 1,234,567 people", 1_234_567, True),
        ("\\boxed{42} because 6 * 7", 42, True),
        ("it is -4", -4, True),
        ("0.50", 0.5, True),
        ("**3 times**, at the places 3, 8 and 9", 3, True),
        ("**bold words** and 3", 3, True),
        ("three", 3, False),
        ("3, or perhaps 2", 3, False),
    ],
)
def test_the_last_number_counts_unless_one_is_boxed_or_bold(
    answer: str, number: float, passed: bool
) -> None:
    assert _passed(Check("number", {"number": number}), answer) is passed


def test_python_must_be_there_parse_and_have_no_errors() -> None:
    parses, clean = Check("python-parses"), Check("python-clean")
    assert not _passed(parses, "no code at all")
    assert not _passed(parses, _program("def f(:\n    pass"))
    assert _passed(parses, _program("print(undefined)"))
    assert not _passed(clean, _program("print(undefined)"))
    assert _passed(clean, _program("x = 1\nprint(x)"))


def test_the_guides_bug_is_an_error() -> None:
    code = "def restart():\n    global pipes\n    pipes.clear()\n\nrestart()"
    verdict = Check("python-clean").verdict(
        Checked("", (), "stop", code=check_answer(_program(code)))
    )
    assert (verdict.passed, verdict.words) == (False, "1 error")


def test_json_alone_or_in_one_block_with_all_keys() -> None:
    check = Check("json", {"keys": ["name", "moons"]})
    good = '{"name": "Mars", "moons": []}'
    assert _passed(check, good)
    assert _passed(check, f"```json\n{good}\n```")
    assert not _passed(check, f"Here you are: {good}")
    assert not _passed(check, '{"name": "Mars"}')
    assert not _passed(check, "[1]")
    assert not _passed(check, "[" * 100_000)


def test_loops_ends_and_open_reasoning_are_told() -> None:
    loop = Loop(411, 15, 7.0, "Wait")
    reply = Checked("", (1,) * 40, "loop", closed=False, loop=loop)
    words = {
        kind: Check(kind).verdict(reply) for kind in ("finished", "no-loop", "reasoning-closed")
    }
    assert not any(verdict.passed for verdict in words.values())
    assert words["no-loop"].words == "loops from token 412"
    assert not Check("repetition", {"at_most": 0.2}).verdict(reply).passed


@pytest.mark.parametrize(
    ("check", "reply", "words"),
    [
        (Check("reasoning-closed"), Checked("3", (1, 2), "stop"), "no reasoning"),
        (Check("no-loop"), Checked("", (), "error"), "nothing written"),
        (Check("repetition", {"at_most": 0.2}), Checked("3", (1, 2), "stop"), "too short"),
        (Check("lacks", {"texts": "sorry"}), Checked(" \n", (1, 2), "length"), "no answer"),
        (Check("python-parses"), Checked("", (1,), "stop", code=_TOO_DEEP), "too long or nested"),
        (Check("python-clean"), Checked("", (1,), "stop", code=_TOO_DEEP), "too long or nested"),
    ],
)
def test_a_check_without_anything_to_look_at_does_not_apply(
    check: Check, reply: Checked, words: str
) -> None:
    verdict = check.verdict(reply)
    assert verdict.passed is None
    assert verdict.words.startswith(f"does not apply: {words}")


def test_one_block_that_does_not_parse_is_told_beside_one_that_nobody_parsed() -> None:
    code = (*_TOO_DEEP, *check_answer(_program("def f(:")))
    verdict = Check("python-parses").verdict(Checked("", (1,), "stop", code=code))
    assert (verdict.passed, verdict.words) == (False, "does not parse, line 1")


def test_all_together_are_those_that_apply() -> None:
    yes, no, none = Verdict(True, ""), Verdict(False, ""), Verdict(None, "")
    assert passed_all([yes, none]) is True
    assert passed_all([yes, none, no]) is False
    assert passed_all([none, none]) is None
    assert passed_all([]) is True


def test_words_and_texts() -> None:
    assert _passed(Check("words", {"at_least": 2, "at_most": 3}), "two words")
    assert not _passed(Check("words", {"at_least": 3, "at_most": 9}), "two words")
    assert _passed(Check("contains", {"texts": ["SEA", "ship"]}), "the sea")
    assert _passed(Check("lacks", {"texts": "sorry"}), "the sea")


@pytest.mark.parametrize(
    "data",
    [
        {"check": "nothing-of-the-kind"},
        {"check": "number"},
        {"check": "number", "number": True},
        {"check": "number", "number": 10**400},
        {"check": "number", "number": float("nan")},
        {"check": "contains", "texts": []},
        {"check": "contains", "texts": [""]},
        {"check": "finished", "extra": 1},
        {"check": ["finished"]},
        "finished",
        None,
    ],
)
def test_a_wrong_check_is_refused_in_words(data: object) -> None:
    with pytest.raises(UserError) as caught:
        Check.from_json(data)
    assert caught.value.code == "check"
    assert caught.value.what_to_do


def test_every_kind_survives_its_file() -> None:
    values: dict[str, Any] = {"texts": ["a"], "keys": ["a", "b"], "number": 3, "at_least": 1,
                              "at_most": 2}  # fmt: skip
    for kind in CHECKS:
        check = Check(kind.name, {name: values[name] for name in kind.values})
        assert Check.from_json(json.loads(json.dumps(check.to_json()))) == check
        assert "{" not in check.title


@given(st.text(max_size=300))
def test_no_answer_breaks_a_check(answer: str) -> None:
    values: dict[str, Any] = {"texts": ["a"], "keys": ["a"], "number": 3, "at_least": 0,
                              "at_most": 9}  # fmt: skip
    for kind in CHECKS:
        check = Check(kind.name, {name: values[name] for name in kind.values})
        assert check.verdict(Checked(answer, (), None)).words
