"""What a conversation is made of: frozen values that every layer may hold.

A chat is a comparison with one lane. A user's message has one reply for each lane of each run
(regenerations too). Each reply names the one that it continues from, which is in its prompt; the
conversation's tips say which reply each lane's next message continues from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]
Mode = Literal["exact", "fast"]
FinishReason = Literal["stop", "length", "loop", "cancelled", "error"]
SpanKind = Literal["reasoning", "answer", "tag", "frame"]
"""`tag`: what opens and closes reasoning; `frame`: what stands around an answer, or for nothing."""

LANE_LABELS = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Message:
    """One turn as a chat template sees it; `reasoning` only for an assistant's turn."""

    role: Role
    content: str
    reasoning: str | None = None


@dataclass(frozen=True)
class Usage:
    """Counts in tokens; tags count as reasoning."""

    prompt_tokens: int = 0
    reasoning_tokens: int = 0
    answer_tokens: int = 0


@dataclass(frozen=True)
class Timing:
    """Seconds on the wall clock; `tokens_per_second` is generated tokens over `decode_s`."""

    load_s: float = 0.0
    prefill_s: float = 0.0
    first_token_s: float = 0.0
    decode_s: float = 0.0
    tokens_per_second: float = 0.0
    reasoning_s: float = 0.0


@dataclass(frozen=True)
class Loop:
    """Where a reply began to repeat itself; indices count generated tokens from 0."""

    from_token: int
    period: int
    repeats: float
    text: str


@dataclass(frozen=True)
class Reply:
    """What one lane wrote. `finish_reason` is None while it streams, or if the program died.

    `parent_id` is the reply to the message before that its prompt goes on from, None in a first
    turn. Lanes of one message may differ in it.
    `text` = opening tag if generated + reasoning + closing tag + answer: every character kept.
    `sampling` is INTERFACE's `sampling` object, `sources` names where each value came from.
    `answer_sampling` and `answer_sources` say the same of the answer's own chain, {} without one.

    For every token: `ends` says how many characters of `text` stood after it, `probabilities`
    what the model itself gave it before any sampler (0 < p <= 1, NaN where it is not known).
    Both are empty in replies of older versions.
    """

    id: int
    message_id: int
    lane: str
    text: str = ""
    reasoning: str | None = None
    answer: str = ""
    tokens: tuple[int, ...] = ()
    finish_reason: FinishReason | None = None
    finish_detail: str | None = None
    mode: Mode = "exact"
    recipe: str | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    usage: Usage = Usage()
    timing: Timing = Timing()
    loop: Loop | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)
    created: float = 0.0
    ends: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    answer_sampling: Mapping[str, Any] = field(default_factory=dict)
    answer_sources: Mapping[str, str] = field(default_factory=dict)
    parent_id: int | None = None


@dataclass(frozen=True)
class LaneFailure:
    """Why a lane has no reply to a message: a stable code, and what its words are made of."""

    code: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UserMessage:
    """A user's message and the replies to it, oldest first.

    `parent_id` is a reply to the message before it: the messages of a conversation are a tree.
    What a lane has behind it, its own reply's `parent_id` says. `failures` are those of lanes that
    were asked and could not begin, by label.
    """

    id: int
    conversation_id: int
    parent_id: int | None
    text: str
    created: float
    replies: tuple[Reply, ...] = ()
    failures: Mapping[str, LaneFailure] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversation:
    """`tips` maps a lane's label to the reply it continues from; times are Unix seconds.

    `template_variables` are given to the chat template of lanes that have none of their own.
    """

    id: int
    title: str
    created: float
    updated: float
    system_prompt: str = ""
    lanes: tuple[Mapping[str, Any], ...] = ()
    tips: Mapping[str, int] = field(default_factory=dict)
    messages: tuple[UserMessage, ...] = ()
    template_variables: Mapping[str, Any] = field(default_factory=dict)
