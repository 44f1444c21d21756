"""How a lane stands, as a badge: running with what it does, or why it ended."""

from __future__ import annotations

from dataclasses import dataclass

from qwqdesk.conversation import FinishReason
from qwqdesk.processor_words import PREPARING_GPU
from qwqdesk.ui.base import BadgeKind


@dataclass(frozen=True)
class LaneStatus:
    """One badge; `shrinks`: in a narrow lane the icon alone says enough.

    `short` are the words for a narrow lane, where they differ.
    """

    kind: BadgeKind
    icon: str
    text: str
    tip: str = ""
    shrinks: bool = True
    short: str = ""


def running(words: str) -> LaneStatus:
    """A lane at work: "Waiting", "Thinking", "Answering"."""
    return LaneStatus("accent", "circle-dot", words)


def reading(done: int, total: int) -> LaneStatus:
    """The prompt is being read: `done` of `total` tokens."""
    share = round(100 * done / total) if total else 0
    return LaneStatus("accent", "circle-dot", f"Reading prompt {share} %")


def preparing() -> LaneStatus:
    """The GPU reads its first prompt, for which some compile their programs."""
    return LaneStatus("accent", "circle-dot", PREPARING_GPU)


def finished(
    reason: FinishReason | None, detail: str | None = None, *, looped: bool = False
) -> LaneStatus:
    """Why a lane ended; None is a reply that the program's end cut off.

    `looped`: it repeats itself. That is said where it ended by itself; who stopped it, or what
    failed, is news of its own, and the band below tells of the loop in any case.
    """
    if looped and reason in ("stop", "length"):
        return LaneStatus("warn", "repeat-2", "Looped", shrinks=False)
    tip = detail or ""
    if reason is None:
        return LaneStatus("warn", "circle-stop", "Interrupted", tip, shrinks=False, short="Cut off")
    words: dict[FinishReason, tuple[BadgeKind, str, str]] = {
        "stop": ("neutral", "check", "Finished"),
        "length": ("warn", "ruler", "Length limit"),
        "loop": ("warn", "repeat-2", "Looped, stopped"),
        "cancelled": ("neutral", "circle-stop", "Stopped by you"),
        "error": ("bad", "circle-alert", "Failed"),
    }
    kind, icon, text = words[reason]
    short = "Length" if reason == "length" else text.split(",")[0]
    return LaneStatus(kind, icon, text, tip, shrinks=kind == "neutral", short=short)


def unanswered() -> LaneStatus:
    """A lane that has no reply to the newest message."""
    return LaneStatus("neutral", "circle-alert", "Not answered", shrinks=False)


def looping() -> LaneStatus:
    """A lane that repeats itself and goes on."""
    return LaneStatus("warn", "repeat-2", "Looping", shrinks=False)
