"""Inline Markdown of a hostile writer: looks are found, nothing dangerous comes through."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.ui.conversation.inline_runs import Run, inline_runs, safe_address
from qwqdesk.ui.conversation.visible_text import storable, visible


def test_looks_are_told_apart() -> None:
    runs = inline_runs("a **b** *c* `d` ~~e~~ [f](https://g.h) $x^2$ \\(y\\) \\boxed{42}")
    assert Run("b", bold=True) in runs
    assert Run("c", italic=True) in runs
    assert Run("d", code=True) in runs
    assert Run("e", strike=True) in runs
    assert Run("f", href="https://g.h") in runs
    assert [run.text for run in runs if run.formula] == ["x^2", "y", "\\boxed{42}"]


def test_bare_addresses_are_links() -> None:
    runs = inline_runs("see https://a.b/c. Then")
    assert Run("https://a.b/c", href="https://a.b/c") in runs


def test_money_is_not_a_formula() -> None:
    assert not [run for run in inline_runs("It costs $5 and $6 today") if run.formula]


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "ftp://a.b", "//a.b", "a.b",
     "vbscript:x", "qrc:/x"],
)  # fmt: skip
def test_only_web_and_mail_addresses_are_links(address: str) -> None:
    assert safe_address(address) == ""
    assert not any(run.href for run in inline_runs(f"[x]({address}) ![y]({address})"))


def test_html_stays_text() -> None:
    text = '<b>x</b> <img src="http://a/b"> <script>y</script>'
    assert "".join(run.text for run in inline_runs(text)).replace(" ", "") == text.replace(" ", "")


def test_an_image_is_a_link_and_is_not_fetched() -> None:
    assert inline_runs("![a cat](https://a.b/c.png)") == [
        Run("[image: a cat]", href="https://a.b/c.png")
    ]


@given(st.text(alphabet="[]()*_`$\\{}<>!~ab \n", max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    inline_runs(text)


@pytest.mark.parametrize(
    "unit", ["[", "*", "_", "**a ", "``a", "\\(", "![", "\\boxed{", "<a", "$a "]
)
def test_no_text_takes_long(unit: str) -> None:
    start = time.perf_counter()
    inline_runs((unit * 4096)[:4096])
    assert time.perf_counter() - start < 0.5


def test_nothing_stays_unseen() -> None:
    assert visible("a\x00\x1b[2Jb\r\n") == "a\u2400\u241b[2Jb\n"
    assert visible("x = 1 \u202e# 2") == "x = 1 ⟨U+202E⟩# 2"
    assert visible("\ud800\ufdd0\u2029") == "\ufffd\ufffd\n"
    assert visible("שלום 안녕 👍🏽") == "שלום 안녕 👍🏽"


def test_lone_surrogates_cannot_reach_the_clipboard() -> None:
    storable("a\ud800b").encode("utf-8")


CASES = json.loads((Path(__file__).parents[2] / "cases" / "inline.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_cases_from_answers(case: Mapping[str, Any]) -> None:
    runs = inline_runs(case["text"])
    if "bold" in case:
        assert [run.text for run in runs if run.bold] == [case["bold"]]
        assert "*" not in "".join(run.text for run in runs)
    if "href" in case:
        assert [(run.text, run.href) for run in runs if run.href] == [(case["href"], case["href"])]
    if "formulas" in case:
        assert sum(bool(run.formula) for run in runs) == case["formulas"]
    if "plain" in case:
        assert runs == [Run(case["plain"])]


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("**한국어**는 좋다", ["한국어"]),
        ('그는 **"강조"**를 했다', ['"강조"']),
        ("이것은**(중요)**입니다", ["(중요)"]),
        ("**중요!**그리고 **100%**는", ["중요!", "100%"]),
        ("これは**「重要」**です。", ["「重要」"]),
        ("**Note:**text", ["Note:"]),
        ("f(**kwargs) and g(**other)", []),
        ("a ** b ** c", []),
        ("가 ** 나 ** 다", []),
    ],
)
def test_bold_text_stands_beside_any_script(text: str, bold: list[str]) -> None:
    assert [run.text for run in inline_runs(text) if run.bold] == bold


def test_other_emphasis_beside_hangul() -> None:
    assert Run("기울임(설명)", italic=True) in inline_runs("*기울임(설명)*은")
    assert Run("취소(선)", strike=True) in inline_runs("~~취소(선)~~는")
    assert inline_runs("snake_case_이름_은") == [Run("snake_case_이름_은")]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("(see https://a.b/c_(d)_e).", "https://a.b/c_(d)_e"),
        ("https://a.b/c를 보세요", "https://a.b/c"),
        ("https://ko.wikipedia.org/wiki/한국어 문서", "https://ko.wikipedia.org/wiki/한국어"),
        ("见https://a.b/c。然后", "https://a.b/c"),
        ("**https://a.b/c**입니다", "https://a.b/c"),
        ("[Forth](https://a.b/Forth_(language))", "https://a.b/Forth_(language)"),
        ("https://a.b/?q=[x]&y=$1 $2", "https://a.b/?q=[x]&y=$1"),
        ("[https://a.b](https://x.y)", "https://x.y"),
        ("see [1](https://a.b/c) or <https://a.b/c>", "https://a.b/c"),
    ],
)
def test_a_whole_address_and_nothing_more_is_the_link(text: str, address: str) -> None:
    assert {run.href for run in inline_runs(text) if run.href} == {address}


@pytest.mark.parametrize("text", ["https://", "xhttps://a.b", "`https://a.b`", "https://."])
def test_what_is_no_address(text: str) -> None:
    assert not any(run.href for run in inline_runs(text))
