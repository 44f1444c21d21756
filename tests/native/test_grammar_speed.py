"""No native call on a grammar that we accept takes long: it could not be stopped."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.engine.llama_grammar import NativeGrammar
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.resources import resource
from qwqdesk.sampling.grammar import check_grammar
from qwqdesk.sampling.text_error import TextError

MOST_S = 1.0
"""CPU seconds for one call over all tokens of the demo model."""

Slowest = Callable[[str], float]


@pytest.fixture(scope="module")
def slowest() -> Iterator[Slowest]:
    """The longest call while a grammar takes a few tokens, each the longest that fits."""
    api: Any = LlamaLibrary().api
    params = api.llama_model_default_params()
    params.vocab_only = True
    file = resource("models") / "qwqdesk-demo-F16.gguf"
    model = api.llama_model_load_from_file(str(file).encode(), params)
    vocab = api.llama_model_get_vocab(model)
    count = api.llama_vocab_n_tokens(vocab)
    text = ctypes.create_string_buffer(128)
    lengths = [api.llama_token_to_piece(vocab, i, text, 128, 0, True) for i in range(count)]
    ends = {token for token in range(count) if api.llama_vocab_is_eog(vocab, token)}

    def measure(text: str) -> float:
        grammar = NativeGrammar(api, vocab, text, lambda _text: ())
        longest = 0.0
        try:
            for _ in range(3):
                tokens = (api.llama_token_data * count)(
                    *(api.llama_token_data(token, 0.0, 0.0) for token in range(count))
                )
                began = time.thread_time()
                grammar.mask(api.llama_token_data_array(tokens, count, -1, False))
                longest = max(longest, time.thread_time() - began)
                fit = [t.id for t in tokens if t.logit == 0 and t.id not in ends]
                if not fit:
                    break
                grammar.accept(max(fit, key=lengths.__getitem__))
        finally:
            grammar.close()
        return longest

    yield measure
    api.llama_model_free(model)


REPEATED = st.builds(
    "({}){}".format,
    st.deferred(lambda: BODY),
    st.one_of(
        st.sampled_from(["?", "?", "*", "+"]),
        st.integers(2, 14).map("{{{}}}".format),
        st.integers(2, 14).map("{{0,{}}}".format),
    ),
)
ATOM = st.sampled_from(['"a"', "[a-z]", "[a-z ]", '[^"]', '""', "ws", "opt"])
BODY: st.SearchStrategy[str] = st.lists(st.one_of(ATOM, REPEATED), min_size=1, max_size=2).map(
    " ".join
)


@given(BODY)
@settings(deadline=None, max_examples=40, derandomize=True)
def test_what_is_accepted_is_quick(slowest: Slowest, body: str) -> None:
    text = f'root ::= {body} "9"\nws ::= [ \\t\\n]*\nopt ::= [a-z ]?\n'
    try:
        check_grammar(text)
    except TextError:
        return
    assert slowest(text) < MOST_S


@pytest.mark.parametrize(
    "text",
    [
        'root ::= "[" item ("," item){0,999} "]"\nitem ::= [0-9]+ | "\\"" [a-z]* "\\""',
        'root ::= ("a"{190}){190} "b"',
        'root ::= [^"]{1,1000} "\\""',
        'root ::= ([^"]?){12} "\\""',
        'root ::= ([^"]*){3} "\\""',
        'root ::= (([a-z ]?){3}){4} "9"',
    ],
)
def test_ordinary_grammars_and_those_at_the_limits_are_quick(slowest: Slowest, text: str) -> None:
    assert slowest(text) < MOST_S
