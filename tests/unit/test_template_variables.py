"""Variables of chat templates: what is read, refused, handed on, and how templates use them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from qwqdesk.conversation import Message
from qwqdesk.engine.template import render_with_notes
from qwqdesk.engine.template_inputs import template_inputs
from qwqdesk.engine.template_sandbox import ChatEnvironment
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.formats.lane import parse_lane
from qwqdesk.sampling.formats.llama_args import UsageError, parse_args
from qwqdesk.setup_differences import other_differences, setup_differences
from qwqdesk.template_variables import MAX_TEXT, NO_VARIABLES, TemplateInput, TemplateVariables

THINKS = """
{%- if enable_thinking is defined and enable_thinking is false %}no{% else %}yes{% endif -%}
{%- set content = messages[0].content %}{{ content }}
{%- if not effort is defined %}{% set effort = "medium" %}{% endif %}{{ effort }}
{%- if style in ["short", "long"] %}{{ style }}{% endif -%}
{%- if budget > 5 %}!{% endif -%}{{ strftime_now("%Y") }}{{ persona or "" }}
"""


def _inputs(source: str) -> dict[str, TemplateInput]:
    return {each.name: each for each in template_inputs(ChatEnvironment(datetime.now()), source)}


def test_the_inputs_of_a_template() -> None:
    found = _inputs(THINKS)
    assert {name: each.kind for name, each in found.items()} == {
        "budget": "number",
        "effort": "text",
        "enable_thinking": "switch",
        "messages": "any",
        "persona": "switch",
        "style": "text",
    }
    assert found["style"].choices == ("short", "long")
    assert found["effort"].choices == ("medium",)


@pytest.mark.parametrize(
    ("source", "name", "kind"),
    [
        ("{% if thinking %}a{% endif %}", "thinking", "switch"),
        ("{{ 'a' if not clear_thinking else 'b' }}", "clear_thinking", "switch"),
        ("{% if not t is defined %}{% set t = false %}{% endif %}{{ t }}", "t", "switch"),
        ("{{ '<id>' ~ model_identity }}", "model_identity", "text"),
        ("{% if level | lower == 'high' %}a{% endif %}", "level", "text"),
        ("{{ pace | default('slow') }}", "pace", "text"),
        ("{% for d in documents %}{{ d.title }}{% endfor %}", "documents", "any"),
    ],
)
def test_kinds_of_inputs(source: str, name: str, kind: str) -> None:
    assert _inputs(source)[name].kind == kind


def test_what_a_template_makes_itself_is_no_input() -> None:
    made = "{% if a %}{% set content = 'x' %}{% endif %}{{ content }}"
    source = made + "{% macro m(b) %}{{ b }}{% endmacro %}"
    assert set(_inputs(source)) == {"a"}


def _render(source: str, variables: dict[str, Any]) -> str:
    given = TemplateVariables.of(variables).given_to_template()
    messages = [Message("user", "hi")]
    return render_with_notes(source, messages, bos_token="", eos_token="", extra=given).text


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({}, "True||"),
        ({"enable_thinking": False}, "False||"),
        ({"reasoning_effort": "high"}, "True|high|high"),
        ({"reasoning_effort": "high", "reasoning_strength": "low"}, "True|high|low"),
        ({"enable_thinking": None}, "None||"),
    ],
)
def test_a_template_gets_them_as_in_llama_cpp(variables: dict[str, Any], text: str) -> None:
    source = "{{ enable_thinking }}|{{ reasoning_effort }}|{{ reasoning_strength }}"
    assert _render(source, variables) == text


def test_preserved_reasoning_has_four_more_names() -> None:
    source = "{{ preserve_thinking }}{{ clear_thinking }}{{ drop_thinking }}"
    assert _render(source, {"preserve_reasoning": True}) == "TrueFalseFalse"
    assert _render(source, {"preserve_reasoning": False}) == "FalseTrueTrue"


def test_rendering_in_the_child_tells_the_inputs_too() -> None:
    made = render_with_notes(
        "{% if enable_thinking %}{{ messages[0].content }}{% endif %}",
        [Message("user", "hi")],
        bos_token="",
        eos_token="",
    )
    assert {each.name: each.kind for each in made.inputs} == {
        "enable_thinking": "switch",
        "messages": "any",
    }


# ---------------------------------------------------------------- command line


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["--chat-template-kwargs", '{"enable_thinking": false}'], {"enable_thinking": False}),
        (["--reasoning", "off"], {"enable_thinking": False}),
        (["-rea", "on"], {"enable_thinking": True}),
        (["--reasoning-effort", "high"], {"reasoning_effort": "high"}),
        (["--reasoning-effort", "high", "--reasoning-effort", "default"], {}),
        (
            ["--chat-template-kwargs", '{"a": [1, {"b": null}]}', "--reasoning", "off"],
            {"a": [1, {"b": None}], "enable_thinking": False},
        ),
        (["--chat-template-kwargs", '{"a": 1}', "--chat_template_kwargs", '{"a": 2}'], {"a": 2}),
        (["--reasoning", "off", "--reasoning", "auto"], {"enable_thinking": False}),
    ],
)
def test_flags(words: list[str], values: dict[str, Any]) -> None:
    found = parse_args(words).variables
    assert found is not None
    assert found.values == values


def test_without_a_flag_there_is_nothing() -> None:
    assert parse_args(["--temp", "1"]).variables is None
    assert parse_args(["--reasoning", "auto"]).variables is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{enable_thinking: false}", "not a JSON object"),
        ('{"enable_thinking": false', "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("", "not a JSON object"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": -Infinity}', "-Infinity is not a number"),
        ('{"a": 1e999}', "not finite"),
        (f'{{"a": {"9" * 5000}}}', "too long"),
        ('{"enable_thinking": "false"}', "true or false"),
        ('{"messages": []}', "messages cannot be set"),
        ('{"": 1}', "cannot be called"),
        ('{"a": "\\ud800"}', "not valid Unicode"),
        ('{"a": "' + "x" * MAX_TEXT + '"}', "characters"),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "levels deep"),
        ('{"a": ' + "[" * 30_000 + "]" * 30_000 + "}", "levels deep"),
    ],
)
def test_hostile_variables_are_a_usage_error(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_args(["--chat-template-kwargs", text])
    assert said in caught.value.what
    assert caught.value.what.startswith("--chat-template-kwargs: ")
    assert len(caught.value.what) < 300


def test_an_unknown_switch_is_refused() -> None:
    with pytest.raises(UsageError, match="on, off or auto"):
        parse_args(["--reasoning", "maybe"])


def test_a_lane_adds_to_what_stands_outside() -> None:
    outside = parse_args(["--reasoning", "off", "--chat-template-kwargs", '{"a": 1}'])
    lane = parse_lane("""think=qwen --chat-template-kwargs '{"a": 2}'""", outside)
    assert lane.args.variables is not None
    assert lane.args.variables.values == {"a": 2, "enable_thinking": False}


# ---------------------------------------------------------------- setups


def test_a_lanes_own_variables_stand_in_place_of_the_chats() -> None:
    chat = TemplateVariables.of({"enable_thinking": False})
    options = RunOptions(variables=chat)
    assert options.variables_of(LaneSetup("A")) == chat
    assert options.variables_of(LaneSetup("A", variables=NO_VARIABLES)) == NO_VARIABLES


def test_a_setup_keeps_its_variables() -> None:
    setup = LaneSetup("A", variables=TemplateVariables.of({"enable_thinking": False, "n": [1]}))
    assert LaneSetup.from_json(setup.to_json(), {}) == setup
    assert LaneSetup.from_json(LaneSetup("A").to_json(), {}).variables is None
    broken = {**setup.to_json(), "template_variables": [1]}
    assert LaneSetup.from_json(broken, {}).variables == NO_VARIABLES


def test_the_difference_is_named() -> None:
    a = LaneSetup("A")
    b = LaneSetup("B", variables=TemplateVariables.of({"enable_thinking": False}))
    [found] = setup_differences(a, b)
    assert found.text == "template: enable_thinking off"
    [other] = other_differences([a, b])
    assert other.here == "the template's enable_thinking off"
    assert setup_differences(b, b) == ()


@pytest.mark.parametrize("data", [None, [], "x", {"a": float("nan")}, {1: 2}, {"messages": 1}])
def test_a_strangers_record_that_cannot_be_used_is_none(data: object) -> None:
    assert TemplateVariables.from_json(data) == NO_VARIABLES


def test_one_value_more_and_less() -> None:
    some = NO_VARIABLES.with_value("enable_thinking", False).with_value("b", "x")
    assert some.values == {"b": "x", "enable_thinking": False}
    assert some.words() == "b x, enable_thinking off"
    assert some.without("b").without("enable_thinking") == NO_VARIABLES
    assert not NO_VARIABLES
    with pytest.raises(UserError):
        some.with_value("c", object())
