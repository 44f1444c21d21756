"""Decoding a run: prefill, fork, then one token after another for every lane.

Two ways. *Exact*: cold prefill, one KV stream per lane, one token per decode, lanes in rotation,
so that a lane's tokens never depend on the others. *Fast*: the longest known prefix is reused, the
prompt's cells are shared, and one batch carries one token of every live lane.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, Protocol

from qwqdesk.conversation import Timing, Usage
from qwqdesk.engine.events import (
    BiasesFound,
    Event,
    LaneFinished,
    LoopFound,
    LoopGrew,
    PrefillProgress,
    ProcessorShared,
    RunRequest,
    ThreadsUsed,
)
from qwqdesk.engine.lane import LaneWriter, Vocabulary
from qwqdesk.engine.limits import (
    Chain,
    Drawn,
    LaneEndError,
    LaneLimits,
    LimitedContext,
    LimitedModel,
)
from qwqdesk.engine.prefix_cache import MOST_STATE_BYTES, MOST_STATES, KeptState
from qwqdesk.engine.prefix_cache import PrefixCache as PrefixCache
from qwqdesk.engine.text_bias import biased_tokens, with_biases
from qwqdesk.engine.thread_governor import BusyWatch, Step, ThreadGovernor, gain_of_fewer
from qwqdesk.sampling.chain import SamplerChain

# What finding out the best number of threads may cost at the end of a run, in seconds.
_MEASURE_S = 0.6

# Tokens at a prompt's end that are read on their own where a state is kept before them (as many as
# in llama-server): the next turn's prompt often has other ones there.
_BEHIND_STATE: Final = 4


class Context(LimitedContext, Protocol):
    """One context with a sequence per lane (two per lane in fast mode).

    `n_threads` is what was asked for; `use_threads` takes another number for what is decoded next,
    None for what was asked for.
    """

    n_ctx: int
    n_threads: int

    def use_threads(self, threads: int | None) -> None: ...

    @property
    def chunk(self) -> int: ...
    def clear(self) -> None: ...
    def prefill(self, sequence: int, tokens: Sequence[int], start: int, *, last: bool) -> None: ...
    def decode(self, entries: Sequence[tuple[int, int, int]], *, outputs: bool) -> None: ...
    def copy(self, source: int, target: int) -> None: ...
    def state_size(self, sequence: int) -> int: ...
    def sample(self, chain: Chain, row: int) -> int: ...


class Model(Vocabulary, LimitedModel, Protocol):
    """A vocabulary that also builds chains and grammars."""

    def chain(self, chain: SamplerChain) -> Chain: ...


class _Lane:
    """A writer with its native chain, its sequence and its clock.

    `answer` is the chain that will take over when the answer begins.
    """

    def __init__(self, writer: LaneWriter, context: Context, model: Model, sequence: int) -> None:
        request = writer.request
        self.biases = biased_tokens(request.constraints.text_biases, model)
        self.limits = LaneLimits(request, writer, context, model) if request.constraints else None
        self.writer = writer
        self.chain = model.chain(with_biases(request.chain, self.biases))
        answer = request.answer_chain
        self.answer = None if answer is None else with_biases(answer, self.biases)
        self.sequence = sequence
        self.cells = 0  # how many of the lane's tokens have been decoded
        self.states: list[KeptState] = []  # for later runs, where the memory cannot be cut
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
        return (*self.writer.request.prompt_tokens, *self.tokens)[: self.cells]

    @property
    def tokens(self) -> tuple[int, ...]:
        """What was generated, tokens included that may still be taken back."""
        return (*self.writer.tokens, *self._held)

    @property
    def entry(self) -> tuple[int, int, int]:
        """The newest token with its sequence and position, to be decoded."""
        held = self._held
        newest = held[-1] if held else self.writer.tokens[-1]
        return self.sequence, newest, self.writer.position + len(held)

    def release(self) -> Sequence[Drawn]:
        """What is held back, because it cannot be taken back any more."""
        return self.limits.release() if self.limits is not None else ()

    def close(self) -> None:
        self.chain.close()
        if self.limits is not None:
            self.limits.close()

    @property
    def _held(self) -> tuple[int, ...]:
        return self.limits.held if self.limits is not None else ()


class Run:
    """One run on one context.

    Args:
        put: takes the events, in order.
        cancelled: whether the whole run, or (with an index) one lane, has been asked to stop.
        close_asked: whether a lane was just asked to end its reasoning; True once for each asking.
        cache: what a fast context holds already; updated when the run ends.
        prepares_gpu: whether a GPU reads the first prompt since the model was loaded.
        governor: chooses the number of threads of a fast run; without one it stays as it is.
        watch: sees what other programs do to a run whose threads stay.
        cpu_clock: seconds that the whole program has computed.
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
        prepares_gpu: bool = False,
        governor: ThreadGovernor | None = None,
        watch: BusyWatch | None = None,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._model = model
        self._context = context
        self._request = request
        self._put = put
        self._cancelled = cancelled
        self._close_asked = close_asked
        self._cache = cache
        self._governor = governor if cache is not None else None
        self._watch = watch
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._start = clock()
        self._prepares_gpu = prepares_gpu
        self._told_shared = False
        self._trial_cells = 0
        base = cache.next_base(len(request.lanes)) if cache is not None else 0
        self._lanes: list[_Lane] = []
        with ExitStack() as undo:
            for i, lane in enumerate(request.lanes):
                writer = LaneWriter(i, lane, model, context.n_ctx)
                sequence = 0 if request.sequential else base + i
                self._lanes.append(_Lane(writer, context, model, sequence))
                undo.callback(self._lanes[-1].close)
            undo.pop_all()

    def execute(self) -> None:
        """Run to the end; every lane gets exactly one `LaneFinished`, whatever happens.

        Raises:
            UserError: when llama.cpp could not decode.
        """
        try:
            for lane in self._lanes:
                if lane.biases:
                    self._put(BiasesFound(lane.writer.index, lane.biases))
            if self._request.sequential:
                for lane in self._lanes:
                    self._exact([lane])
            elif self._cache is None:
                self._exact(self._lanes)
            else:
                self._fast(self._cache)
            self._finish_watch()
        except Exception as error:
            self._finish_rest("error", str(error))
            raise
        finally:
            self._finish_rest("cancelled", None)
            for lane in self._lanes:
                lane.close()

    # ------------------------------------------------------------ the two ways

    def _exact(self, lanes: Sequence[_Lane]) -> None:
        self._context.clear()
        for group in _groups(lanes):
            if self._prefill(group, 0):
                self._fork(group)
        live = [lane for lane in lanes if lane.live]
        while live:
            self._round(live)
            live = [lane for lane in live if lane.live]

    def _round(self, lanes: Sequence[_Lane]) -> None:
        """One token of each lane, in turn.

        When the run is stopped in the middle of it, a lane that has written the same as one which
        had its turn still gets its own, so that equal lanes end at the same token. Others wait for
        nothing: they end at once.
        """
        had_turn: list[_Lane] = []
        for lane in lanes:
            ended = self._cancelled(None) and not any(_alike(lane, each) for each in had_turn)
            if self._stopped(lane, run_stopped=ended):
                continue
            self._catch_up(lane)
            self._decode([lane.entry], outputs=False)
            lane.cells += 1
            self._next_token(lane, -1)
            had_turn.append(lane)

    def _fast(self, cache: PrefixCache) -> None:
        groups = _groups(self._lanes)
        reused = [self._reuse(cache, group[0]) for group in groups]
        kept = {group[0].sequence for group, common in zip(groups, reused, strict=True) if common}
        for sequence in cache.sequences.keys() - kept:
            self._context.cut(sequence, 0)
        cache.sequences.clear()
        if not any(reused):
            self._context.clear()
        cache.base = self._lanes[0].sequence
        try:
            self._fast_decode(groups, reused)
        finally:
            cache.hold({lane.sequence: (lane.decoded, lane.states) for lane in self._lanes})
            self._finish_governor()

    def _fast_decode(self, groups: Sequence[Sequence[_Lane]], reused: Sequence[int]) -> None:
        for group, start in zip(groups, reused, strict=True):
            if self._prefill(group, start):
                self._fork(group)
        if self._governor is not None:
            self._governor.begin_run()
        live = [lane for lane in self._lanes if lane.live]
        while live:
            stopped = self._cancelled(None)  # asked once: all lanes have the same number of steps
            live = [lane for lane in live if not self._stopped(lane, run_stopped=stopped)]
            if not live:
                break
            for lane in live:
                self._catch_up(lane)
            self._decode([lane.entry for lane in live], outputs=True)
            for row, lane in enumerate(live):
                lane.cells += 1
                self._next_token(lane, row)
            live = [lane for lane in live if lane.live]

    def _catch_up(self, lane: _Lane) -> None:
        """Decode again what lies between a state that was brought back and the newest token."""
        sequence, _, position = lane.entry
        if lane.cells == position:
            return
        for token in (*lane.writer.request.prompt_tokens, *lane.tokens)[lane.cells : position]:
            self._context.decode([(sequence, token, lane.cells)], outputs=False)
            lane.cells += 1

    def _reuse(self, cache: PrefixCache, lane: _Lane) -> int:
        """Give the lane's sequence the cells it shares with one that is still there.

        A sequence is always copied whole and cut then: some memories copy no parts. What cannot be
        cut is brought back to a state that was kept, else the prompt is read again.
        """
        context, own = self._context, lane.sequence
        found = cache.best(lane.writer.given, own, goes_back=context.goes_back)
        if not found.cells:
            return 0
        if found.sequence != own:
            context.copy(found.sequence, own)
        if found.state is not None:
            context.bring_back(own, found.state.state)
        if found.cells < len(cache.sequences[found.sequence]) and not context.cut(own, found.cells):
            context.cut(own, 0)
            return 0
        lane.cells = found.cells
        states = cache.states.get(found.sequence, ())
        lane.states = [kept for kept in states if kept.cells <= found.cells]
        return found.cells

    def _keep_state(self, lane: _Lane) -> None:
        """Keep the lane's memory as it is now, for later prompts, if there is room for it."""
        size = self._context.state_size(lane.sequence)
        others = {
            id(kept): kept.size for each in self._lanes for kept in each.states[-MOST_STATES:]
        }
        if sum(others.values()) + size <= MOST_STATE_BYTES:
            state = self._context.keep(lane.sequence)
            lane.states.append(KeptState(lane.cells, state, size))

    # ------------------------------------------------------------ threads

    def _decode(self, entries: Sequence[tuple[int, int, int]], *, outputs: bool) -> None:
        """Decode one token of some lanes, and let those who look at threads know what it took."""
        governor, watch = self._governor, self._watch
        if governor is not None:
            settled = governor.settled
            self._context.use_threads(governor.threads)
            governor.observe(self._timed(entries, outputs=outputs))
            if governor.settled != settled:
                self._put(ThreadsUsed(governor.settled, governor.most, dict(governor.used)))
        elif watch is not None:
            if watch.observe(self._timed(entries, outputs=outputs)) and not self._told_shared:
                self._told_shared = True
                self._put(ProcessorShared(self._context.n_threads))
        else:
            self._context.decode(entries, outputs=outputs)

    def _timed(self, entries: Sequence[tuple[int, int, int]], *, outputs: bool) -> Step:
        computed, began = self._cpu_clock(), self._clock()
        self._context.decode(entries, outputs=outputs)
        return Step(began, self._clock(), self._cpu_clock() - computed, len(entries))

    def _finish_governor(self) -> None:
        """Prompts are read, and exact runs written, with what was asked for."""
        governor = self._governor
        if governor is None:
            return
        self._context.use_threads(None)
        if set(governor.used) - {governor.most}:
            self._put(ThreadsUsed(governor.settled, governor.most, dict(governor.used)))

    def _finish_watch(self) -> None:
        """Where others still use the processor, find out what fewer threads would give.

        A cold run needs nothing of what the context holds, so that it is measured there; nothing
        of it gets into any reply.
        """
        watch = self._watch
        if watch is None or not watch.still_busy(self._clock()):
            return
        fewer, times = 0, 0.0
        if self._cache is None:
            self._context.clear()
            try:
                fewer, times = gain_of_fewer(
                    self._context.n_threads, self._trial_step, seconds=_MEASURE_S
                )
            finally:
                self._context.use_threads(None)
                self._context.clear()
        self._put(ProcessorShared(self._context.n_threads, fewer, times))

    def _trial_step(self, threads: int) -> Step | None:
        """Decode a token that no lane has anything to do with."""
        position = self._trial_cells
        if position >= self._context.n_ctx:
            return None
        self._trial_cells += 1
        self._context.use_threads(threads)
        return self._timed([(0, self._lanes[0].writer.given[0], position)], outputs=False)

    # ------------------------------------------------------------ steps

    def _prefill(self, group: Sequence[_Lane], start: int) -> bool:
        """Decode what the group was given in its first lane's sequence; False when all stopped."""
        leader = group[0]
        prompt = leader.writer.given
        chunk, total = self._context.chunk, len(prompt)
        keeps = self._cache is not None and self._context.goes_back is not None
        kept_at = total - _BEHIND_STATE if keeps else 0
        began = self._clock()
        shown = self._shown_lane(group)
        self._put(PrefillProgress(start, total, shown, prepares_gpu=self._prepares_gpu))
        at = start
        while at < total:
            run_stopped = self._cancelled(None)
            stopped = [self._stopped(lane, run_stopped=run_stopped) for lane in group]
            if all(stopped):
                return False
            end = min(at + chunk, total, kept_at if at < kept_at else total)
            self._context.prefill(leader.sequence, prompt[at:end], at, last=end == total)
            at = leader.cells = end
            if keeps and end == kept_at:
                self._keep_state(leader)
            shown = self._shown_lane(group)
            self._put(PrefillProgress(end, total, shown, prepares_gpu=self._prepares_gpu))
            self._prepares_gpu = False
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
            lane.cells, lane.states = group[0].cells, list(group[0].states)
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
        try:
            self._push(lane, self._forced(lane, row) if writer.forced else self._draw(lane, row))
        except LaneEndError as end:
            self._push(lane, lane.release())
            writer.end(end.reason, end.detail)
        if lane.live:
            self._emit(lane)
        elif lane.first_token_s:
            self._report(lane)

    def _push(self, lane: _Lane, drawn: Sequence[Drawn]) -> None:
        """Give the writer what is certain, until it ends the lane."""
        writer = lane.writer
        for item in drawn:
            if not lane.live:
                return
            loop = writer.push(item.token, item.probability)
            if writer.reasoning_tokens == len(writer.tokens):
                lane.reasoning_s = self._clock() - lane.started
            if loop is not None:
                self._put(LoopFound(writer.index, loop))

    def _forced(self, lane: _Lane, row: int) -> Sequence[Drawn]:
        token = lane.writer.forced.popleft()
        lane.chain.accept([token])
        return (*lane.release(), Drawn(token, self._context.probability(token, row)))

    def _draw(self, lane: _Lane, row: int) -> Sequence[Drawn]:
        """The next token; the first one of an answer without reasoning is the answer chain's."""
        drawn = self._sampled(lane, row)
        if lane.answer is not None and drawn and lane.writer.begins_answer(drawn[-1].token):
            self._answer_with(lane, lane.answer)
            drawn = self._sampled(lane, row)
        return drawn

    def _sampled(self, lane: _Lane, row: int) -> Sequence[Drawn]:
        if lane.limits is not None:
            return lane.limits.draw(lane, row, last_chain=lane.answer is None)
        token = self._context.sample(lane.chain, row)
        return (Drawn(token, self._context.probability(token, row)),)

    def _answer_with(self, lane: _Lane, chain: SamplerChain) -> None:
        """Let the answer's chain take over, with all tokens so far accepted in order.

        So penalties and DRY remember what a chain that was there from the start would. What a
        chain keeps beside tokens begins anew: the random numbers, with the answer chain's own
        seed, mirostat's surprise and adaptive_p's average.
        """
        native = self._model.chain(chain)
        lane.chain.close()
        lane.chain, lane.answer = native, None
        native.accept((*lane.writer.request.prompt_tokens, *lane.tokens))

    def _stopped(self, lane: _Lane, *, run_stopped: bool) -> bool:
        """End the lane if it, or the whole run, was asked to stop; True when it is not live."""
        if lane.live and (run_stopped or self._cancelled(lane.writer.index)):
            self._push(lane, lane.release())
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
        if (loop := lane.writer.take_growth()) is not None:
            self._put(LoopGrew(lane.writer.index, loop))

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


def _alike(a: _Lane, b: _Lane) -> bool:
    """Whether two lanes were given the same and have written the same as far as both have come."""
    return a.writer.given == b.writer.given and all(
        mine == other for mine, other in zip(a.tokens, b.tokens, strict=False)
    )


def _groups(lanes: Sequence[_Lane]) -> list[list[_Lane]]:
    """Lanes that were given the same tokens, in order of their first lane."""
    groups: dict[tuple[int, ...], list[_Lane]] = {}
    for lane in lanes:
        groups.setdefault(lane.writer.given, []).append(lane)
    return list(groups.values())
