"""What the model itself thought of a token: its softmax over the raw logits, before any step.

The row is only read; what the chain draws does not change by it.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

_LEAST: Final = 1.1754943508222875e-38
"""The smallest normal single-precision number, for tokens that the model rules out."""


class TokenProbability:
    """Reads output rows of one context; one exponential of the whole vocabulary for each token."""

    def __init__(self, api: Any, context: Any, n_vocab: int) -> None:
        import numpy  # imported with the first context, not when the program starts

        self._numpy = numpy
        self._api = api
        self._context = context
        self._row_type = ctypes.c_float * n_vocab
        self._work = numpy.empty(n_vocab, numpy.float32)

    def of(self, row: int, token: int) -> float:
        """The probability of `token` in output row `row` (-1 is the last), 0 < p <= 1."""
        numpy, work = self._numpy, self._work
        pointer = self._api.llama_get_logits_ith(self._context, row)
        address = ctypes.addressof(pointer.contents)
        logits = numpy.frombuffer(self._row_type.from_address(address), numpy.float32)
        with numpy.errstate(invalid="ignore"):  # a damaged model may write infinite logits
            numpy.subtract(logits, logits.max(), out=work)
            numpy.exp(work, out=work)
            share = float(work[token]) / float(work.sum())
        return min(share, 1.0) if share > _LEAST else _LEAST
