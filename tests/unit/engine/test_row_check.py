"""A model of which llama.cpp samples the wrong row is refused, and no other one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from qwqdesk.engine.row_check import require_last_row
from qwqdesk.errors import UserError

Row = NDArray[np.float64]
WIDTH = 64


class Words:
    """A vocabulary of letters."""

    n_vocab = 256

    def __init__(self, *, letters: bool = True) -> None:
        self._letters = letters

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]:
        assert not add_special
        assert not parse_special
        return tuple(map(ord, text)) if self._letters else ()


class Graph:
    """A context whose rows depend on the tokens up to them; `pick` says which row a chunk gives."""

    def __init__(
        self, pick: Callable[[Sequence[Row]], Row], rounding: float = 0.0, flat: bool = False
    ) -> None:
        self._pick, self._rounding, self._flat = pick, rounding, flat
        self._rng = np.random.default_rng(1)
        self._cells: list[int] = []
        self._row: Row = np.zeros(WIDTH)
        self.prefills = 0

    def clear(self) -> None:
        self._cells = []

    def prefill(self, sequence: int, tokens: Sequence[int], start: int, *, last: bool) -> None:
        assert (sequence, start, last) == (0, len(self._cells), True)
        self.prefills += 1
        rows = []
        for token in tokens:
            self._cells.append(token)
            rows.append(self._computed())
        self._row = self._pick(rows)

    def logits(self, row: int) -> object:
        assert row == -1
        return self._row

    @property
    def is_clear(self) -> bool:
        return not self._cells

    def _computed(self) -> Row:
        seed = 0 if self._flat else hash(tuple(self._cells)) & 0xFFFF
        row = np.random.default_rng(seed).normal(size=WIDTH)
        return row * (1 + self._rounding * self._rng.normal(size=WIDTH))


def last(rows: Sequence[Row]) -> Row:
    return rows[-1]


def first(rows: Sequence[Row]) -> Row:
    return rows[0]


@pytest.mark.parametrize(
    "graph",
    [
        Graph(last),
        Graph(last, rounding=0.05),
        Graph(last, rounding=0.3),
        Graph(first, flat=True),
        Graph(lambda rows: rows[-1] * np.nan),
    ],
    ids=["exact", "rounded", "rounded much", "all rows the same", "not a number"],
)
def test_the_last_row_passes_and_so_does_what_proves_nothing(graph: Graph) -> None:
    require_last_row(graph, Words())
    assert graph.is_clear
    assert graph.prefills == 3


@pytest.mark.parametrize("letters", [True, False])
@pytest.mark.parametrize("rounding", [0.0, 0.05])
def test_the_first_row_of_a_chunk_is_refused_in_words(rounding: float, letters: bool) -> None:
    with pytest.raises(UserError, match="another token") as caught:
        require_last_row(Graph(first, rounding), Words(letters=letters))
    assert caught.value.code == "architecture"


def test_one_suspicious_pair_alone_refuses_nothing() -> None:
    wrong = [True, True, True]  # the chunks of the first pair

    def pick(rows: Sequence[Row]) -> Row:
        return rows[0] if wrong and wrong.pop() else rows[-1]

    require_last_row(Graph(pick), Words())
    assert not wrong
