"""What the shown lanes have written, as plain values: for the difference strip, the marks in the
text, the numbers and the exports. It watches; it never changes a lane.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from qwqdesk.analysis.loop_place import loop_place
from qwqdesk.analysis.token_items import WrittenTokens
from qwqdesk.analysis.token_places import Part
from qwqdesk.conversation import FinishReason, Loop, Mode, Reply, Timing, Usage
from qwqdesk.engine.events import Event
from qwqdesk.manifest import vocabulary_of
from qwqdesk.prompt import Prompt
from qwqdesk.run_plan import RunBegan
from qwqdesk.run_record import LaneRecord, RunRecord

_GREW_MS = 500


@dataclass(frozen=True)
class Asked:
    """What a reply answers: the messages with all earlier turns, and the prompt made of them.

    Empty where an old reply does not say it.
    """

    messages: tuple[tuple[str, str], ...] = ()
    text: str = ""

    @staticmethod
    def of(prompt: Prompt) -> Asked:
        """Of a run of this session."""
        return Asked(tuple((m.role, m.content) for m in prompt.messages), prompt.text)

    @staticmethod
    def stored(manifest: Mapping[str, Any]) -> Asked:
        """Of a reply of the history."""
        prompt = manifest.get("prompt") or {}
        messages = ((str(m.get("role")), str(m.get("content"))) for m in prompt.get("messages", ()))
        return Asked(tuple(messages), str(prompt.get("text") or ""))

    def same_as(self, other: Asked) -> bool | None:
        """Whether both lanes have the same history; None where that is not known.

        By the messages, because models have templates of their own.
        """
        if self.messages and other.messages:
            return self.messages == other.messages
        return self.text == other.text if self.text and other.text else None


@dataclass(frozen=True)
class LaneReply:
    """One lane's newest reply at this moment. `finish_reason` is None while it streams.

    `text` = reasoning with its tags + answer. `sampling` is INTERFACE's object of that name.
    `ends` says for each token how many characters of `text` stood after it; () in old replies.
    """

    label: str
    reply_id: int
    tokens: Sequence[int]
    text: str
    reasoning: str | None
    answer: str
    usage: Usage
    timing: Timing
    finish_reason: FinishReason | None
    loop: Loop | None
    mode: Mode
    sampling: Mapping[str, Any]
    running: bool = False
    ends: Sequence[int] = ()
    probabilities: Sequence[float] = ()
    vocabulary: str = ""
    asked: Asked = field(default_factory=Asked)

    @property
    def written(self) -> WrittenTokens:
        """The tokens, to be compared with another lane's."""
        whole = self.finish_reason == "stop"
        return WrittenTokens(
            self.tokens, self.text, self.ends, self.vocabulary, self.running, whole
        )


@dataclass(frozen=True)
class _Running:
    """A lane of a run of this session."""

    reply_id: int
    mode: Mode
    sampling: Mapping[str, Any]
    record: LaneRecord
    vocabulary: str
    asked: Asked


class Comparison(QObject):
    """The newest reply of every lane, by the lane's label.

    `replaced`: other replies or other lanes are shown; `grew`: text came, twice a second at most
    for all lanes together; `ended`: the run is over and every value final.
    """

    replaced = Signal()
    grew = Signal()
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running = False
        self._lanes: dict[str, Reply | _Running | None] = {}
        self._record: RunRecord | None = None
        self._read: tuple[LaneReply, ...] | None = None  # of this moment: several ask for it
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_GREW_MS)
        self._timer.timeout.connect(self.grew)

    # ------------------------------------------------------------ what others read

    @property
    def labels(self) -> tuple[str, ...]:
        """The lanes from left to right, also those without a reply."""
        return tuple(self._lanes)

    def replies(self) -> tuple[LaneReply, ...]:
        """The lanes that have a reply, from left to right."""
        if self._read is None:
            found = ((label, source) for label, source in self._lanes.items() if source is not None)
            self._read = tuple(self._snapshot(label, source) for label, source in found)
        return self._read

    def loop_place(self, label: str) -> tuple[Part, int]:
        """Where a lane's newest reply begins to repeat itself, which it does."""
        reply = next(reply for reply in self.replies() if reply.label == label)
        assert reply.loop is not None
        return loop_place(
            reply.loop, len(reply.tokens), reply.ends, reply.text, reply.reasoning, reply.answer
        )

    def _snapshot(self, label: str, source: Reply | _Running) -> LaneReply:
        kept: Reply | LaneRecord
        if isinstance(source, _Running):
            kept, reply_id, vocabulary = source.record, source.reply_id, source.vocabulary
            asked = source.asked
            running = self.running and kept.finish_reason is None
        else:
            kept, reply_id, running = source, source.id, False
            vocabulary, asked = vocabulary_of(source.manifest), Asked.stored(source.manifest)
        return LaneReply(
            label=label,
            reply_id=reply_id,
            tokens=tuple(kept.tokens),
            text=kept.text,
            reasoning=kept.reasoning,
            answer=kept.answer,
            usage=kept.usage,
            timing=kept.timing,
            finish_reason=kept.finish_reason,
            loop=kept.loop,
            mode=source.mode,
            sampling=source.sampling,
            running=running,
            ends=tuple(kept.ends),
            probabilities=tuple(kept.probabilities),
            vocabulary=vocabulary,
            asked=asked,
        )

    # ------------------------------------------------------------ what the view tells

    def show(self, replies: Mapping[str, Reply | None]) -> None:
        """These lanes are shown, with these replies; the order is the lanes'."""
        self._read = None
        self._timer.stop()
        self._record, self.running = None, False
        self._lanes = dict(replies)
        self.replaced.emit()

    def begin(self, began: RunBegan, labels: Sequence[str]) -> None:
        """A run starts in its lanes; other lanes of `labels` keep what they have."""
        self._read = None
        self._record = RunRecord([len(prompt.tokens) for prompt in began.prompts])
        self.running = True
        self._lanes = {label: self._lanes.get(label) for label in labels}
        vocabulary = began.conditions.vocabulary
        parts = zip(
            began.lanes,
            began.reply_ids,
            began.resolved,
            began.prompts,
            self._record.lanes,
            strict=True,
        )
        for lane, reply_id, resolved, prompt, record in parts:
            if lane.label in self._lanes:
                sampling, asked = resolved.chain.to_json(), Asked.of(prompt)
                self._lanes[lane.label] = _Running(
                    reply_id, began.mode, sampling, record, vocabulary, asked
                )
        self.replaced.emit()

    def take(self, event: Event) -> None:
        """One event of the run."""
        self._read = None
        if self._record is not None:
            self._record.add(event)
            if not self._timer.isActive():
                self._timer.start()

    def end(self) -> None:
        """The run is over."""
        self._read = None
        self._timer.stop()
        self.running = False
        self.ended.emit()

    def set_labels(self, labels: Sequence[str]) -> None:
        """Lanes were added, or taken away; the others keep what they have."""
        if tuple(labels) != self.labels:
            self._read = None
            self._lanes = {label: self._lanes.get(label) for label in labels}
            self.replaced.emit()
