"""JSON schemas become grammars, or are refused with their place."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.sampling.json_numbers import integer_range
from qwqdesk.sampling.json_schema import schema_grammar
from qwqdesk.sampling.text_error import TextError
from tests.unit.sampling.chain_strategies import JSON


def grammar_of(schema: object) -> str:
    return schema_grammar(json.dumps(schema)).text


@pytest.mark.parametrize(
    ("schema", "path", "line", "words"),
    [
        ('{\n "type": "objekt"\n}', "#/type", 2, "no type objekt"),
        ('{"a":\n 1,}', "", 2, "double quotes"),
        ("[1]", "#", 1, "must be an object"),
        ('{"properties": {\n"a": {"$ref": "#/$defs/x"}}}', "#/properties/a/$ref", 2, "there is no"),
        ('{"$ref": "http://example.org"}', "#/$ref", 1, "same text"),
        ('{"type": "integer", "minimum": 5, "maximum": 3}', "#", 1, "no whole number"),
        ('{"type": "string",\n "minLength": -1}', "#/minLength", 2, "from 0"),
        ('{"enum": []}', "#/enum", 1, "list with values"),
        ('{"anyOf": [{}, 3]}', "#/anyOf/1", 1, "must be an object"),
        ('{"type": "array", "maxItems": 1, "minItems": 2}', "#/maxItems", 1, "less than"),
        ('{"items": false, "minItems": 2}', "#/items", 1, "minItems asks for 2"),
        ('{"required": "a", "properties": {}}', "#/required", 1, "list of names"),
    ],
)
def test_says_where_and_what(schema: str, path: str, line: int, words: str) -> None:
    with pytest.raises(TextError) as caught:
        schema_grammar(schema)
    assert caught.value.line == line
    assert f"at {path}," in caught.value.what or not path
    assert words in caught.value.what


@pytest.mark.parametrize(
    "schema", ['{"$ref": "#"}', '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 20_000]
)
def test_refuses_the_whole_text(schema: str) -> None:
    with pytest.raises(TextError):
        schema_grammar(schema)


def test_items_false_allows_none_but_those_of_the_prefix() -> None:
    assert 'root ::= "[" space space "]"' in grammar_of({"items": False})
    pair = {"prefixItems": [{"type": "string"}, {"type": "number"}]}
    closed = schema_grammar(json.dumps({**pair, "items": False}))
    assert closed.text == grammar_of(pair)
    assert closed.without_effect == ()


def test_lists_what_has_no_effect() -> None:
    schema = {
        "title": "not a limit",
        "type": "object",
        "properties": {
            "a": {"type": "number", "minimum": 3, "multipleOf": 2},
            "b/c": {"type": "string", "pattern": "^x$", "maxLength": 5000},
        },
        "required": ["a", "z"],
    }
    found = schema_grammar(json.dumps(schema)).without_effect
    assert set(found) == {
        *("#/properties/a/minimum", "#/properties/a/multipleOf", "#/required/1"),
        *("#/properties/b~1c/pattern", "#/properties/b~1c/maxLength"),
    }


def test_recursive_references_are_rules() -> None:
    schema = {
        "$defs": {"tree": {"properties": {"next": {"$ref": "#/$defs/tree"}}}},
        "$ref": "#/$defs/tree",
    }
    assert grammar_of(schema).count("ref--defs-tree ::=") == 1


@given(st.integers(-(10**6), 10**6), st.integers(0, 3000))
def test_whole_numbers_between_bounds(low: int, span: int) -> None:
    high = low + span
    pattern = re.compile(_as_pattern(integer_range(low, high)))
    near = {
        low - 1,
        low,
        low + span // 2,
        high,
        high + 1,
        0,
        -1,
        1,
        low * 10,
        high * 10,
        -low,
        -high,
    }
    for number in near:
        assert bool(pattern.fullmatch(str(number))) == (low <= number <= high), number


@given(st.integers(-(10**6), 10**6))
def test_whole_numbers_with_one_bound(bound: int) -> None:
    least = re.compile(_as_pattern(integer_range(bound, None)))
    most = re.compile(_as_pattern(integer_range(None, bound)))
    for number in (bound - 1, bound, bound + 1, 10**9, -(10**9), 0, 7):
        assert bool(least.fullmatch(str(number))) == (number >= bound), number
        assert bool(most.fullmatch(str(number))) == (number <= bound), number


def _as_pattern(expression: str) -> str:
    """These expressions are regular ones but for their quotation marks and blanks."""
    return re.sub(r'["\s]', "", expression)


@given(JSON)
def test_any_json_is_read_or_refused_in_words(schema: object) -> None:
    with contextlib.suppress(TextError):
        schema_grammar(json.dumps(schema))


KEYWORDS = st.sampled_from(
    [
        *(
            "type",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "minItems",
            "maxItems",
        ),
        *("enum", "const", "anyOf", "allOf", "oneOf", "$ref", "minLength", "maxLength", "format"),
        *("minimum", "exclusiveMaximum", "pattern"),
    ]
)
VALUES = st.recursive(
    st.sampled_from(
        [
            "object",
            "array",
            "string",
            "integer",
            "number",
            "boolean",
            "null",
            "date",
            "#",
            "a",
            "#/a",
        ]
    )
    | st.integers(-3, 9)
    | st.booleans()
    | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYWORDS, VALUES, max_size=5))
def test_any_schema_is_a_grammar_or_refused_in_words(schema: dict[str, object]) -> None:
    with contextlib.suppress(TextError):
        schema_grammar(json.dumps(schema))
