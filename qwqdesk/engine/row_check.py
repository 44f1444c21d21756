"""Does llama.cpp answer the prompt's last token? One architecture's graph does not.

A prompt is decoded in chunks, and only the row of a chunk's last token is asked for. A graph that
ignores which rows are asked for gives the row of its first token instead (cogvlm in llama.cpp
0c1e57098): the reply then belongs to another text, and nothing fails. The same two tokens read in
one chunk and in two tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qwqdesk.errors import UserError

_TEXTS = ("Hello world", "one two three", "The answer", "0 1 2 3")
# Below this part of their own length two rows say the same, and nothing can be told apart.
_SAME = 0.01


class RowContext(Protocol):
    """What of a context is used; the first sequence is overwritten."""

    def clear(self) -> None: ...
    def prefill(self, sequence: int, tokens: Sequence[int], start: int, *, last: bool) -> None: ...
    def logits(self, row: int) -> object: ...


class RowModel(Protocol):
    """What of a model is used."""

    n_vocab: int

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]: ...


def require_last_row(context: RowContext, model: RowModel) -> None:
    """Refuse a model of which llama.cpp samples another row than the last; takes three tokens.

    Raises:
        UserError: code "architecture".
    """
    pairs = _pairs(model)
    # Rounding differs between the two ways, so that a suspicion must hold for every pair.
    if pairs and all(_wrong_row(context, pair) for pair in pairs):
        raise UserError(
            "llama.cpp does not answer the end of the prompt with this model: it computes the "
            "reply to another token.",
            "Choose a model of another architecture; this is a fault of this version of llama.cpp.",
            code="architecture",
        )
    context.clear()


def _pairs(model: RowModel) -> list[tuple[int, int]]:
    """Pairs of two different tokens of ordinary text."""
    found: list[tuple[int, int]] = []
    for text in _TEXTS:
        tokens = model.tokenize(text, add_special=False, parse_special=False)
        different = list(dict.fromkeys(tokens))
        if len(different) > 1:
            found.append((different[0], different[-1]))
    if not found and model.n_vocab > 2:
        found.append((model.n_vocab // 3, model.n_vocab // 2))
    return found


def _wrong_row(context: RowContext, pair: tuple[int, int]) -> bool:
    """Whether the row of both tokens together is nearer to the first token's than to the last's."""
    context.clear()
    context.prefill(0, pair, 0, last=True)
    together = _row(context)
    context.clear()
    context.prefill(0, pair[:1], 0, last=True)
    first = _row(context)
    context.prefill(0, pair[1:], 1, last=True)
    last = _row(context)
    between = float(np.linalg.norm(first - last))
    if not between > _SAME * float(np.linalg.norm(last)):  # also where something is no number
        return False
    return float(np.linalg.norm(together - last)) > between / 2


def _row(context: RowContext) -> NDArray[np.float64]:
    row: Any = context.logits(-1)
    return np.asarray(row, dtype=np.float64)
