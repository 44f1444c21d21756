"""Which messages a lane has behind it: the way through the tree of a conversation.

Every reply names the reply that it continues from (`Reply.parent_id`), so a lane's history is the
way back from its tip, whatever the lanes on that way were called: an answer of lane B that was
kept leads back along lane B, and a lane that was added in mid-conversation along the lane whose
copy it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qwqdesk.conversation import Conversation, Message, Reply, UserMessage
from qwqdesk.reasoning import history_message

Turn = tuple[UserMessage, Reply]


def turns_to(conversation: Conversation, reply_id: int | None) -> tuple[Turn, ...]:
    """The turns from the first one to this reply; () for None and for a reply that is gone."""
    places = {reply.id: (m, reply) for m in conversation.messages for reply in m.replies}
    turns: list[Turn] = []
    while reply_id in places:
        turn = places.pop(reply_id)  # once: a damaged tree may lead in a circle
        turns.append(turn)
        reply_id = turn[1].parent_id
    return tuple(reversed(turns))


def continues_from(conversation: Conversation, lane: str) -> int | None:
    """The reply that a new message to `lane` continues: its tip, else its newest reply.

    None: the lane has written nothing in this conversation, so it has nothing behind it.
    """
    replies = [reply for message in conversation.messages for reply in message.replies]
    tip = conversation.tips.get(lane)
    if any(reply.id == tip for reply in replies):
        return tip
    return next((reply.id for reply in reversed(replies) if reply.lane == lane), None)


def parent_of_answer(conversation: Conversation, message_id: int, lane: str) -> int | None:
    """The reply that `lane` continues from when it answers a message of its way (once more)."""
    turns = turns_to(conversation, continues_from(conversation, lane))
    for message, reply in turns:
        if message.id == message_id:
            return reply.parent_id
    earlier = [reply.id for message, reply in turns if message.id < message_id]
    return earlier[-1] if earlier else None


def newest_tip(conversation: Conversation, lanes: Sequence[str]) -> int | None:
    """The reply on which a new message to these lanes hangs: that of the longest way.

    Lanes that have answered the same message share the first one's.
    """
    owner = {reply.id: m.id for m in conversation.messages for reply in m.replies}
    tips = [continues_from(conversation, lane) for lane in (*lanes, *sorted(conversation.tips))]
    return max((tip for tip in tips if tip is not None), key=lambda tip: owner[tip], default=None)


def path_to(conversation: Conversation, tips: Mapping[str, int]) -> tuple[UserMessage, ...]:
    """The user messages from the first one to the newest that any of the tips leads to.

    A message behind them that was never answered is the end of the way. Without tips (nothing
    answered yet) the newest message is.
    """
    messages = {message.id: message for message in conversation.messages}
    owner = {reply.id: m.id for m in conversation.messages for reply in m.replies}
    reached = max((owner[tip] for tip in tips.values() if tip in owner), default=None)
    waiting = [
        m.id
        for m in conversation.messages
        if not m.replies and reached is not None and m.id > reached and m.parent_id in owner
        if owner[m.parent_id] == reached
    ]
    at = max(waiting, default=reached) if reached is not None else max(messages, default=None)
    path: list[UserMessage] = []
    while at is not None and len(path) <= len(messages):
        path.append(messages[at])
        parent = messages[at].parent_id
        at = owner.get(parent) if parent is not None else None
    return tuple(reversed(path))


def lane_replies(
    path: Sequence[UserMessage], conversation: Conversation, lane: str
) -> tuple[Reply | None, ...]:
    """For each message of the path, what `lane` has written to it; None where it was not asked."""
    turns = turns_to(conversation, continues_from(conversation, lane))
    behind = {message.id: reply for message, reply in turns}
    return tuple(behind.get(message.id) for message in path)


def messages_to(
    conversation: Conversation,
    reply_id: int | None,
    *,
    system_prompt: str = "",
    keep_reasoning: bool = False,
) -> list[Message]:
    """What a chat template gets: system prompt, and the turns to this reply.

    The replies come without their reasoning unless it is to be kept.
    """
    messages = [Message("system", system_prompt)] if system_prompt.strip() else []
    for message, reply in turns_to(conversation, reply_id):
        messages.append(Message("user", message.text))
        messages.append(history_message(reply, keep_reasoning))
    return messages
