"""Exports of a comparison: everything is in them, nothing in them acts, names are the guide's."""

from __future__ import annotations

import json
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.code_check import check_answer
from qwqdesk.analysis.metrics import LaneResult, lane_metrics
from qwqdesk.exports.files import comparison_files, text_names
from qwqdesk.exports.markdown import to_markdown
from qwqdesk.exports.page import to_html
from qwqdesk.exports.view import view_of
from qwqdesk.sampling.chain import SamplerChain
from tests.unit.sampling.chain_strategies import JSON

EVIL = "<script>alert(1)</script> & \"q\" 'a' <!-- ``` | \x00 \x1b[31m ]]> </details>"

# fmt: off
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "main",
    "article", "details", "summary", "pre", "code", "div", "table", "thead", "tbody", "tr", "th",
    "td", "mark", "span",
}
ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "scope", "title"}
# fmt: on


def _lane(label: str, answer: str, chain: SamplerChain, reasoning: str | None) -> dict[str, Any]:
    checks = check_answer(answer)
    metrics = lane_metrics(LaneResult([1, 2, 3] * 60, answer, code=checks))
    return {
        "label": label,
        "model": None,
        "sampling": chain.to_json(),
        "sources": {},
        "warnings": [{"code": "x", "text": f"A warning {EVIL}"}],
        "tokens": [1, 2, 3],
        "text": f"{reasoning or ''}{answer}",
        "reasoning": reasoning,
        "answer": answer,
        "finish_reason": "stop",
        "finish_detail": None,
        "metrics": metrics.to_json(),
        "code_checks": [check.to_json() for check in checks],
    }


def document() -> dict[str, Any]:
    chain = SamplerChain.of(("top_k", "temperature"))
    fixed = chain.with_step("penalties", 0).with_values(repeat_penalty=1.1)
    code = "Text before.\n```python\nx = undefined\n```\nText after."
    return {
        "format": "qwqdesk.run",
        "version": 1,
        "model": {"name": f"QwQ {EVIL}", "quantization": "Q4_K_M"},
        "engine": {"llama_cpp_python": "0.3.36", "n_ctx": 512},
        "prompt": {"text": f"Prompt {EVIL}", "tokens": [1]},
        "mode": "exact",
        "divergence": [{"lanes": ["yes_samplers", "B"], "token": 5, "rejoin": [9, 11]}],
        "lanes": [
            _lane("yes_samplers", code, chain, f"Thinking {EVIL}"),
            _lane("B", f"{EVIL}\n```\nopen {EVIL}", fixed, None),
        ],
    }


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(html: str) -> _Tags:
    page = _Tags()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


def test_the_page_is_whole_loads_nothing_and_runs_nothing() -> None:
    html = to_html(view_of(document()))
    page = _parsed(html)
    assert set(page.tags) <= TAGS
    assert set(page.attributes) <= ATTRIBUTES
    assert "url(" not in html
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html
    assert "\x00" not in html
    assert "\x1b" not in html


def test_the_page_shows_every_lane_with_its_reasoning_folded() -> None:
    html = to_html(view_of(document()))
    page = _parsed(html)
    assert page.tags.count("article") == 2
    assert "<details><summary>Reasoning</summary>" in html
    assert "<details open" not in html
    for words in ("Thinking <script>", "Text before.", "x = undefined", "Text after.", "Q4_K_M"):
        assert words in page.text, words
    assert "repeat penalty 1.1 before top-k (first lane: none)" in page.text
    assert "differ from token 5 on; they meet again at 9 and 11" in page.text
    assert "undefined is not defined" in page.text
    assert "```python" not in html, "fences become boxes"


def test_markdown_has_everything_and_closes_what_an_answer_leaves_open() -> None:
    text = to_markdown(view_of(document()))
    for words in ("# QwQ", "## yes\\_samplers", "### Answer", "x = undefined", "Text after."):
        assert words in text, words
    assert "\n<script>" not in text
    assert "\n<!--" not in text
    start = text.index("open <script>")
    assert text[start:].split("\n")[1] == "```", "the second answer's block is closed"
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1


def test_inline_code_and_plain_answers_stay_as_they_are() -> None:
    data = document()
    data["lanes"][0]["answer"] = "Use `a < b` and `<div>`, 1 < 2, **bold**."
    assert "Use `a < b` and `<div>`, 1 < 2, **bold**." in to_markdown(view_of(data))


@pytest.mark.parametrize("line", ["`" * 100_000, "`a``b" * 20_000, "<a" * 50_000, "a`" * 50_001])
def test_a_hostile_line_takes_no_visible_time(line: str) -> None:
    start = time.process_time()
    view = view_of({"lanes": [{"label": "A", "answer": line}]})
    to_markdown(view)
    to_html(view)
    assert time.process_time() - start < 3.0


def test_the_files_are_the_guides_and_the_document_itself() -> None:
    data = document()
    files = comparison_files(data)
    assert list(files) == [
        "run.json",
        "comparison.md",
        "comparison.html",
        "Q4_K_M_yes_samplers.txt",
        "Q4_K_M_B.txt",
    ]
    assert json.loads(files["run.json"]) == data
    assert files["Q4_K_M_B.txt"] == data["lanes"][1]["text"]


@pytest.mark.parametrize(
    ("lane", "name"),
    [
        (("Q4_K_M", "yes_samplers"), "Q4_K_M_yes_samplers.txt"),
        (("Q4_K_M", "Q4_K_M_no_samplers"), "Q4_K_M_no_samplers.txt"),
        (("", "fixed"), "fixed.txt"),
        (("BF16", "../../etc"), "BF16_etc.txt"),
        (("F16", ""), "F16_lane1.txt"),
        (("", "con"), "lane_con.txt"),
        (("F16", "a/b\\c:d"), "F16_a_b_c_d.txt"),
    ],
)
def test_names_of_text_files(lane: tuple[str, str], name: str) -> None:
    assert text_names([lane]) == (name,)


@given(st.lists(st.tuples(st.sampled_from(["Q8_0", ""]), st.text(max_size=200)), max_size=5))
def test_names_are_different_and_safe(lanes: list[tuple[str, str]]) -> None:
    names = text_names(lanes)
    assert len({name.casefold() for name in names}) == len(lanes)
    for name in names:
        assert not set(name) & set('/\\:*?"<>|\0')
        assert not name.startswith(".")
        assert len(name.encode("utf-8")) <= 255


@given(JSON, JSON)
def test_a_document_of_a_stranger_never_breaks_an_export(data: Any, lane: Any) -> None:  # noqa: ANN401
    hostile = {"lanes": [lane, data, {"label": data, "metrics": lane}], "model": data}
    hostile |= {"divergence": [data, {"lanes": ["A", "B"], "token": data}], "prompt": lane}
    view = view_of(hostile)
    to_markdown(view)
    _parsed(to_html(view))


@given(st.text(alphabet="<>&\"'`~\n /scriptdetails!-\x00\x85", max_size=80))
def test_no_answer_reaches_the_page_as_html(answer: str) -> None:
    html = to_html(view_of({"lanes": [{"label": "A", "answer": answer, "reasoning": answer}]}))
    assert set(_parsed(html).tags) <= TAGS
