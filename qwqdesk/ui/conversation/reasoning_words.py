"""What the head of a reply's reasoning says; no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from qwqdesk.thought_origin import Origin
from qwqdesk.ui.conversation.wording import count, duration, short_seconds

_GIVEN: dict[Origin, str] = {"same": "Same thought as before", "edited": "Edited thought"}


@dataclass(frozen=True)
class HeadWords:
    """`note` says how the reasoning ended; `detail` leaves first where there is little room.

    `brief` is said in place of the note where that does not fit.
    """

    title: str
    detail: str = ""
    note: str = ""
    brief: str = ""

    @property
    def sentence(self) -> str:
        """Title and note."""
        return f"{self.title}, {self.note}" if self.note else self.title


def thinking_words(tokens: int, seconds: float, *, closing: bool) -> HeadWords:
    """While it is written; `closing`: the user wants the answer."""
    passed = duration(seconds)
    title = "Closing the reasoning" if closing else "Thinking"
    return HeadWords(title, f"{count(tokens)} · {passed}" if tokens else passed)


def finished_words(tokens: int, seconds: float, end: str, origin: Origin) -> HeadWords:
    """When it is there. Seconds or tokens of 0 are not known; `end` as in `thought_end`."""
    detail = count(tokens) if tokens else ""
    if origin:
        return HeadWords(_GIVEN[origin], detail)
    took = duration(seconds) if seconds >= 1 else short_seconds(seconds)
    brief = end.partition(" of ")[0]
    return HeadWords(f"Thought for {took}" if seconds else "Thought", detail, end, brief)
