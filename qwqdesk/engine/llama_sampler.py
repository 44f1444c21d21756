"""Builds a native sampler chain from a `SamplerChain`: the listed steps, then one that selects.

Order and values follow llama.cpp's common/sampling.cpp (`common_sampler_init`), so that the same
settings draw the same tokens as its programs.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qwqdesk.engine.token_ids import check_tokens
from qwqdesk.sampling.chain import SamplerChain

# The m of mirostat 1; llama.cpp fixes it.
_MIROSTAT_M = 100

Builder = Callable[[SamplerChain], Any]


class NativeChain:
    """One native chain; `close` frees it and every step in it."""

    def __init__(self, api: Any, vocab: Any, chain: SamplerChain) -> None:
        self._api = api
        self._vocab = vocab
        self._n_vocab: int = api.llama_vocab_n_tokens(vocab)
        params = api.llama_sampler_chain_default_params()
        params.no_perf = True
        self.handle: Any = api.llama_sampler_chain_init(params)
        for step in self._steps(chain):
            api.llama_sampler_chain_add(self.handle, step)

    def accept(self, tokens: Sequence[int]) -> None:
        """Show tokens to the steps that remember (penalties, dry, mirostat).

        Raises:
            UserError: code "token", for a number that is no token; nothing was shown then.
        """
        check_tokens(tokens, self._n_vocab)
        accept, handle = self._api.llama_sampler_accept, self.handle
        for token in tokens:
            accept(handle, token)

    def clone(self) -> NativeChain:
        """A copy with all that the steps remember, random numbers included."""
        other = object.__new__(NativeChain)
        other._api, other._vocab, other._n_vocab = self._api, self._vocab, self._n_vocab
        other.handle = self._api.llama_sampler_clone(self.handle)
        return other

    def skip(self, draws: int) -> None:
        """Let random numbers go by, as if so many tokens had been drawn.

        Mirostat and adaptive_p change more than random numbers by drawing: they stay.
        """
        api = self._api
        last = api.llama_sampler_chain_get(self.handle, api.llama_sampler_chain_n(self.handle) - 1)
        if api.llama_sampler_name(last) != b"dist":
            return
        one = api.llama_token_data(0, 0.0, 0.0)
        for _ in range(draws):
            array = api.llama_token_data_array(ctypes.pointer(one), 1, -1, False)
            api.llama_sampler_apply(last, ctypes.byref(array))

    def names(self) -> tuple[str, ...]:
        """The steps as llama.cpp names them; a leading `?` marks one that does nothing."""
        get, name = self._api.llama_sampler_chain_get, self._api.llama_sampler_name
        count = self._api.llama_sampler_chain_n(self.handle)
        return tuple(name(get(self.handle, i)).decode() for i in range(count))

    def close(self) -> None:
        if self.handle is not None:
            self._api.llama_sampler_free(self.handle)
            self.handle = None

    def _steps(self, chain: SamplerChain) -> list[Any]:
        api = self._api
        steps = self._bias_steps(chain)
        seed = chain.integer("seed")
        mirostat = chain.integer("mirostat")
        tau, eta = chain.number("mirostat_tau"), chain.number("mirostat_eta")
        if mirostat:
            steps.append(api.llama_sampler_init_temp(chain.number("temperature")))
        if mirostat == 1:
            draw = api.llama_sampler_init_mirostat(self._n_vocab, seed, tau, eta, _MIROSTAT_M)
        elif mirostat == 2:
            draw = api.llama_sampler_init_mirostat_v2(seed, tau, eta)
        else:
            builders = self._builders()
            steps.extend(builders[name](chain) for name in chain.samplers if name != "adaptive_p")
            draw = self._selecting(chain, seed)
        return [*steps, draw]

    def _selecting(self, chain: SamplerChain, seed: int) -> Any:
        if "adaptive_p" not in chain.samplers:
            return self._api.llama_sampler_init_dist(seed)
        return self._api.llama_sampler_init_adaptive_p(
            chain.number("adaptive_target"), chain.number("adaptive_decay"), seed
        )

    def _builders(self) -> Mapping[str, Builder]:
        api = self._api
        return {
            "penalties": lambda c: api.llama_sampler_init_penalties(
                self._n_vocab,
                c.integer("repeat_last_n"),
                c.number("repeat_penalty"),
                c.number("frequency_penalty"),
                c.number("presence_penalty"),
            ),
            "dry": self._dry,
            "top_n_sigma": lambda c: api.llama_sampler_init_top_n_sigma(c.number("top_n_sigma")),
            "top_k": lambda c: api.llama_sampler_init_top_k(c.integer("top_k")),
            "typ_p": lambda c: api.llama_sampler_init_typical(
                c.number("typical_p"), c.integer("min_keep")
            ),
            "top_p": lambda c: api.llama_sampler_init_top_p(
                c.number("top_p"), c.integer("min_keep")
            ),
            "min_p": lambda c: api.llama_sampler_init_min_p(
                c.number("min_p"), c.integer("min_keep")
            ),
            "xtc": lambda c: api.llama_sampler_init_xtc(
                c.number("xtc_probability"),
                c.number("xtc_threshold"),
                c.integer("min_keep"),
                c.integer("seed"),
            ),
            "temperature": lambda c: api.llama_sampler_init_temp_ext(
                c.number("temperature"),
                c.number("dynatemp_range"),
                c.number("dynatemp_exponent"),
            ),
        }

    def _dry(self, chain: SamplerChain) -> Any:
        breakers = [text.encode("utf-8") for text in chain.strings("dry_sequence_breakers")]
        array = (ctypes.c_char_p * len(breakers))(*breakers)
        return self._api.llama_sampler_init_dry(
            self._vocab,
            chain.number("dry_multiplier"),
            chain.number("dry_base"),
            chain.integer("dry_allowed_length"),
            chain.integer("dry_penalty_last_n"),
            array,
            len(breakers),
        )

    def _bias_steps(self, chain: SamplerChain) -> list[Any]:
        """User biases, `ignore_eos` on every end token, and the vocabulary's suppressed tokens."""
        biases = [(t, b) for t, b in chain.logit_bias if 0 <= t < self._n_vocab]
        if chain.value("ignore_eos"):
            is_eog = self._api.llama_vocab_is_eog
            ends = (t for t in range(self._n_vocab) if is_eog(self._vocab, t))
            biases += [(token, -math.inf) for token in ends]
        biases += [(token, -math.inf) for token in self._suppressed()]
        if not biases:
            return []
        kind = self._api.llama_logit_bias
        array = (kind * len(biases))(*(kind(token, bias) for token, bias in biases))
        return [self._api.llama_sampler_init_logit_bias(self._n_vocab, len(biases), array)]

    def _suppressed(self) -> list[int]:
        count = ctypes.c_int32(0)
        tokens = self._api.llama_vocab_get_suppress_tokens(self._vocab, ctypes.byref(count))
        return [int(tokens[i]) for i in range(count.value)] if tokens else []
