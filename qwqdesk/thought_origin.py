"""Whether a reply's reasoning was given to it: that of an earlier reply, or an edited one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from qwqdesk.conversation import Reply
from qwqdesk.engine.events import FrozenThought
from qwqdesk.stored_values import list_of, map_of, text_of

Origin = Literal["", "same", "edited"]


def origin_of(thought: FrozenThought | None, known: Iterable[str | None] = ()) -> Origin:
    """What a given thought is; `known` are the reasonings of the replies that were there before.

    A thought whose tokens are not known to the model is given as text, also unchanged.
    """
    if thought is None:
        return ""
    if not thought.text:
        return "same" if thought.tokens else ""
    kept = any(text and text.strip() and text.strip() in thought.text for text in known)
    return "same" if kept else "edited"


def origin_of_reply(reply: Reply, siblings: Iterable[Reply]) -> Origin:
    """The same for a stored reply, among all replies to its message."""
    given = map_of(map_of(reply.manifest.get("prompt")).get("thought"))
    thought = FrozenThought(tuple(list_of(given.get("tokens"))), text_of(given.get("text")))
    return origin_of(thought, [other.reasoning for other in siblings if other.id < reply.id])
