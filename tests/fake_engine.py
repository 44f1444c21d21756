"""A scripted engine for tests of the journeys: no thread, no native code."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

from qwqdesk.conversation import FinishReason, Timing, Usage
from qwqdesk.engine.engine import Engine, LoadRequest, RunStream
from qwqdesk.engine.events import (
    DeviceMemory,
    EngineInfo,
    Event,
    LaneFinished,
    Loaded,
    LoadProgress,
    ModelInfo,
    Output,
    RunRequest,
    RunStarted,
    Span,
)
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.load_plan import LoadPlan
from qwqdesk.model_hash import ModelHashes
from qwqdesk.models.memory import FreeMemory
from qwqdesk.models.shape import ModelShape
from qwqdesk.pipe import Stream
from qwqdesk.run_plan import RunBegan, SessionEvent
from qwqdesk.session import Session
from qwqdesk.store.history import History

T = TypeVar("T")

N_CTX = 256
ENGINE = EngineInfo(
    "0.3.36", "CPU", (), N_CTX, 2048, 512, 1, 0, "on", "f16", "f16", False, {"kv_streams": 1}
)
MODEL = ModelInfo(
    "/models/fake.gguf", "fake", "qwen2", "F16", 1000, 10, 4096, 2, 300, "{{ x }}", "", "<|im_end|>"
)


def output(lane: int, text: str, kind: str = "answer") -> Output:
    """Text of a lane, a token for each character."""
    return Output(lane, (Span(kind, text),), tuple(range(len(text))))  # type: ignore[arg-type]


def finished(
    lane: int, reason: FinishReason = "stop", detail: str | None = None, tokens: int = 5
) -> LaneFinished:
    """The end of a lane."""
    timing = Timing(prefill_s=0.1, decode_s=0.5, tokens_per_second=10.0)
    return LaneFinished(lane, reason, detail, Usage(3, 0, tokens), timing)


class FakeEngine:
    """Answers at once. `runs` keeps the requests; `script` are the batches of the next runs."""

    dry_load = None

    def __init__(self) -> None:
        self.runs: list[RunRequest] = []
        self.streams: list[RunStream] = []
        self.loads: list[LoadRequest] = []
        self.script: list[Iterable[Event]] = []
        self.error: BaseException | None = None
        self.hold = False
        self.not_tokens: frozenset[str] = frozenset()

    def devices(self) -> Stream[tuple[DeviceMemory, ...]]:
        return _answer([()])

    def unload(self) -> Stream[None]:
        return _answer([])

    def load(self, request: LoadRequest) -> Stream[LoadProgress | Loaded]:
        self.loads.append(request)
        loaded = Loaded(MODEL, ENGINE, request.settings, 0.1, request.notes)
        return _answer([LoadProgress(0.5), loaded])

    def tokenize(self, text: str) -> Stream[tuple[int, ...]]:
        return _answer([tuple(text.encode())])

    def token_ends(self, texts: Sequence[str]) -> Stream[Mapping[str, bool]]:
        """Every tag is a token that ends a generation, but for `not_tokens`."""
        return _answer([{text: True for text in texts if text not in self.not_tokens}])

    def run(self, request: RunRequest) -> RunStream:
        """Puts the next script into the stream; open as long as `hold` says so."""
        self.runs.append(request)
        stream = RunStream()
        self.streams.append(stream)
        stream.put(RunStarted(ENGINE))
        events = self.script.pop(0) if self.script else _greeting(len(request.lanes))
        for event in events:
            stream.put(event)
        if not self.hold:
            stream.close(self.error)
        return stream


def fake_session(
    engine: FakeEngine, history: History | None = None, hashes: ModelHashes | None = None
) -> Session:
    """A session in which the fake model is loaded."""
    session = Session(cast("Engine", engine), history, hashes=hashes)
    settings = EngineSettings(n_ctx=N_CTX)
    request = LoadRequest(Path(MODEL.path), settings)
    session.loaded = Loaded(MODEL, ENGINE, settings, 0.1)
    session.plan = LoadPlan(request, settings, SHAPE, FreeMemory(1 << 40))
    return session


def began_of(events: Iterable[object]) -> RunBegan:
    """The beginning of the run among a session's events."""
    return next(event for event in events if isinstance(event, RunBegan))


async def until_began(batches: AsyncGenerator[list[SessionEvent], None]) -> RunBegan:
    """Read a session's events until its run has begun."""
    async for batch in batches:
        for event in batch:
            if isinstance(event, RunBegan):
                return event
    raise AssertionError("the run never began")


def _greeting(lanes: int) -> list[Event]:
    events: list[Event] = []
    for lane in range(lanes):
        events += [output(lane, f"hello {lane}"), finished(lane)]
    return events


def _answer(items: Sequence[T]) -> Stream[T]:
    stream: Stream[T] = Stream()
    for item in items:
        stream.put(item)
    stream.close()
    return stream


SHAPE = ModelShape(
    architecture="qwen2",
    block_count=2,
    context_length=4096,
    embedding_length=64,
    feed_forward_length=128,
    head_count=4,
    head_count_kv=(2, 2),
    key_length=16,
    value_length=16,
    vocabulary_size=300,
    parameter_count=1000,
    layer_bytes=(1000, 1000),
    input_bytes=1000,
    output_bytes=0,
    tied_output=True,
    file_size=4000,
)
