"""Scripted stand-ins for the native model and context: every decode path in milliseconds.

The fake context keeps what each sequence holds and checks that every decode continues it, as
llama.cpp requires. What it draws depends on a lane's own cells, chain and earlier tokens only, so
any mix-up between lanes changes the tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from qwqdesk.engine.decode import Chain
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain

END = 0
OPEN, CLOSE = 1, 2
"""The special tokens of `FakeModel`: end of turn, <think>, </think>; then 256 bytes from 3 on."""
FIRST_BYTE = 3
WORDS = 300


def ids(text: str) -> tuple[int, ...]:
    """The tokens of a text: one for each byte."""
    return tuple(FIRST_BYTE + byte for byte in text.encode())


def probability_of(token: int, cells: Sequence[int]) -> float:
    """What the fake model gives a token behind these cells."""
    return 1 / (1 + hash((token, tuple(cells))) % 1000)


class FakeChain:
    """Remembers what it was shown; `script` are the tokens that it will draw."""

    def __init__(self, chain: SamplerChain, script: Sequence[int] | None) -> None:
        self.seed = chain.integer("seed")
        self.script = script
        self.accepted: list[int] = []
        self.drawn = 0
        self.closed = False

    @property
    def handle(self) -> object:
        return self

    def accept(self, tokens: Sequence[int]) -> None:
        assert not self.closed
        self.accepted.extend(tokens)

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True

    def draw(self, cells: Sequence[int]) -> int:
        """The next token: scripted, or any one that depends on everything it may depend on."""
        assert tuple(self.accepted) == tuple(cells), "the chain was not shown the lane's own tokens"
        self.drawn += 1
        if self.script is not None:
            return self.script[self.drawn - 1] if self.drawn <= len(self.script) else END
        number = hash((self.seed, tuple(cells)))
        return END if number % 41 == 0 else FIRST_BYTE + number % 256


@dataclass
class FakeModel:
    """A vocabulary of bytes, special tags and an end token; `pieces` adds tokens."""

    scripts: Mapping[int, Sequence[int]] = field(default_factory=dict)
    pieces: Mapping[int, bytes] = field(default_factory=dict)
    special: frozenset[int] = frozenset({END, OPEN, CLOSE})
    chains: list[FakeChain] = field(default_factory=list)

    def chain(self, chain: SamplerChain) -> FakeChain:
        made = FakeChain(chain, self.scripts.get(chain.integer("seed")))
        self.chains.append(made)
        return made

    def piece(self, token: int) -> bytes:
        names = {END: b"<|im_end|>", OPEN: b"<think>", CLOSE: b"</think>", **self.pieces}
        return names[token] if token in names else bytes([token - FIRST_BYTE])

    def is_end(self, token: int) -> bool:
        return token == END

    def is_special(self, token: int) -> bool:
        return token in self.special

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]:
        assert not add_special
        assert parse_special
        tags = {"<think>": (OPEN,), "</think>": (CLOSE,)}
        parts = re.split("(</?think>)", text)
        return tuple(token for part in parts for token in tags.get(part, ids(part)))


class FakeContext:
    """Sequences of cells; `log` has every call, `before_call` runs before each decoding one.

    `fail_at` is the number of the decoding call that fails, counted from 1.
    """

    def __init__(
        self,
        *,
        n_ctx: int = 4096,
        chunk: int = 512,
        reuses_any_prefix: bool = True,
        fail_at: int | None = None,
    ) -> None:
        self.n_ctx = n_ctx
        self.chunk = chunk
        self.reuses_any_prefix = reuses_any_prefix
        self.cells: dict[int, tuple[int, ...]] = {}
        self.log: list[tuple[object, ...]] = []
        self.calls = 0
        self.before_call: Callable[[int], None] = lambda _number: None
        self._fail_at = fail_at
        self._rows: list[tuple[int, ...]] = []

    def clear(self) -> None:
        self.log.append(("clear",))
        self.cells.clear()

    def prefill(self, sequence: int, tokens: Sequence[int], start: int, *, last: bool) -> None:
        self.log.append(("prefill", sequence, start, len(tokens), last))
        assert 0 < len(tokens) <= self.chunk
        self._call()
        self._extend(sequence, tokens, start)
        self._rows = [self.cells[sequence]] if last else []

    def decode(self, entries: Sequence[tuple[int, int, int]], *, outputs: bool) -> None:
        self.log.append(("decode", tuple(sequence for sequence, _, _ in entries)))
        assert entries
        self._call()
        for sequence, token, position in entries:
            self._extend(sequence, (token,), position)
        rows = entries if outputs else entries[-1:]
        self._rows = [self.cells[sequence] for sequence, _, _ in rows]

    def copy(self, source: int, target: int, end: int = -1) -> None:
        self.log.append(("copy", source, target, end))
        assert not self.cells.get(target), "the target holds cells of something else"
        held = self.cells[source]
        if end >= 0 and not self.reuses_any_prefix:
            assert end == len(held), "this memory cannot give back a part"
        self.cells[target] = held if end < 0 else held[:end]

    def cut(self, sequence: int, start: int) -> bool:
        self.log.append(("cut", sequence, start))
        self.cells[sequence] = self.cells.get(sequence, ())[:start]
        return True

    def sample(self, chain: Chain, row: int) -> int:
        assert isinstance(chain, FakeChain)
        token = chain.draw(self._rows[row])
        self.log.append(("sample", chain.seed))
        chain.accept([token])
        return token

    def probability(self, token: int, row: int) -> float:
        return probability_of(token, self._rows[row])

    def _call(self) -> None:
        self.calls += 1
        self.before_call(self.calls)
        if self.calls == self._fail_at:
            raise UserError("llama.cpp could not decode (status 1).", "Try.", code="decode")

    def _extend(self, sequence: int, tokens: Sequence[int], start: int) -> None:
        held = self.cells.get(sequence, ())
        assert len(held) == start, f"sequence {sequence} holds {len(held)} cells, not {start}"
        self.cells[sequence] = (*held, *tokens)
        assert len(self.cells[sequence]) <= self.n_ctx, "more cells than the context has"
