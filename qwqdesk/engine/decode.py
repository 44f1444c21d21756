"""Decoding a run: prefill, fork, then one token after another for every lane.

Two ways. *Exact*: cold prefill, one KV stream per lane, one token per decode, lanes in rotation,
so that a lane's tokens never depend on the others. *Fast*: the longest known prefix is reused, the
prompt's cells are shared, and one batch carries one token of every live lane.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from qwqdesk.conversation import Timing, Usage
from qwqdesk.engine.events import (
    Event,
    LaneFinished,
    LoopFound,
    PrefillProgress,
    RunRequest,
)
from qwqdesk.engine.lane import LaneWriter, Vocabulary
from qwqdesk.sampling.chain import SamplerChain


class Chain(Protocol):
    """A native sampler chain."""

    @property
    def handle(self) -> object: ...
    def accept(self, tokens: Sequence[int]) -> None: ...
    def close(self) -> None: ...


class Context(Protocol):
    """One context with a sequence per lane (two per lane in fast mode)."""

    n_ctx: int

    @property
    def chunk(self) -> int: ...
    @property
    def reuses_any_prefix(self) -> bool: ...
    def clear(self) -> None: ...
    def prefill(self, sequence: int, tokens: Sequence[int], start: int, *, last: bool) -> None: ...
    def decode(self, entries: Sequence[tuple[int, int, int]], *, outputs: bool) -> None: ...
    def copy(self, source: int, target: int, end: int = -1) -> None: ...
    def cut(self, sequence: int, start: int) -> bool: ...
    def sample(self, chain: Chain, row: int) -> int: ...
    def probability(self, token: int, row: int) -> float: ...


class Model(Vocabulary, Protocol):
    """A vocabulary that also builds chains."""

    def chain(self, chain: SamplerChain) -> Chain: ...


@dataclass
class PrefixCache:
    """Which tokens each sequence of a fast context holds; sequence numbers start at `base`."""

    sequences: dict[int, tuple[int, ...]] = field(default_factory=dict)
    base: int = 0

    def best(self, prompt: Sequence[int], *, partial: bool) -> tuple[int, int]:
        """(sequence, tokens in common); without `partial` only a whole sequence counts.

        At least one token of the prompt is left to decode: its logits are needed.
        """
        found = (-1, 0)
        for sequence, tokens in self.sequences.items():
            common = min(_common_prefix(tokens, prompt), len(prompt) - 1)
            if common > found[1] and (partial or common == len(tokens)):
                found = (sequence, common)
        return found


class _Lane:
    """A writer with its native chain, its sequence and its clock.

    `answer` is the chain that will take over when the answer begins.
    """

    def __init__(self, writer: LaneWriter, chain: Chain, sequence: int) -> None:
        self.writer = writer
        self.chain = chain
        self.answer = writer.request.answer_chain
        self.sequence = sequence
        self.cells = 0  # how many of the lane's tokens have been decoded
        self.prefill_s = 0.0
        self.first_token_s = 0.0
        self.started = 0.0
        self.ended = 0.0
        self.reasoning_s = 0.0

    @property
    def live(self) -> bool:
        return self.writer.finish is None

    @property
    def decoded(self) -> tuple[int, ...]:
        """The tokens whose cells exist; the newest generated one may not be among them."""
        return (*self.writer.request.prompt_tokens, *self.writer.tokens)[: self.cells]


class Run:
    """One run on one context.

    Args:
        put: takes the events, in order.
        cancelled: whether the whole run, or (with an index) one lane, has been asked to stop.
        close_asked: whether a lane was just asked to end its reasoning; True once for each asking.
        cache: what a fast context holds already; updated when the run ends.
    """

    def __init__(
        self,
        model: Model,
        context: Context,
        request: RunRequest,
        *,
        put: Callable[[Event], None],
        cancelled: Callable[[int | None], bool],
        close_asked: Callable[[int], bool] = lambda _lane: False,
        cache: PrefixCache | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._model = model
        self._context = context
        self._request = request
        self._put = put
        self._cancelled = cancelled
        self._close_asked = close_asked
        self._cache = cache
        self._clock = clock
        self._start = clock()
        base = _next_base(cache, len(request.lanes)) if cache is not None else 0
        self._lanes = [
            _Lane(
                LaneWriter(i, lane, model, context.n_ctx),
                model.chain(lane.chain),
                0 if request.sequential else base + i,
            )
            for i, lane in enumerate(request.lanes)
        ]

    def execute(self) -> None:
        """Run to the end; every lane gets exactly one `LaneFinished`, whatever happens.

        Raises:
            UserError: when llama.cpp could not decode.
        """
        try:
            if self._request.sequential:
                for lane in self._lanes:
                    self._exact([lane])
            elif self._cache is None:
                self._exact(self._lanes)
            else:
                self._fast(self._cache)
        except Exception as error:
            self._finish_rest("error", str(error))
            raise
        finally:
            self._finish_rest("cancelled", None)
            for lane in self._lanes:
                lane.chain.close()

    # ------------------------------------------------------------ the two ways

    def _exact(self, lanes: Sequence[_Lane]) -> None:
        self._context.clear()
        for group in _groups(lanes):
            if self._prefill(group, 0):
                self._fork(group)
        live = [lane for lane in lanes if lane.live]
        while live:
            for lane in live:
                if self._stopped(lane):
                    continue
                self._context.decode([_entry(lane)], outputs=False)
                lane.cells += 1
                self._next_token(lane, -1)
            live = [lane for lane in live if lane.live]

    def _fast(self, cache: PrefixCache) -> None:
        groups = _groups(self._lanes)
        reused = [self._reuse(cache, group[0]) for group in groups]
        for sequence in cache.sequences:
            self._context.cut(sequence, 0)
        cache.sequences.clear()
        if not any(reused):
            self._context.clear()
        cache.base = self._lanes[0].sequence
        try:
            self._fast_decode(groups, reused)
        finally:
            for lane in self._lanes:
                cache.sequences[lane.sequence] = lane.decoded

    def _fast_decode(self, groups: Sequence[Sequence[_Lane]], reused: Sequence[int]) -> None:
        for group, start in zip(groups, reused, strict=True):
            if self._prefill(group, start):
                self._fork(group)
        live = [lane for lane in self._lanes if lane.live]
        while live:
            live = [lane for lane in live if not self._stopped(lane)]
            if not live:
                break
            self._context.decode([_entry(lane) for lane in live], outputs=True)
            for row, lane in enumerate(live):
                lane.cells += 1
                self._next_token(lane, row)
            live = [lane for lane in live if lane.live]

    def _reuse(self, cache: PrefixCache, lane: _Lane) -> int:
        """Give the lane's sequence the cells it shares with one that is still there."""
        prompt = lane.writer.given
        source, common = cache.best(prompt, partial=self._context.reuses_any_prefix)
        if common:
            self._context.copy(source, lane.sequence, common)
        lane.cells = common
        return common

    # ------------------------------------------------------------ steps

    def _prefill(self, group: Sequence[_Lane], start: int) -> bool:
        """Decode what the group was given in its first lane's sequence; False when all stopped."""
        leader = group[0]
        prompt = leader.writer.given
        chunk, total = self._context.chunk, len(prompt)
        began = self._clock()
        self._put(PrefillProgress(start, total, self._shown_lane(group)))
        for at in range(start, total, chunk):
            stopped = [self._stopped(lane) for lane in group]
            if all(stopped):
                return False
            end = min(at + chunk, total)
            self._context.prefill(leader.sequence, prompt[at:end], at, last=end == total)
            leader.cells = end
            self._put(PrefillProgress(end, total, self._shown_lane(group)))
        for lane in group:
            lane.prefill_s = self._clock() - began
        return True

    def _shown_lane(self, group: Sequence[_Lane]) -> int | None:
        """Whose progress the group's prefill is: None for all lanes, else one that still waits."""
        if len(group) == len(self._lanes):
            return None
        return next((lane.writer.index for lane in group if lane.live), group[0].writer.index)

    def _fork(self, group: Sequence[_Lane]) -> None:
        """Every lane of the group draws its first token from the same logits."""
        for lane in group[1:]:
            self._context.copy(group[0].sequence, lane.sequence)
            lane.cells = group[0].cells
        for lane in group:
            lane.started = self._clock()
            if lane.live:
                lane.chain.accept(lane.writer.given)
                self._next_token(lane, -1)
                lane.first_token_s = self._clock() - self._start
            self._report(lane)

    def _next_token(self, lane: _Lane, row: int) -> None:
        writer = lane.writer
        if self._close_asked(writer.index):
            writer.close_reasoning()
        if lane.answer is not None and writer.in_answer:
            self._answer_with(lane, lane.answer)
        if writer.forced:
            token = writer.forced.popleft()
            lane.chain.accept([token])
        else:
            token = self._draw(lane, row)
        loop = writer.push(token, self._context.probability(token, row))
        if writer.reasoning_tokens == len(writer.tokens):
            lane.reasoning_s = self._clock() - lane.started
        if loop is not None:
            self._put(LoopFound(writer.index, loop))
        if lane.live:
            self._emit(lane)
        elif lane.first_token_s:
            self._report(lane)

    def _draw(self, lane: _Lane, row: int) -> int:
        """The next token; the first one of an answer without reasoning is the answer chain's."""
        token = self._context.sample(lane.chain, row)
        if lane.answer is not None and lane.writer.begins_answer(token):
            self._answer_with(lane, lane.answer)
            token = self._context.sample(lane.chain, row)
        return token

    def _answer_with(self, lane: _Lane, chain: SamplerChain) -> None:
        """Let the answer's chain take over, with all tokens so far accepted in order.

        So penalties and DRY remember what a chain that was there from the start would. What a
        chain keeps beside tokens begins anew: the random numbers, with the answer chain's own
        seed, mirostat's surprise and adaptive_p's average.
        """
        native = self._model.chain(chain)
        lane.chain.close()
        lane.chain, lane.answer = native, None
        native.accept((*lane.writer.request.prompt_tokens, *lane.writer.tokens))

    def _stopped(self, lane: _Lane) -> bool:
        """End the lane if it was asked to stop; True when it is not live any more."""
        if lane.live and (self._cancelled(None) or self._cancelled(lane.writer.index)):
            lane.writer.end("cancelled", None)
            self._report(lane)
        return not lane.live

    # ------------------------------------------------------------ events

    def _emit(self, lane: _Lane) -> None:
        closed, output = lane.writer.take_closed(), lane.writer.take()
        if output is not None:
            self._put(output)
        if closed is not None:
            self._put(closed)

    def _report(self, lane: _Lane) -> None:
        """The lane has ended: release its text and say why, once."""
        if lane.ended or lane.writer.finish is None:
            return
        lane.ended = self._clock()
        lane.writer.flush()
        self._emit(lane)
        count, thought = len(lane.writer.tokens), lane.writer.reasoning_tokens
        drawn = count - lane.writer.frozen
        decode_s = lane.ended - lane.started if lane.started else 0.0
        self._put(
            LaneFinished(
                lane=lane.writer.index,
                reason=lane.writer.finish[0],
                detail=lane.writer.detail,
                usage=Usage(len(lane.writer.request.prompt_tokens), thought, count - thought),
                timing=Timing(
                    prefill_s=lane.prefill_s,
                    first_token_s=lane.first_token_s,
                    decode_s=decode_s,
                    tokens_per_second=drawn / decode_s if decode_s > 0 else 0.0,
                    reasoning_s=lane.reasoning_s,
                ),
                loop=lane.writer.whole_loop,
                frozen_tokens=lane.writer.frozen,
            )
        )

    def _finish_rest(self, reason: str, detail: str | None) -> None:
        for lane in self._lanes:
            lane.writer.end("error" if reason == "error" else "cancelled", detail)
            self._report(lane)


def _entry(lane: _Lane) -> tuple[int, int, int]:
    return lane.sequence, lane.writer.tokens[-1], lane.writer.position


def _groups(lanes: Sequence[_Lane]) -> list[list[_Lane]]:
    """Lanes that were given the same tokens, in order of their first lane."""
    groups: dict[tuple[int, ...], list[_Lane]] = {}
    for lane in lanes:
        groups.setdefault(lane.writer.given, []).append(lane)
    return list(groups.values())


def _next_base(cache: PrefixCache, lanes: int) -> int:
    """The other half of the sequences, so that old cells can be copied into new sequences."""
    return lanes if cache.base == 0 and cache.sequences else 0


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    count = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        count += 1
    return count
