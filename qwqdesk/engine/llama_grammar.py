"""llama.cpp's grammar on a vocabulary, never shown a token that it would abort on.

llama.cpp ends the process when a grammar accepts an end token or a text that does not fit, so a
token is asked first. The order is that of `common_sampler_sample` (common/sampling.cpp): the chain
draws, the token is checked, and only if it does not fit the grammar masks all tokens and the chain
draws again.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

from qwqdesk.engine.limits import Grammar, LaneEndError
from qwqdesk.engine.token_ids import check_tokens
from qwqdesk.errors import UserError
from qwqdesk.sampling.grammar import ROOT, check_grammar

SLOW_S: Final = 10.0
"""A grammar may be so ambiguous that every token doubles its work; it ends before it hangs."""

Tokenize = Callable[[str], Collection[int]]


class NativeGrammar:
    """A grammar at its beginning, or as far as `accept` has brought it.

    Raises:
        UserError: code "grammar", for what `check_grammar` refuses, or a token that is none.
    """

    def __init__(self, api: Any, vocab: Any, text: str, tokenize: Tokenize) -> None:
        self._api = api
        self._vocab = vocab
        self._n_vocab: int = api.llama_vocab_n_tokens(vocab)
        for mention in check_grammar(text).tokens:
            number = mention.number
            known = len(tokenize(mention.text)) == 1 if number is None else number < self._n_vocab
            if not known:
                raise mention.missing()
        self.handle: Any = api.llama_sampler_init_grammar(vocab, text.encode(), ROOT.encode())
        if not self.handle:
            what = "llama.cpp cannot read the grammar."
            raise UserError(what, "Simplify the grammar.", code="grammar")

    def clone(self) -> NativeGrammar:
        """A copy that goes its own way."""
        other = object.__new__(NativeGrammar)
        other._api, other._vocab, other._n_vocab = self._api, self._vocab, self._n_vocab
        other.handle = self._api.llama_sampler_clone(self.handle)
        return other

    def close(self) -> None:
        """Free it; closing twice does nothing."""
        if self.handle is not None:
            self._api.llama_sampler_free(self.handle)
            self.handle = None

    def fits(self, token: int) -> bool:
        """Whether this token may come next.

        Raises:
            UserError: code "token", for a number that is no token.
        """
        check_tokens((token,), self._n_vocab)
        api = self._api
        one = api.llama_token_data(token, 1.0, 0.0)
        self.mask(api.llama_token_data_array(ctypes.pointer(one), 1, -1, False))
        return bool(one.logit != -math.inf)

    def mask(self, candidates: Any) -> None:
        """Give every candidate that does not fit a logit of minus infinity."""
        began = time.perf_counter()
        self._api.llama_sampler_apply(self.handle, ctypes.byref(candidates))
        _refuse_slow(began)

    def accept(self, token: int) -> None:
        """Go on by a token that fits.

        Raises:
            UserError: code "token", for a number that is no token.
        """
        check_tokens((token,), self._n_vocab)
        began = time.perf_counter()
        self._api.llama_sampler_accept(self.handle, token)
        _refuse_slow(began)

    @property
    def may_end(self) -> bool:
        """Whether the text may end here."""
        end = self._api.llama_vocab_eos(self._vocab)
        return end >= 0 and self.fits(end)


def _refuse_slow(began: float) -> None:
    seconds = time.perf_counter() - began
    if seconds > SLOW_S:
        detail = f"the grammar is too ambiguous: one token took it {seconds:.0f} s"
        raise LaneEndError("error", detail)


class HasHandle(Protocol):
    """Something native, by its pointer."""

    @property
    def handle(self) -> Any: ...


class Candidates:
    """All tokens of a vocabulary as llama.cpp's samplers take them."""

    def __init__(self, api: Any, n_vocab: int) -> None:
        import numpy  # imported with the first lane that is limited

        self._api = api
        fields = [("id", numpy.int32), ("logit", numpy.float32), ("p", numpy.float32)]
        self._rows = numpy.zeros(n_vocab, numpy.dtype(fields))
        self._ids = numpy.arange(n_vocab, dtype=numpy.int32)

    def draw(
        self,
        chain: HasHandle,
        logits: Any,
        grammar: Grammar | None,
        free: Callable[[int], bool],
        banned: Collection[int],
    ) -> int:
        """Draw a token and show it to the chain, and to the grammar unless it is free of it.

        Raises:
            LaneEndError: when no token may come; nothing was shown to anybody then.
        """
        token = self._applied(chain, self._filled(logits, banned))
        if grammar is not None and not free(token):
            if not grammar.fits(token) or token in banned:
                token = self._applied(chain, self._masked(logits, grammar, banned))
                if not grammar.fits(token):
                    raise _nothing_fits(grammar)
            grammar.accept(token)
        elif token in banned:
            raise LaneEndError("error", "the banned strings leave nothing to say here")
        self._api.llama_sampler_accept(chain.handle, token)
        return token

    def _filled(self, logits: Any, banned: Collection[int]) -> Any:
        self._rows["id"] = self._ids
        self._rows["logit"] = logits
        self._rows["p"] = 0.0
        if banned:
            check_tokens(banned, len(self._rows))
            self._rows["logit"][list(banned)] = -math.inf
        data = ctypes.cast(self._rows.ctypes.data, self._api.llama_token_data_p)
        return self._api.llama_token_data_array(data, len(self._rows), -1, False)

    def _masked(self, logits: Any, grammar: Grammar, banned: Collection[int]) -> Any:
        candidates = self._filled(logits, banned)
        grammar.mask(candidates)
        if not (self._rows["logit"] > -math.inf).any():
            raise _nothing_fits(grammar)
        return candidates

    def _applied(self, chain: HasHandle, candidates: Any) -> int:
        self._api.llama_sampler_apply(chain.handle, ctypes.byref(candidates))
        if not 0 <= candidates.selected < candidates.size:
            raise LaneEndError("error", "the chain drew no token")
        return int(candidates.data[candidates.selected].id)


def _nothing_fits(grammar: Grammar) -> LaneEndError:
    if grammar.may_end:
        return LaneEndError("stop", "the grammar allows nothing more")
    return LaneEndError("error", "no token that may be drawn fits the grammar here")
