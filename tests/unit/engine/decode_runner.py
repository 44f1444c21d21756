"""Runs of the decoding loop on a scripted context, for several test modules."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from qwqdesk.conversation import Mode
from qwqdesk.engine.decode import PrefixCache, Run
from qwqdesk.engine.events import (
    Event,
    FrozenThought,
    LaneFinished,
    LaneRequest,
    Output,
    RunRequest,
)
from qwqdesk.engine.thread_governor import BusyWatch, ThreadGovernor
from qwqdesk.reasoning_tags import THINK
from qwqdesk.sampling.chain import SamplerChain
from tests.fakes import FakeContext, FakeModel, ids

PROMPT = ids("hello")


class Runner:
    """Runs requests on one fake context and keeps what came of the last run."""

    def __init__(
        self,
        context: FakeContext | None = None,
        model: FakeModel | None = None,
        *,
        in_place: bool = False,
    ) -> None:
        self.context = context or FakeContext()
        self.model = model or FakeModel()
        self.cache = PrefixCache(in_place=in_place)
        self.events: list[Event] = []
        self.stopped: set[int | None] = set()
        self.closing: set[int] = set()
        self.governor: ThreadGovernor | None = None
        self.watch: BusyWatch | None = None
        self.gpu_is_new = False
        self.clock: Callable[[], float] = time.perf_counter
        self.cpu_clock: Callable[[], float] = time.process_time
        self.stop_at_question = 0  # all lanes are stopped when it is asked this often; 0: never
        self._questions = 0

    def run(self, *lanes: LaneRequest, mode: Mode = "exact", sequential: bool = False) -> None:
        """Run to the end; raises what the run raises."""
        self.events, self.model.chains = [], []
        self.context.log.clear()
        request = RunRequest(lanes, mode, sequential)
        run = Run(
            self.model,
            self.context,
            request,
            put=self.events.append,
            cancelled=self._is_stopped,
            close_asked=self._take_closing,
            cache=self.cache if mode == "fast" else None,
            prepares_gpu=self.gpu_is_new,
            governor=self.governor,
            watch=self.watch,
            clock=self.clock,
            cpu_clock=self.cpu_clock,
        )
        run.execute()

    def _is_stopped(self, lane: int | None) -> bool:
        self._questions += 1
        if self._questions == self.stop_at_question:
            self.stopped.add(None)
        return lane in self.stopped

    def _take_closing(self, lane: int) -> bool:
        asked = lane in self.closing
        self.closing.discard(lane)
        return asked

    def tokens(self, lane: int) -> list[int]:
        outputs = [e for e in self.events if isinstance(e, Output) and e.lane == lane]
        return [token for output in outputs for token in output.tokens]

    def text(self, lane: int) -> str:
        outputs = [e for e in self.events if isinstance(e, Output) and e.lane == lane]
        return "".join(span.text for output in outputs for span in output.spans)

    def probabilities(self, lane: int) -> list[float]:
        outputs = [e for e in self.events if isinstance(e, Output) and e.lane == lane]
        return [value for output in outputs for value in output.probabilities]

    def ends(self) -> dict[int, LaneFinished]:
        """The end of each lane; fails unless each has exactly one."""
        ends = [e for e in self.events if isinstance(e, LaneFinished)]
        assert len({end.lane for end in ends}) == len(ends)
        return {end.lane: end for end in ends}


def lane(
    seed: int,
    prompt: Sequence[int] = PROMPT,
    *,
    guard: str = "off",
    thinking: bool = False,
    tags: bool | None = None,
    answer: int | None = None,
    budget: int | None = None,
    message: str = "",
    thought: FrozenThought | None = None,
    **values: object,
) -> LaneRequest:
    """A lane whose chain, and with `answer` another one for its answer, has this seed.

    `thinking`: the prompt has opened the reasoning; `tags` alone: the lane may open it.
    """
    return LaneRequest(
        "X",
        SamplerChain.of(None, seed=seed, **values),
        tuple(prompt),
        tags=(THINK,) if (thinking if tags is None else tags) else (),
        reasoning_open=thinking,
        loop_guard=guard,  # type: ignore[arg-type]
        answer_chain=None if answer is None else SamplerChain.of(None, seed=answer, **values),
        reasoning_budget=budget,
        reasoning_budget_message=message,
        thought=thought,
    )
