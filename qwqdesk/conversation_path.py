"""Which messages a lane has behind it: the way through the tree of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qwqdesk.conversation import Conversation, Message, Reply, UserMessage
from qwqdesk.reasoning import history_message


def path_to(conversation: Conversation, tips: Mapping[str, int]) -> tuple[UserMessage, ...]:
    """The user messages from the first one to the newest, along the first lane's tip.

    Without tips (nothing answered yet) the newest message is the end of the way.
    """
    messages = {message.id: message for message in conversation.messages}
    owner = {reply.id: m.id for m in conversation.messages for reply in m.replies}
    last = max(messages, default=None)
    at = owner.get(tips[min(tips)], last) if tips else last
    path: list[UserMessage] = []
    while at is not None and len(path) <= len(messages):
        path.append(messages[at])
        parent = messages[at].parent_id
        at = owner.get(parent) if parent is not None else None
    return tuple(reversed(path))


def reply_of_lane(message: UserMessage, lane: str, tips: Mapping[str, int]) -> Reply | None:
    """The reply that `lane` continues from: its tip, else its newest, else the first lane's."""
    tip = tips.get(lane)
    for reply in message.replies:
        if reply.id == tip:
            return reply
    own = [reply for reply in message.replies if reply.lane == lane]
    if own:
        return own[-1]
    return message.replies[0] if message.replies else None


def lane_replies(
    path: Sequence[UserMessage], lane: str, tips: Mapping[str, int]
) -> tuple[Reply | None, ...]:
    """For each message of the path, the reply that `lane` has behind it.

    Walks back from the newest. A message hangs on the reply that its first lane continued from,
    so that lane goes on there, whatever that reply's label was (an answer of lane B that was kept
    leads back along lane B). The other lanes go on with their own earlier replies.
    """
    replies: list[Reply | None] = []
    later: UserMessage | None = None
    reply: Reply | None = None
    for message in reversed(path):
        if later is None or reply is None:
            reply = reply_of_lane(message, lane, tips)
        else:
            reply = _reply_before(later, reply, message)
        replies.append(reply)
        later = message
    return tuple(reversed(replies))


def _reply_before(later: UserMessage, reply: Reply, message: UserMessage) -> Reply | None:
    """The reply to `message` that `reply`, an answer to the message after it, continued from."""
    parent = next((r for r in message.replies if r.id == later.parent_id), None)
    own = [r for r in message.replies if r.lane == reply.lane]
    if own and (parent is None or later.replies[0].lane != reply.lane):
        return own[-1]
    return parent


def lane_messages(
    path: Sequence[UserMessage],
    lane: str,
    tips: Mapping[str, int],
    *,
    system_prompt: str = "",
    keep_reasoning: bool = False,
) -> list[Message]:
    """What a chat template gets for this lane: system prompt, turns, replies without reasoning."""
    messages = [Message("system", system_prompt)] if system_prompt.strip() else []
    for message, reply in zip(path, lane_replies(path, lane, tips), strict=True):
        if reply is not None:  # else it never reached the model: its prompt was refused
            messages.append(Message("user", message.text))
            messages.append(history_message(reply, keep_reasoning))
    return messages
