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

    def logits(self, row: int) -> Any:
        """Output row `row` (-1 is the last) as llama.cpp holds it until the next decoding."""
        pointer = self._api.llama_get_logits_ith(self._context, row)
        address = ctypes.addressof(pointer.contents)
        row_buffer: Any = self._row_type.from_address(address)
        return self._numpy.frombuffer(row_buffer, self._numpy.float32)

    def of(self, row: int, token: int) -> float:
        """The probability of `token` in output row `row` (-1 is the last), 0 < p <= 1."""
        return self.within(self.logits(row), token)

    def within(self, logits: Any, token: int) -> float:
        """The probability of `token` in a row of logits, 0 < p <= 1."""
        numpy, work = self._numpy, self._work
        with numpy.errstate(invalid="ignore"):  # a damaged model may write infinite logits
            numpy.subtract(logits, logits.max(), out=work)
            numpy.exp(work, out=work)
            share = float(work[token]) / float(work.sum())
        return min(share, 1.0) if share > _LEAST else _LEAST
