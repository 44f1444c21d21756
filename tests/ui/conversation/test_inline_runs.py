"""Inline Markdown of a hostile writer: looks are found, nothing dangerous comes through."""

from __future__ import annotations

import time

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
