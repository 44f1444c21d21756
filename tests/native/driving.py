"""Driving an engine from a test without an event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Event, LaneFinished, LaneRequest, Output, RunRequest
from qwqdesk.pipe import Stream
from qwqdesk.sampling.chain import SamplerChain

T = TypeVar("T")
PATIENCE_S = 600


def drain(stream: Stream[T]) -> list[T]:
    """All items of a stream; raises the worker's error."""
    items: list[T] = []
    while (batch := stream.wait_batch(PATIENCE_S)) is not None:
        assert batch, "the engine is stuck"
        items += batch
    return items


def lanes_of(chains: Sequence[SamplerChain], prompt: Sequence[int]) -> tuple[LaneRequest, ...]:
    """A lane for each chain, all with one prompt."""
    return tuple(
        LaneRequest("ABCD"[number], chain, tuple(prompt), loop_guard="off")
        for number, chain in enumerate(chains)
    )


def run_lanes(
    engine: Engine, lanes: Sequence[LaneRequest], mode: Mode = "exact", *, sequential: bool = False
) -> list[Event]:
    """Run to the end; the events."""
    return drain(engine.run(RunRequest(tuple(lanes), mode, sequential)))


def tokens_of(events: Sequence[Event], lane: int = 0) -> list[int]:
    """What one lane generated."""
    outputs = [event for event in events if isinstance(event, Output) and event.lane == lane]
    return [token for output in outputs for token in output.tokens]


def ends_of(events: Sequence[Event]) -> list[LaneFinished]:
    """Why each lane ended, by lane."""
    ends = [event for event in events if isinstance(event, LaneFinished)]
    return sorted(ends, key=lambda end: end.lane)
