"""Exports say what a lane has beside its chain, and give the arguments that repeat it."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.exports.markdown import to_markdown
from qwqdesk.exports.rules import rule_arguments, rule_differences
from qwqdesk.exports.view import view_of
from qwqdesk.sampling.chain import SamplerChain

CHAIN = SamplerChain.of().to_json()
GRAMMAR = 'root ::= "a"{1,4}'
PLAIN = {"label": "A", "sampling": CHAIN, "manifest": {"recipe": "qwen", "loop_guard": "mark"}}
RICH = {
    "label": "B",
    "sampling": CHAIN,
    "answer_sampling": {**CHAIN, "temperature": 0.1},
    "constraints": {"grammar": GRAMMAR},
    "manifest": {"recipe": "qwen", "loop_guard": "stop", "reasoning_budget": 1200},
}


def test_all_that_differs_beside_the_chain_is_said() -> None:
    assert rule_differences(PLAIN, PLAIN) == ()
    assert rule_differences(PLAIN, RICH) == (
        "constraints: grammar (first lane: none)",
        "the answer's chain: temperature 0.1 (first lane: as the reasoning)",
        "reasoning budget: 1,200 tokens (first lane: none)",
        "loop guard: stop (first lane: mark)",
    )
    other = {**RICH, "constraints": {"grammar": 'root ::= "b"'}}
    assert rule_differences(RICH, other) == ("constraints: other ones (first lane: grammar)",)


def test_the_arguments_repeat_it() -> None:
    assert rule_arguments(PLAIN) == ""
    words = shlex.split(rule_arguments(RICH))
    assert words[:2] == ["--grammar", GRAMMAR]
    assert "--temp 0.1" in words[words.index("--answer-chain") + 1]
    assert words[-4:] == ["--reasoning-budget", "1200", "--loop-guard", "stop"]


def test_an_export_names_recipe_and_rules() -> None:
    text = to_markdown(view_of({"lanes": [PLAIN, RICH]}))
    assert "## B: qwen" in text
    assert "constraints: grammar" in text
    assert "--loop-guard stop" in text


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_a_file_that_holds_anything_else_has_no_rules(junk: object) -> None:
    lane = {"manifest": junk, "constraints": junk, "answer_sampling": junk}
    assert rule_arguments(lane) == ""
