"""A lane's tokens within its constraints: the grammar is kept, banned strings are taken back.

A banned string is seen when its last token is drawn. The lane then goes back to the token with
which it began, bans that token there and draws again. Tokens whose text could still become a
banned string wait here; the writer never sees one that is taken back.

Where a memory cannot be cut (recurrent ones, or a window that has gone on), the lane's own state is
kept when a token may begin a banned string, and the lane goes back to that: what lies between is
decoded again, one token after another as before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from qwqdesk.conversation import FinishReason
from qwqdesk.engine.banned import BannedStrings
from qwqdesk.engine.events import LaneRequest

MAX_TURNS: Final = 1000
"""How often a lane may go back without a new token to show for it."""
_APART: Final = 32
"""Tokens between two kept states at least."""
_TO_SPARE: Final = 64
"""Tokens beyond the bytes of a banned string: some have no text."""


class LaneEndError(Exception):
    """The lane cannot go on, the others can."""

    def __init__(self, reason: FinishReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Grammar(Protocol):
    """A native grammar and how far the text has come in it."""

    @property
    def may_end(self) -> bool: ...
    def fits(self, token: int) -> bool: ...
    def mask(self, candidates: object) -> None: ...
    def accept(self, token: int) -> None: ...
    def clone(self) -> Grammar: ...
    def close(self) -> None: ...


class Chain(Protocol):
    """A native sampler chain; `skip` lets random numbers go by."""

    @property
    def handle(self) -> object: ...
    def accept(self, tokens: Sequence[int]) -> None: ...
    def clone(self) -> Chain: ...
    def skip(self, draws: int) -> None: ...
    def close(self) -> None: ...


class LimitedContext(Protocol):
    """What drawing within limits asks of a context. A row is a number, or logits kept of one."""

    @property
    def goes_back(self) -> int | None: ...
    def cut(self, sequence: int, start: int) -> bool: ...
    def keep(self, sequence: int) -> object: ...
    def bring_back(self, sequence: int, kept: object) -> None: ...
    def logits(self, row: int) -> object: ...
    def probability(self, token: int, row: int | object) -> float: ...
    def sample_within(
        self,
        chain: Chain,
        row: int | object,
        *,
        grammar: Grammar | None,
        free: Callable[[int], bool],
        banned: Collection[int],
    ) -> int: ...


class LimitedModel(Protocol):
    """What limits ask of a model."""

    def grammar(self, text: str) -> Grammar: ...
    def piece(self, token: int) -> bytes: ...
    def is_end(self, token: int) -> bool: ...


class Written(Protocol):
    """The lane's text."""

    @property
    def answer_end(self) -> str: ...


class Text(Protocol):
    """What the lane has written so far."""

    @property
    def written(self) -> Written: ...
    @property
    def in_reasoning(self) -> bool: ...
    @property
    def in_answer(self) -> bool: ...
    @property
    def room(self) -> int: ...
    def begins_answer(self, token: int) -> bool: ...


class Lane(Protocol):
    """The lane that draws; `chain` and `cells` are set back with it.

    `cells` may be set back further: what is missing is decoded before the lane's next token.
    """

    chain: Chain
    cells: int

    @property
    def sequence(self) -> int: ...


@dataclass
class _Before:
    """What there was before a token was drawn; `banned` are tokens that may not come there."""

    chain: Chain
    grammar: Grammar | None
    logits: object
    cells: int
    banned: set[int] = field(default_factory=set)

    def close(self) -> None:
        self.chain.close()
        if self.grammar is not None:
            self.grammar.close()


@dataclass(frozen=True)
class Drawn:
    """A token and what the model gave it."""

    token: int
    probability: float


@dataclass(frozen=True)
class _Held:
    drawn: Drawn
    piece: bytes
    before: _Before


@dataclass(frozen=True)
class _Kept:
    """The memory of a sequence as it was with so many cells."""

    cells: int
    state: object


class LaneLimits:
    """Draws one lane's tokens.

    Raises:
        UserError: code "grammar", when the grammar names a token that the model does not have.
    """

    def __init__(
        self, request: LaneRequest, text: Text, context: LimitedContext, model: LimitedModel
    ) -> None:
        limits = request.constraints
        self._limits = limits
        self._whole = limits.from_first_token
        self._text = text
        self._context = context
        self._model = model
        self._held: list[_Held] = []
        self._tail = b""  # what was let go last: with other tokens after it, it may match yet
        self._in_answer = False
        self._banned = BannedStrings(limits.banned_strings) if limits.banned_strings else None
        self._keeps = False  # whether states are needed for going back
        self._kept: list[_Kept] = []
        if self._banned is not None and context.goes_back is not None:
            self._keeps = context.goes_back < 2 * self._banned.longest + _TO_SPARE
        self._grammar = model.grammar(limits.gbnf) if limits.gbnf else None

    @property
    def held(self) -> tuple[int, ...]:
        """Tokens that are drawn but may still be taken back; the context must decode them."""
        return tuple(held.drawn.token for held in self._held)

    def draw(self, lane: Lane, row: int, *, last_chain: bool) -> Sequence[Drawn]:
        """Draw the next token; the tokens that are certain now.

        Args:
            lane: whose chain draws.
            row: the output row.
            last_chain: False while another chain will take over for the answer, whose first token
                must not be drawn here.

        Raises:
            LaneEndError: when no token may come.
        """
        watched = self._limits.ban_in_reasoning if self._text.in_reasoning else last_chain
        if self._banned is None or not watched:
            self._tail = b""
            token = self._sample(lane, row, (), last_chain=last_chain)
            return (Drawn(token, self._context.probability(token, row)),)
        if self._text.in_answer and not self._in_answer:
            # The answer may begin with what closed the reasoning, which was not drawn here.
            self._in_answer = True
            self._tail = self._text.written.answer_end.encode("utf-8")
        return self._draw_watched(lane, row, self._banned, last_chain=last_chain)

    def release(self) -> Sequence[Drawn]:
        """Let everything go that is held, because the lane ends."""
        return self._let_go(len(self._held))

    def close(self) -> None:
        """Free what is native."""
        self.release()
        self._kept.clear()
        if self._grammar is not None:
            self._grammar.close()
            self._grammar = None

    # ------------------------------------------------------------ inside

    def _draw_watched(
        self, lane: Lane, row: int, banned: BannedStrings, *, last_chain: bool
    ) -> Sequence[Drawn]:
        before = _Before(
            lane.chain.clone(),
            self._grammar.clone() if self._grammar is not None else None,
            self._context.logits(row),
            lane.cells,
        )
        for _ in range(MAX_TURNS):
            try:
                token = self._sample(lane, before.logits, before.banned, last_chain=last_chain)
            except BaseException:
                before.close()
                raise
            probability = self._context.probability(token, before.logits)
            self._held.append(_Held(Drawn(token, probability), self._model.piece(token), before))
            if self._model.is_end(token):
                return self.release()
            text = self._tail + b"".join(held.piece for held in self._held)
            start = banned.found(text)
            if start is None:
                is_full = len(self._held) >= self._text.room
                sure = len(self._held) if is_full else self._token_at(banned.possible(text))
                gone = self._let_go(sure)
                self._tail = text[: len(text) - self._held_bytes()][-banned.longest :]
                if self._keeps:
                    self._keep(lane, banned)
                return gone
            before = self._go_back(lane, self._token_at(start))
        before.close()
        raise LaneEndError("error", "the banned strings leave nothing to say here")

    def _go_back(self, lane: Lane, index: int) -> _Before:
        """Set the lane back to before a held token, which is banned there."""
        before = self._held[index].before
        if lane.cells > before.cells:
            self._set_back(lane, before.cells)
        dropped = self._held[index:]
        del self._held[index:]
        for held in dropped[1:]:
            held.before.close()
        before.banned.add(dropped[0].drawn.token)
        lane.chain.close()
        lane.chain = before.chain
        lane.chain.skip(len(dropped))  # the random numbers go on
        before.chain = lane.chain.clone()
        if self._grammar is not None and before.grammar is not None:
            self._grammar.close()
            self._grammar = before.grammar
            before.grammar = self._grammar.clone()
        return before

    def _keep(self, lane: Lane, banned: BannedStrings) -> None:
        """Keep the state from which every held token can be reached, and few others.

        It is called before the newest held token is decoded.
        """
        if not self._held:
            self._kept.clear()
            return
        first = self._held[0].before.cells
        while len(self._kept) > 1 and self._kept[1].cells <= first:
            del self._kept[0]
        apart = max(_APART, banned.longest)
        if not self._kept or lane.cells - self._kept[-1].cells >= apart:
            self._kept.append(_Kept(lane.cells, self._context.keep(lane.sequence)))

    def _set_back(self, lane: Lane, cells: int) -> None:
        """Bring the memory back to `cells` cells, or to fewer that were kept."""
        sequence = lane.sequence
        if not self._context.cut(sequence, cells):
            earlier = [kept for kept in self._kept if kept.cells <= cells]
            if not earlier:
                raise LaneEndError("error", "the model's memory cannot go back that far")
            cells = earlier[-1].cells
            self._context.bring_back(sequence, earlier[-1].state)
            self._context.cut(sequence, cells)
        self._kept = [kept for kept in self._kept if kept.cells <= cells]
        lane.cells = cells

    def _held_bytes(self) -> int:
        return sum(len(held.piece) for held in self._held)

    def _token_at(self, place: int) -> int:
        """Which held token this byte of tail and held text is in; the first one for the tail."""
        place -= len(self._tail)
        for index, held in enumerate(self._held):
            place -= len(held.piece)
            if place < 0:
                return index
        return len(self._held)

    def _let_go(self, count: int) -> Sequence[Drawn]:
        gone = self._held[:count]
        del self._held[:count]
        for held in gone:
            held.before.close()
        return tuple(held.drawn for held in gone)

    def _sample(
        self, lane: Lane, row: int | object, banned: Collection[int], *, last_chain: bool
    ) -> int:
        text = self._text
        is_open = text.in_answer or not text.in_reasoning
        grammar = self._grammar if last_chain and (self._whole or is_open) else None
        return self._context.sample_within(
            lane.chain, row, grammar=grammar, free=self._is_free, banned=banned
        )

    def _is_free(self, token: int) -> bool:
        """Whether a token is none of the grammar's business: it opens the reasoning."""
        if self._whole or self._text.in_answer:
            return False
        return not self._text.begins_answer(token)
