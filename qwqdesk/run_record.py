"""What a run has produced so far: events in, one record for each lane out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qwqdesk.conversation import FinishReason, Loop, SpanKind, Timing, Usage
from qwqdesk.engine.events import (
    BiasedTokens,
    BiasesFound,
    EngineInfo,
    Event,
    LaneFinished,
    LoopFound,
    LoopGrew,
    Output,
    ProcessorShared,
    ReasoningClosed,
    RunStarted,
    ThreadsUsed,
)


@dataclass
class LaneRecord:
    """One lane's output. `text` is everything; `reasoning` and `answer` leave the tags out.

    `closed`: how the reasoning was last closed from outside. The first `frozen_tokens` tokens
    were given to the lane, not drawn. `biases` are the tokens that biases by text became.
    """

    tokens: list[int] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    finish_detail: str | None = None
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)
    loop: Loop | None = None
    closed: ReasoningClosed | None = None
    frozen_tokens: int = 0
    biases: tuple[BiasedTokens, ...] = ()
    changed: bool = False
    _parts: list[tuple[SpanKind, str]] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    _length: int = 0

    @property
    def text(self) -> str:
        """Every character that was written."""
        return "".join(text for _, text in self._parts)

    @property
    def reasoning(self) -> str | None:
        """The reasoning without its tags; None where there was none."""
        if not any(kind in ("reasoning", "tag") for kind, _ in self._parts):
            return None
        return "".join(text for kind, text in self._parts if kind == "reasoning")

    @property
    def answer(self) -> str:
        """The answer."""
        return "".join(text for kind, text in self._parts if kind == "answer")

    @property
    def ends(self) -> list[int]:
        """For every token: how many characters of `text` stood after it.

        Text that is held back, or that a stop string cut off, does not count; the last token of a
        lane that has ended ends where the text does.
        """
        ends = [min(end, self._length) for end in self._ends]
        if ends and self.finish_reason is not None:
            ends[-1] = self._length
        return ends

    def add(self, output: Output) -> None:
        """Take what the lane wrote."""
        self.tokens.extend(output.tokens)
        self.probabilities.extend(output.probabilities)
        self._ends.extend(output.ends)
        self._length += sum(len(span.text) for span in output.spans)
        for span in output.spans:
            if span.recast:
                self._parts = [
                    ("reasoning" if kind == "answer" else kind, text) for kind, text in self._parts
                ]
            self._parts.append((span.kind, span.text))
        self.usage = Usage(
            self.usage.prompt_tokens,
            output.reasoning_tokens,
            len(self.tokens) - output.reasoning_tokens,
        )
        self.changed = True
        if len(self._parts) > 256:
            self._compact()

    def _compact(self) -> None:
        """Join neighbours of one kind, so that a long reply stays cheap to read."""
        joined: list[tuple[SpanKind, list[str]]] = []
        for kind, text in self._parts:
            if joined and joined[-1][0] == kind:
                joined[-1][1].append(text)
            else:
                joined.append((kind, [text]))
        self._parts = [(kind, "".join(texts)) for kind, texts in joined]


class RunRecord:
    """All lanes of a run.

    `threads`: where fast mode changed their number; `shared`: where others used the processor.
    """

    def __init__(self, prompt_counts: Sequence[int]) -> None:
        self.lanes = [LaneRecord(usage=Usage(prompt_tokens=count)) for count in prompt_counts]
        self.engine: EngineInfo | None = None
        self.note: str | None = None
        self.threads: ThreadsUsed | None = None
        self.shared: ProcessorShared | None = None

    def add(self, event: Event) -> None:
        """Take one event of the engine."""
        if isinstance(event, Output):
            self.lanes[event.lane].add(event)
        elif isinstance(event, RunStarted):
            self.engine, self.note = event.engine, event.note
        elif isinstance(event, LoopFound | LoopGrew):
            self.lanes[event.lane].loop = event.loop
        elif isinstance(event, ReasoningClosed):
            self.lanes[event.lane].closed = event
        elif isinstance(event, ThreadsUsed):
            self.threads = event
        elif isinstance(event, ProcessorShared):
            self.shared = event
        elif isinstance(event, BiasesFound):
            self.lanes[event.lane].biases = event.biases
        elif isinstance(event, LaneFinished):
            lane = self.lanes[event.lane]
            lane.finish_reason, lane.finish_detail = event.reason, event.detail
            lane.usage, lane.timing = event.usage, event.timing
            lane.loop, lane.frozen_tokens = event.loop or lane.loop, event.frozen_tokens
            lane.changed = True
