"""Constraints on their way into and out of other programs' formats."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints, TextBias
from qwqdesk.sampling.formats.exporting import EXPORT_FORMATS, export_recipe
from qwqdesk.sampling.formats.importing import import_text
from qwqdesk.sampling.recipes import Recipe
from tests.unit.sampling.chain_strategies import CHAINS
from tests.unit.sampling.test_constraints import CONSTRAINTS, GRAMMAR, SCHEMA

ALL = Constraints(
    json_schema=SCHEMA, banned_strings=("delve",), text_biases=(TextBias("yes", -1.5),)
)


def recipe_with(limits: Constraints) -> Recipe:
    return Recipe.of(SamplerChain.of(seed=3), "Mine", constraints=limits)


@pytest.mark.parametrize(
    ("to", "lost"),
    [
        ("json", set()),
        ("llama-args", {"banned_strings", "logit_bias_text"}),
        ("llama-server", {"banned_strings"}),
        ("modelfile", {"json_schema", "banned_strings", "logit_bias_text", "samplers"}),
        ("python", {"json_schema", "banned_strings", "logit_bias_text"}),
    ],
)
def test_a_format_says_which_constraints_it_loses(to: str, lost: set[str]) -> None:
    assert set(export_recipe(recipe_with(ALL), to).lost) == lost


def test_llama_server_takes_schema_and_texts() -> None:
    body = json.loads(export_recipe(recipe_with(ALL), "llama-server").text)
    assert body["json_schema"] == json.loads(SCHEMA)
    assert body["logit_bias"] == [["yes", -1.5], [" yes", -1.5]]


@given(CONSTRAINTS)
def test_lines_and_files_read_back_the_same(limits: Constraints) -> None:
    recipe = recipe_with(limits)
    for to in ("json", "llama-args"):
        again = import_text(export_recipe(recipe, to).text, "Mine")
        assert again.recipe.constraints == limits
        assert again.unmapped == ()


@given(CHAINS)
def test_every_format_writes_every_chain(chain: SamplerChain) -> None:
    recipe = Recipe.of(chain, "Any")
    for to in EXPORT_FORMATS:
        text = export_recipe(recipe, to).text
        if to == "python":
            ast.parse(text)


@pytest.mark.parametrize(
    ("text", "unmapped"),
    [
        (f'{{"temp": 0.7, "rep_pen": 1.1, "grammar_string": {json.dumps(GRAMMAR)}}}', ()),
        (f'{{"rep_pen": 1.1, "sampler_order": [6], "grammar": {json.dumps(GRAMMAR)}}}', ()),
        (f'{{"temperature": 0.7, "grammar": {json.dumps(GRAMMAR)}}}', ()),
        (f"llama-cli --temp 0.7 --grammar '{GRAMMAR}'", ()),
    ],
)
def test_grammars_of_other_programs_are_kept(text: str, unmapped: tuple[str, ...]) -> None:
    found = import_text(text, "Theirs")
    assert found.recipe.constraints == Constraints(grammar=GRAMMAR)
    assert found.unmapped == unmapped


def test_what_cannot_be_used_is_listed() -> None:
    found = import_text('{"temp": 0.7, "rep_pen": 1.1, "grammar_string": "root ::="}', "Theirs")
    assert not found.recipe.constraints or found.recipe.constraints.grammar == "root ::="
    broken = import_text('{"temp": 0.7, "rep_pen": 1.1, "grammar_string": "x"}', "Theirs")
    assert broken.unmapped == ("grammar_string",)
    line = import_text("llama-cli --temp 0.7 --grammar-file answer.gbnf", "Theirs")
    assert line.unmapped == ("--grammar-file",)


def test_an_empty_grammar_is_nothing_lost() -> None:
    found = import_text('{"temp": 0.7, "rep_pen": 1.1, "grammar_string": ""}', "Theirs")
    assert found.unmapped == ()
