"""Constraints as values: what is refused, JSON, command lines, recipes."""

from __future__ import annotations

import json
import math
import pickle
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints, TextBias
from qwqdesk.sampling.formats.command_text import parse_command
from qwqdesk.sampling.formats.constraint_args import constraint_words, constraints_from
from qwqdesk.sampling.formats.lane import parse_lane
from qwqdesk.sampling.formats.llama_args import UsageError, parse_args
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.text_error import TextError
from tests.unit.sampling.chain_strategies import FLOATS, TEXTS

GRAMMAR = 'root ::= "yes" | "no"'
SCHEMA = '{"type": "integer", "multipleOf": 2}'

CONSTRAINTS = st.builds(
    Constraints,
    grammar=st.sampled_from(["", GRAMMAR]),
    banned_strings=st.lists(TEXTS, max_size=3).map(tuple),
    ban_in_reasoning=st.booleans(),
    text_biases=st.lists(st.builds(TextBias, TEXTS, FLOATS | st.just(-math.inf)), max_size=3).map(
        tuple
    ),
)


def test_nothing_is_limited_unless_asked() -> None:
    assert not NO_CONSTRAINTS
    assert NO_CONSTRAINTS.to_json() == {}
    assert NO_CONSTRAINTS.gbnf == ""


def test_a_schema_is_a_grammar_for_the_engine() -> None:
    limits = Constraints(json_schema=SCHEMA)
    assert limits.gbnf.startswith("root ::= ")
    assert [warning.text for warning in limits.warnings] == [
        "#/multipleOf of the JSON schema has no effect."
    ]


def test_typ_p_behind_a_grammar_is_warned_of() -> None:
    chain = SamplerChain.of(typical_p=0.9)
    codes = [warning.code for warning in Constraints(grammar=GRAMMAR).warnings_for(chain)]
    assert codes == ["typ_p-after-masking"]
    assert Constraints(grammar=GRAMMAR).warnings_for(SamplerChain.of()) == ()
    assert NO_CONSTRAINTS.warnings_for(chain) == ()


@pytest.mark.parametrize(
    "values",
    [
        {"grammar": "root ::="[:-1]},
        {"grammar": GRAMMAR, "json_schema": SCHEMA},
        {"json_schema": "{"},
        {"banned_strings": ("",)},
        {"banned_strings": ("a\0",)},
        {"banned_strings": ("\ud800",)},
        {"banned_strings": ("a" * 501,)},
        {"banned_strings": ("a",) * 201},
    ],
)
def test_refuses_what_cannot_hold(values: dict[str, object]) -> None:
    with pytest.raises(UserError):
        Constraints(**values)  # type: ignore[arg-type]


@given(CONSTRAINTS)
def test_json_round_trip(limits: Constraints) -> None:
    text = json.dumps(limits.to_json(), allow_nan=False)
    assert Constraints.from_json(json.loads(text)) == limits


@given(CONSTRAINTS)
def test_command_line_round_trip(limits: Constraints) -> None:
    words = list(constraint_words(limits))
    lane = parse_lane("fixed=qwen " + shlex.join(words))
    expected = limits if words else None
    assert constraints_from(parse_args(words)) == expected
    assert constraints_from(lane.args) == expected


@given(CONSTRAINTS)
def test_recipe_round_trip(limits: Constraints) -> None:
    recipe = Recipe.of(SamplerChain.of(), "Mine", constraints=limits)
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    "data", [3, {"grammer": "x"}, {"grammar": 3}, {"banned_strings": "x"}, {"logit_bias_text": [1]}]
)
def test_foreign_json_is_refused_in_words(data: object) -> None:
    with pytest.raises(UserError):
        Constraints.from_json(data)


def test_the_last_form_counts() -> None:
    args = parse_args(["--grammar", GRAMMAR, "-j", SCHEMA])
    assert constraints_from(args) == Constraints(json_schema=SCHEMA)
    outside = parse_args(["-j", SCHEMA])
    assert constraints_from(parse_lane("--grammar ''", outside).args) == NO_CONSTRAINTS


def test_flags_change_the_recipes_constraints() -> None:
    base = Constraints(grammar=GRAMMAR, banned_strings=("a",))
    found = constraints_from(parse_args(["--banned-string", "b\\n"]), base)
    assert found == Constraints(grammar=GRAMMAR, banned_strings=("b\n",))
    assert constraints_from(parse_args(["--temp", "1"]), base) is None


def test_files_are_read_by_the_caller() -> None:
    args = parse_command("llama-cli -m x --grammar-file a.gbnf")
    found = constraints_from(args, read_file={"a.gbnf": "\ufeff" + GRAMMAR}.__getitem__)
    assert found == Constraints(grammar=GRAMMAR)


@pytest.mark.parametrize(
    ("text", "bias"),
    [("word=-5", -5.0), ("a=b=1e1", 10.0), ("word=false", -math.inf), ("x=-inf", -math.inf)],
)
def test_biases_are_read(text: str, bias: float) -> None:
    assert TextBias.read(text) == TextBias(text.rpartition("=")[0], bias)


@pytest.mark.parametrize("text", ["word", "word=", "=1", "word=inf", "word=nan", "word=1e999"])
def test_biases_that_are_none_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError):
        constraints_from(parse_args(["--logit-bias-text", text]))


def test_errors_keep_their_place_on_the_way_from_another_process() -> None:
    with pytest.raises(TextError) as caught:
        Constraints(grammar="root ::= x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.line, again.column, str(again)) == (1, 10, str(caught.value))
