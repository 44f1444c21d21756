"""Scripted stand-ins for the native model and context: every decode path in milliseconds.

The fake context keeps what each sequence holds and checks that every decode continues it, as
llama.cpp requires. What it draws depends on a lane's own cells, chain and earlier tokens only, so
any mix-up between lanes changes the tokens.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from qwqdesk.engine.limits import Chain, Grammar, LaneEndError
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
    """Remembers what it was shown; `script` are the tokens that it will draw.

    An entry of several tokens is drawn as the first of them that may come.
    """

    def __init__(self, chain: SamplerChain, script: Sequence[int | tuple[int, ...]] | None) -> None:
        self.biases = chain.logit_bias
        self.seed = chain.integer("seed")
        self.script = script
        self.accepted: list[int] = []
        self.drawn = 0
        self.closed = False
        self.skipped = 0
        self.made: list[FakeChain] = []  # every copy of it

    @property
    def handle(self) -> object:
        return self

    def accept(self, tokens: Sequence[int]) -> None:
        assert not self.closed
        self.accepted.extend(tokens)

    def clone(self) -> FakeChain:
        other = copy.copy(self)
        other.accepted = list(self.accepted)
        self.made.append(other)
        return other

    def skip(self, draws: int) -> None:
        self.skipped += draws

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True

    def draw(self, cells: Sequence[int], may: Callable[[int], bool] = lambda _token: True) -> int:
        """The next token: scripted, or any one that depends on everything it may depend on."""
        assert tuple(self.accepted) == tuple(cells), "the chain was not shown the lane's own tokens"
        self.drawn += 1
        if self.script is not None:
            entry = self.script[self.drawn - 1] if self.drawn <= len(self.script) else END
            wished = entry if isinstance(entry, tuple) else (entry,)
            return next(filter(may, wished), wished[0])
        number = hash((self.seed, tuple(cells)))
        every = tuple(FIRST_BYTE + (number + i) % 256 for i in range(256))
        tokens = (END,) if number % 41 == 0 else every
        return next(filter(may, tokens), tokens[0])


class FakeGrammar:
    """Allows the texts in quotation marks of its GBNF, and then the end."""

    def __init__(self, text: str, piece: Callable[[int], bytes]) -> None:
        self.texts = [part.encode() for part in re.findall('"(.*?)"', text)]
        self.piece = piece
        self.read = b""
        self.closed = False

    @property
    def may_end(self) -> bool:
        return self.read in self.texts

    def fits(self, token: int) -> bool:
        if token == END:
            return self.may_end
        return any(text.startswith(self.read + self.piece(token)) for text in self.texts)

    def mask(self, candidates: object) -> None:
        raise NotImplementedError

    def accept(self, token: int) -> None:
        assert not self.closed
        assert self.fits(token), "llama.cpp would end the process"
        self.read += b"" if token == END else self.piece(token)

    def clone(self) -> FakeGrammar:
        return copy.copy(self)

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True


@dataclass
class FakeModel:
    """A vocabulary of bytes, special tags and an end token; `pieces` adds tokens."""

    scripts: Mapping[int, Sequence[int | tuple[int, ...]]] = field(default_factory=dict)
    pieces: Mapping[int, bytes] = field(default_factory=dict)
    special: frozenset[int] = frozenset({END, OPEN, CLOSE})
    chains: list[FakeChain] = field(default_factory=list)
    grammars: list[FakeGrammar] = field(default_factory=list)

    def chain(self, chain: SamplerChain) -> FakeChain:
        made = FakeChain(chain, self.scripts.get(chain.integer("seed")))
        self.chains.append(made)
        return made

    def grammar(self, text: str) -> FakeGrammar:
        made = FakeGrammar(text, self.piece)
        self.grammars.append(made)
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
        if not parse_special:
            return ids(text)
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
        goes_back: int | None = None,
        fail_at: int | None = None,
    ) -> None:
        self.n_ctx = n_ctx
        self.chunk = chunk
        self.goes_back = goes_back
        self.state_bytes = 1000  # of one state
        self.n_threads = 2
        self.threads = self.n_threads  # what the next decoding has
        self.cells: dict[int, tuple[int, ...]] = {}
        self.log: list[tuple[object, ...]] = []
        self.calls = 0
        self.before_call: Callable[[int], None] = lambda _number: None
        self._fail_at = fail_at
        self._rows: list[tuple[int, ...]] = []

    def use_threads(self, threads: int | None) -> None:
        self.threads = self.n_threads if threads is None else threads

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

    def copy(self, source: int, target: int) -> None:
        self.log.append(("copy", source, target))
        assert not self.cells.get(target), "the target holds cells of something else"
        self.cells[target] = self.cells[source]

    def cut(self, sequence: int, start: int) -> bool:
        self.log.append(("cut", sequence, start))
        held = self.cells.get(sequence, ())
        if start and self.goes_back is not None and len(held) - start > self.goes_back:
            return False
        self.cells[sequence] = held[:start]
        return True

    def state_size(self, sequence: int) -> int:
        return self.state_bytes

    def keep(self, sequence: int) -> object:
        self.log.append(("keep", sequence))
        return self.cells[sequence]

    def bring_back(self, sequence: int, kept: object) -> None:
        self.log.append(("bring back", sequence))
        assert isinstance(kept, tuple)
        assert self.cells[sequence][: len(kept)] == kept, "what is not kept must still be there"
        self.cells[sequence] = kept

    def sample(self, chain: Chain, row: int) -> int:
        assert isinstance(chain, FakeChain)
        token = chain.draw(self._rows[row])
        self.log.append(("sample", chain.seed))
        chain.accept([token])
        return token

    def logits(self, row: int) -> object:
        return self._rows[row]

    def sample_within(
        self,
        chain: Chain,
        row: int | object,
        *,
        grammar: Grammar | None,
        free: Callable[[int], bool],
        banned: Collection[int],
    ) -> int:
        assert isinstance(chain, FakeChain)
        cells = self._cells(row)

        def fits(token: int) -> bool:
            return token not in banned and (grammar is None or free(token) or grammar.fits(token))

        token = chain.draw(cells, fits)
        if not fits(token):
            done = grammar is not None and grammar.may_end
            raise LaneEndError("stop" if done else "error", "nothing fits")
        if grammar is not None and not free(token):
            grammar.accept(token)
        self.log.append(("sample", chain.seed))
        chain.accept([token])
        return token

    def probability(self, token: int, row: int | object) -> float:
        return probability_of(token, self._cells(row))

    def _cells(self, row: int | object) -> tuple[int, ...]:
        """What an output row, or the logits kept of one, came from."""
        if isinstance(row, int):
            return self._rows[row]
        assert isinstance(row, tuple)
        return row

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
