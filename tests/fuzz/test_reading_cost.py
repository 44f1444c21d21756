"""Readers of what people paste and import: the time grows with the text, not with its square.

Every reader gets long texts that repeat one piece, each as it is and with an end that does not fit.
Most take some hundredths of a second. What takes longer is compared with a third of the text, which
takes a third of the time, or a ninth where the time grows with the square.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from qwqdesk.errors import UserError
from qwqdesk.sampling.constraints import Constraints, TextBias
from qwqdesk.sampling.formats.answer_chain import parse_answer_chain
from qwqdesk.sampling.formats.command_text import MAX_COMMAND, parse_command
from qwqdesk.sampling.formats.escapes import process_escapes
from qwqdesk.sampling.formats.importing import import_text
from qwqdesk.sampling.formats.lane import parse_lane
from qwqdesk.sampling.formats.llama_args import parse_args
from qwqdesk.sampling.formats.modelfile_import import is_modelfile, read_modelfile
from qwqdesk.sampling.formats.settings_text import is_ini, read_ini, read_json, read_yaml
from qwqdesk.sampling.grammar import check_grammar
from qwqdesk.sampling.json_schema import schema_grammar
from qwqdesk.sampling.recipe_files import parse_json
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, one_line, recipe_id, recipe_named
from qwqdesk.sampling.samplers import PARAMS, order_from_letters, order_from_text
from tests.fuzz.cost import cost

_LENGTH: Final = 30_000
_WALKED: Final = 8_000
_LITTLE_S: Final = 0.4  # so much needs no second look
_MOST_S: Final = 5.0
_RATIO: Final = 5.0  # between the 3 of what is linear and the 9 of what is quadratic

Reader = Callable[[str], object]

_PIECES: Final = (
    *("1", "'", '"', "\\", "[", "{", "]", "(", "-", "$'", "\n", "\r\n", " ", "\t", ",", "=", "한"),
    *("\u1100\u1161", "\u0300\u0323", "\ud800", "\0", ":", "#", ";", "|", "<", ">", "&", ".", "a"),
    *("a ", "--temp 1 ", "--stop a ", '--stop "" --port 1 ', "-x ", "'a' ", '"""', "\\\n", "1> "),
    *("a: 1\n", "a:\n - 1\n", "- 1\n", "[{", '{"a":', "[1,", '"a",', "PARAMETER stop a\n"),
    *('"a"* ', '"a" | ', 'a ::= "a"\n', '("a") ', "<a> ", '"" | ', '"a"? ', "top_k;", "a=int:1,"),
)
_ENDS: Final = ("", "x", '\n"', "']}")


def _flag(name: str) -> Reader:
    return lambda text: parse_args([name, text])


# Readers that walk over a text in Python, some microseconds a character: shorter texts are enough.
_WALKERS: Final[dict[str, Reader]] = {
    "a pasted command": parse_command,
    "a lane": parse_lane,
    "an answer's chain": parse_answer_chain,
    "an imported text": lambda text: import_text(text, "x"),
    "YAML": read_yaml,
    "YAML, a value": lambda text: read_yaml("a: " + text),
    "YAML, a quoted value": lambda text: read_yaml("a: '" + text),
    "YAML, a list": lambda text: read_yaml("a: [" + text + "]"),
    "an imported preset in YAML": lambda text: import_text("temperature: 1\n" + text, "x"),
    "an imported preset in INI": lambda text: import_text("[x]\ntemp = 1\n" + text, "x"),
    "a grammar's rule": lambda text: check_grammar("root ::= " + text),
    "a grammar's text": lambda text: check_grammar('root ::= "' + text + '"'),
    "a grammar's class": lambda text: check_grammar("root ::= [" + text + "]"),
    "a schema's constant": lambda text: schema_grammar(json.dumps({"const": text})),
    "banned strings": lambda text: Constraints.from_json({"banned_strings": list(text)}),
}
_READERS: Final[dict[str, Reader]] = {
    "words of a command line": lambda text: parse_args(text.split()),
    "a value's number": PARAMS["temperature"].parse,
    "an order": order_from_text,
    "an order in letters": order_from_letters,
    "--logit-bias": _flag("--logit-bias"),
    "--override-kv": _flag("--override-kv"),
    "--dry-sequence-breaker": _flag("--dry-sequence-breaker"),
    "escapes": process_escapes,
    "JSON": parse_json,
    "imported JSON": lambda text: import_text(json.dumps({"temp": 1, "rep_pen": text}), "x"),
    "breakers in JSON": lambda text: import_text(
        json.dumps({"temp": 1, "rep_pen": 1, "dry_sequence_breakers": text}), "x"
    ),
    "JSON with comments": lambda text: read_json("{" + text),
    "INI": read_ini,
    "INI, a value": lambda text: read_ini("[a]\nb = " + text),
    "is it INI": is_ini,
    "is it a Modelfile": is_modelfile,
    "a Modelfile": lambda text: read_modelfile("FROM x\nPARAMETER top_k 1\n" + text, "x"),
    "a Modelfile's parameter": lambda text: read_modelfile("PARAMETER " + text, "x"),
    "a Modelfile's long text": lambda text: read_modelfile('SYSTEM """' + text, "x"),
    "a grammar": check_grammar,
    "a schema": schema_grammar,
    "a schema's name": lambda text: schema_grammar(
        json.dumps({"properties": {text: {}}, "additionalProperties": True})
    ),
    "a schema's reference": lambda text: schema_grammar(json.dumps({"$ref": "#/" + text})),
    "a bias": TextBias.read,
    "a banned string": lambda text: Constraints.from_json({"banned_strings": [text]}),
    "a recipe's name": recipe_id,
    "a recipe's title": one_line,
    "a recipe that is asked for": lambda text: recipe_named(text, BUILTIN_RECIPES),
}


def _cost(read: Reader, text: str) -> float:
    # Refused in words, or not a text that a file can hold.
    return cost(read, text, (UserError, UnicodeError))


def _is_slow(read: Reader, piece: str, length: int, end: str) -> bool:
    """Whether reading takes very long, or a time that grows faster than the text."""
    took = _cost(read, piece * (length // len(piece)) + end)
    if took < _LITTLE_S:
        return False
    third = piece * (length // 3 // len(piece)) + end
    return took > _MOST_S or took > _RATIO * _cost(read, third)


def _too_slow(read: Reader, length: int, ends: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(piece, end) for piece in _PIECES for end in ends if _is_slow(read, piece, length, end)]


@pytest.mark.parametrize("name", _READERS)
def test_repetitive_text_is_read_or_refused_in_linear_time(name: str) -> None:
    assert not _too_slow(_READERS[name], _LENGTH, _ENDS)


@pytest.mark.parametrize("name", _WALKERS)
def test_repetitive_text_is_walked_over_in_linear_time(name: str) -> None:
    assert not _too_slow(_WALKERS[name], _WALKED, ("",))


def _schema_of(names: list[str]) -> str:
    return json.dumps({"properties": {name: {} for name in names}})


def _rules(count: int) -> str:
    """Every rule may be empty, and is known to be so in the order in which root has them."""
    names = [f"a{n}" for n in range(count)]
    lines = ["root ::= " + " ".join(names), *(f'{name} ::= ""' for name in reversed(names))]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (schema_grammar, _schema_of([f"n{n}" for n in range(4000)])),
        (schema_grammar, _schema_of([chr(0xAC00 + n) for n in range(4000)])),
        (schema_grammar, json.dumps({"enum": [str(n) for n in range(8000)]})),
        (check_grammar, _rules(7000)),
    ],
    ids=["names", "Hangul names", "values", "rules"],
)
def test_many_parts_take_a_time_that_grows_with_their_number(read: Reader, text: str) -> None:
    assert _cost(read, text) < _MOST_S


@pytest.mark.parametrize("depth", [200, 900, 5_000, 50_000])
def test_what_is_nested_too_deep_is_refused_in_words(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for read in (
        parse_json,
        lambda text: schema_grammar('{"const": ' + text + "}"),
        lambda text: import_text('{"temp": 1, "rep_pen": ' + text + "}", "x"),
        lambda text: import_text(f"temperature: 1\ndry_sequence_breakers: '{text}'", "x"),
    ):
        with suppress(UserError):
            read(nested)


def test_a_name_too_long_to_be_told_from_others_is_refused_with_its_place() -> None:
    schema = {"properties": {"n" * 600: {}}, "additionalProperties": {"type": "string"}}
    with pytest.raises(UserError, match="at most 90 characters"):
        schema_grammar(json.dumps(schema))
    assert schema_grammar(json.dumps({**schema, "additionalProperties": False}))


def test_a_text_too_long_for_a_command_is_refused_in_words() -> None:
    with pytest.raises(UserError, match="a command has at most 1,000,000"):
        parse_command("--temp 0.5 " * (MAX_COMMAND // 10))
