"""Biases by text become biases of tokens, once the vocabulary is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qwqdesk.engine.events import BiasedToken, BiasedTokens
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import TextBias


class Vocabulary(Protocol):
    """What is asked of a model."""

    def piece(self, token: int) -> bytes: ...
    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]: ...


def biased_tokens(biases: Sequence[TextBias], vocabulary: Vocabulary) -> tuple[BiasedTokens, ...]:
    """The tokens that each text becomes, as it is and with a blank before it."""
    return tuple(_tokens(bias, vocabulary) for bias in biases)


def _tokens(bias: TextBias, vocabulary: Vocabulary) -> BiasedTokens:
    found: dict[int, BiasedToken] = {}
    for text in (bias.text, f" {bias.text}"):
        for token in vocabulary.tokenize(text, add_special=False, parse_special=False):
            piece = vocabulary.piece(token).decode("utf-8", "replace")
            if piece.strip() or not bias.text.strip():  # never the blank alone
                found[token] = BiasedToken(token, piece)
    return BiasedTokens(bias.text, bias.bias, tuple(found.values()))


def with_biases(chain: SamplerChain, biases: Sequence[BiasedTokens]) -> SamplerChain:
    """The chain with these biases behind its own."""
    more = [(token.id, bias.bias) for bias in biases for token in bias.tokens]
    return chain.with_values(logit_bias=(*chain.logit_bias, *more)) if more else chain
