"""Errors in grammars: the place, the words, and that hostile texts end quickly."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.sampling.grammar import MAX_TEXT, check_grammar
from qwqdesk.sampling.text_error import TextError


def error_of(text: str) -> TextError:
    with pytest.raises(TextError) as caught:
        check_grammar(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('root ::= "a', 1, 10, "quotation mark is never closed"),
        ("root ::= a\n\n# words\na ::= [0-9", 4, 7, "[ is never closed"),
        ('root ::= (\n  "a"\n', 1, 10, "( is never closed"),
        ('root ::= "a" )', 1, 14, "found )"),
        ('root = "a"', 1, 6, "expected ::="),
        ("root ::= number", 1, 10, "no rule number"),
        ('root ::= "a"\nroot ::= "b"', 2, 1, "defined in line 1 already"),
        ('root ::= x\nx ::= x "a" | "b"', 2, 1, "begins with itself"),
        ('root ::= x\nx ::= y x "z"\ny ::= e\ne ::= ""', 2, 1, "may be empty"),
        ('root ::= "a"{3,2}', 1, 13, "runs backwards"),
        ('root ::= ("" | "a")* "b"', 1, 20, "repeated without end may be empty"),
        ("root ::= [z-a]", 1, 11, "runs backwards"),
        ('root ::= "a"{5000}', 1, 13, "at most 2000"),
        ("root ::= [^]", 1, 10, "hold no character"),
        ('root ::= "\\d"', 1, 11, "not an escape"),
        ("root ::= <think", 1, 10, "< is never closed"),
        ('root ::= "a"\r\nb ::= ?', 2, 7, "nothing before it"),
        ('root ::= "a" \0', 1, 14, "not a character"),
        ('a ::= "b"', 0, 0, "no rule named root"),
        ("# nothing", 0, 0, "no rule"),
        ("%llguidance {}", 0, 0, "llguidance"),
    ],
)
def test_says_where_and_what(text: str, line: int, column: int, words: str) -> None:
    error = error_of(text)
    assert (error.line, error.column) == (line, column)
    assert words in error.what
    assert error.what_to_do
    assert error.code == "grammar"


def test_names_the_tokens_that_a_model_must_have() -> None:
    grammar = check_grammar("root ::= <think> .* !</think> <[7]>")
    named = [(mention.text, mention.number) for mention in grammar.tokens]
    assert named == [("<think>", None), ("</think>", None), ("<[7]>", 7)]
    assert "line 1, column 10" in grammar.tokens[0].missing().what


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('root ::= (("a"?){190}){190} "b"', 1, 17),
        ('root ::= x{1000} "b"\nx ::= "a"?', 1, 11),
        ('root ::= x{0,100} "b"\nx ::= "a"?', 1, 11),
        ('root ::= (("a"?){0,5}){0,5} "b"', 1, 23),
        ('root ::= "b"\nx ::= y{4}\ny ::= "a"? | z{4}\nz ::= "" | [a-z]', 2, 8),
        ('root ::= ([a-z]*){4} "b"', 1, 18),
        ("root ::= " + "[a-z]? " * 13, 1, 1),
        ("root ::= ([a-z]?){9} ([a-y]?){9}", 1, 1),
        ('root ::= ("a"?){13,}', 1, 16),
    ],
)
def test_what_may_be_empty_is_not_repeated_often(text: str, line: int, column: int) -> None:
    error = error_of(text)
    assert (error.line, error.column) == (line, column)
    assert "may be empty is repeated more than 12 times" in error.what
    assert "x{0,50}" in error.what_to_do


@pytest.mark.parametrize(
    "text",
    [
        'root ::= "[" item ("," item){1000} "]"\nitem ::= [0-9]+ | "\\"" [a-z]* "\\""',
        'root ::= "a"{0,900} "b"',
        'root ::= ("a"{190}){190}',
        "root ::= " + " ".join(f'(" -{letter}")?' for letter in "abcdefghijklmnopqrstuvw"),
        'root ::= [0-9]* "a"* "b"* "c"* ws ws\nws ::= [ \\t]*',
        "root ::= (ws [a-z] ws){500}\nws ::= [ \\t]*",
    ],
)
def test_what_is_certain_may_be_repeated_often(text: str) -> None:
    assert check_grammar(text).text == text


HOSTILE = {
    "long literal many times": 'root ::= "' + "a" * 100_000 + '"{2000}',
    "repetitions of repetitions": 'root ::= "a"{1999}' + "{1}" * 50_000,
    "deep groups": "root ::= " + "(" * 100_000,
    "optional items": "root ::= " + '"a"? ' * 40_000,
    "twice as many ways with every rule": "root ::= r0\n"
    + "".join(f'r{i} ::= r{i + 1} "x" | r{i + 1} "y"\n' for i in range(200))
    + 'r200 ::= "a"',
    "a long chain of rules": "root ::= r0\n"
    + "".join(f"r{i} ::= r{i + 1}\n" for i in range(9_000))
    + 'r9000 ::= "a"',
    "too long": "#" * (MAX_TEXT + 1),
    "huge number": 'root ::= "a"{' + "9" * 100_000 + "}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_grammars_are_refused_quickly(text: str) -> None:
    began = time.monotonic()
    error_of(text)
    assert time.monotonic() - began < 5


@given(st.text(st.sampled_from(list('root:= "ab[]()*+?{}0123,|\\\n<>!-^x#é\0\ud800')), max_size=80))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for grammar in (text, "root ::= " + text):
        with contextlib.suppress(TextError):
            check_grammar(grammar)
