"""Our reader of grammars against llama.cpp's: what ours accepts, its own accepts too."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.sampling.grammar import check_grammar
from qwqdesk.sampling.text_error import TextError

# What is refused here although llama.cpp takes it, or hangs on it.
STRICTER = (
    *("defined in line", "runs backwards", "hold no character", "may be empty", "groups inside"),
    *("llama.cpp takes at most", "ways to begin", "with one another", "comes to more than"),
)

Accepts = Callable[[str], bool]


@pytest.fixture(scope="module")
def native() -> Accepts:
    """Whether llama.cpp takes a grammar."""
    api: Any = LlamaLibrary().api

    def accepts(text: str) -> bool:
        sampler = api.llama_sampler_init_grammar(ctypes.c_void_p(None), text.encode(), b"root")
        if not sampler:
            return False
        api.llama_sampler_free(sampler)
        return True

    return accepts


def _agree(text: str, native: Accepts) -> None:
    refused = ""
    try:
        tokens = check_grammar(text).tokens
    except TextError as error:
        refused, tokens = error.what, ()
    if any(words in refused for words in STRICTER) or tokens:  # tokens need a vocabulary
        return
    assert native(text) == (not refused), refused


@pytest.mark.parametrize(
    "text",
    [
        'root ::= "a"',
        'root ::= "a" root | "b" # words\n\n',
        'root ::= ([a-z]*)* "."',
        'root ::= "x"{2,3} [^\\x00-\\x1F"\\]]+ <[7]> !<[8]> .?',
        'root ::=\n  a |\n  b\na ::= "1"\r\nb ::= (\n"2"\n)',
        'root ::= a a\na ::= "" | a-1\na-1 ::= [-a-] [a-]',
        'root ::= "\\u00e9\\U0001F600é😀"',
        'root ::= ("a" | "b"{3}){4,}?',
        'root ::= "a"{ 2 , 3 }',
        'root ::= ("a" ( "b" c{2} ){2} ){3}\nc ::= d | e\nd ::= "d"\ne ::= "e"',
    ],
)
def test_llama_cpp_takes_what_we_accept(text: str, native: Accepts) -> None:
    check_grammar(text)
    assert native(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "root",
            "root ::",
            'root = "a"',
            'root ::= "a',
            "root ::= [a",
            "root ::= (",
            "root ::= )",
        ),
        *('root ::= "\\q"', 'root ::= "\\x1"', "root ::= *", 'root ::= ""*', 'root ::= "a"{}'),
        *('root ::= "a"{1', 'root ::= "a"{1,x}', 'root ::= "a"{,3}', 'root ::= "a"{50}{50}'),
        *("root ::= a", 'a ::= "b"', "root ::= root", 'root ::= "" root', "root ::= <[x]>"),
        *('root ::= ("a"{1500}) | b\nb ::= (b?)', "root ::= !", "# only words", "_ ::= a"),
        *('root ::= ("a"? "b"? "c"?){600}', 'root ::= "a" b ::= "c"'),
    ],
)
def test_llama_cpp_refuses_what_we_refuse(text: str, native: Accepts) -> None:
    with pytest.raises(TextError):
        check_grammar(text)
    assert not native(text)


NAMES = st.sampled_from(["root", "a", "b", "c-1"])
SYMBOLS = st.one_of(
    NAMES,
    st.sampled_from(['"x"', '""', '"\\n\\"y"', "[a-z]", "[^a-c0]", "[-x]", ".", "<[5]>", '"é"']),
)
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0}", "{1,}", "{0,3}", "{ 1, 2 }"])


def _sequences(symbols: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.builds(str.__add__, symbols, REPEATS), min_size=1, max_size=4)
    alternates = st.lists(items.map(" ".join), min_size=1, max_size=3)
    return alternates.map(" | ".join)


BODIES = _sequences(
    st.recursive(SYMBOLS, lambda inner: _sequences(inner).map("({})".format), max_leaves=6)
)
GRAMMARS = st.builds(
    lambda bodies: "\n".join(f"{name} ::= {body}" for name, body in bodies),
    st.tuples(*(st.tuples(st.just(name), BODIES) for name in ("root", "a", "b", "c-1"))),
)


@given(GRAMMARS)
@settings(deadline=None, max_examples=60)
def test_agrees_with_llama_cpp_on_random_grammars(native: Accepts, text: str) -> None:
    _agree(text, native)


@given(GRAMMARS, st.integers(0, 200), st.sampled_from(list('"[](){}|*?\\<>!-^:=#\n\r0,a é')))
@settings(deadline=None, max_examples=60)
def test_agrees_with_llama_cpp_on_broken_grammars(
    native: Accepts, text: str, at: int, sign: str
) -> None:
    at = at % (len(text) + 1)
    _agree(text[:at] + sign + text[at:], native)
    _agree(text[:at] + sign + text[at + 1 :], native)


@given(st.text(st.sampled_from(list('root:= "ab[]()*+?{}0123,|\\\n<>!-^x#')), max_size=60))
@settings(deadline=None, max_examples=60)
def test_agrees_with_llama_cpp_on_noise(native: Accepts, text: str) -> None:
    _agree("root ::= " + text, native)
    if text:  # an empty grammar is none for llama.cpp
        _agree(text, native)
