"""Which reply each reply continued from, found in databases that did not say it.

Older versions knew it for the first lane of a message alone. What a reply's prompt held is in its
manifest, as messages or as text, so the earlier replies are looked for there; where that tells
nothing, the rule holds by which those versions showed a conversation. It belongs to one migration
and knows the tables as they were then.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# Only where the message before has several replies can the message's own parent be wrong.
_UNSURE = """SELECT DISTINCT later.conversation_id FROM messages AS later
    JOIN replies AS parent ON parent.id = later.parent_reply_id
    WHERE (SELECT COUNT(*) FROM replies WHERE replies.message_id = parent.message_id) > 1"""


@dataclass
class _Reply:
    id: int
    lane: str
    answer: str
    reasoning: str
    parent: int | None = None  # found before any reply that continues from this one is looked at


@dataclass
class _Message:
    id: int
    parent: int | None
    text: str
    replies: list[_Reply] = field(default_factory=list)


@dataclass(frozen=True)
class _Prompt:
    """What a manifest says of its prompt; `messages` are role and content, () when not known."""

    messages: tuple[tuple[str, str], ...]
    text: str


_Turn = tuple[_Message, _Reply]


def find_parents(connection: sqlite3.Connection) -> None:
    """Correct `replies.parent_reply_id`, which holds the parents of the replies' messages."""
    for (conversation,) in connection.execute(_UNSURE).fetchall():
        messages = _read(connection, conversation)
        turns = {reply.id: (message, reply) for message in messages for reply in message.replies}
        for message in messages:
            _find_for(connection, message, turns)


def _find_for(
    connection: sqlite3.Connection, message: _Message, turns: Mapping[int, _Turn]
) -> None:
    before = turns.get(message.parent or 0)
    if before is None or before[0].id >= message.id:
        return
    for reply in message.replies:
        reply.parent = _shown_before(message, reply, before[0]) or message.parent
        if len(before[0].replies) > 1:
            prompt = _prompt(connection, reply.id)
            reply.parent = _told(prompt, message, reply, before[0], turns) or reply.parent
        connection.execute(
            "UPDATE replies SET parent_reply_id = ? WHERE id = ?", (reply.parent, reply.id)
        )


def _shown_before(message: _Message, reply: _Reply, before: _Message) -> int | None:
    """The rule of those versions: the first lane goes on from the parent, others from their own."""
    own = [earlier.id for earlier in before.replies if earlier.lane == reply.lane]
    first = message.replies[0].lane == reply.lane
    return own[-1] if own and not first else None


def _told(
    prompt: _Prompt,
    message: _Message,
    reply: _Reply,
    before: _Message,
    turns: Mapping[int, _Turn],
) -> int | None:
    """The earlier reply that stands in the prompt with all that led to it; None: it is not told.

    Where several are the same word by word, that of the rule, then one of the same lane.
    """
    best: tuple[object, ...] = ()
    found: int | None = None
    for earlier in before.replies:
        way = _way_to(earlier.id, turns)
        told = _match_messages(prompt.messages, way, message.text)
        turns_in_text, letters = _match_text(prompt.text, way, message.text)
        if not (told if prompt.messages else turns_in_text):
            continue
        preference = (earlier.id == reply.parent, earlier.lane == reply.lane, earlier.id)
        score = (told, turns_in_text, letters, *preference)
        if score > best:
            best, found = score, earlier.id
    return found


def _way_to(reply_id: int | None, turns: Mapping[int, _Turn]) -> list[_Turn]:
    """The turns to this reply, the newest first."""
    way: list[_Turn] = []
    while reply_id is not None and reply_id in turns and len(way) < len(turns):
        turn = turns[reply_id]
        way.append(turn)
        reply_id = turn[1].parent
    return way


def _match_messages(
    messages: Sequence[tuple[str, str]], way: Iterable[_Turn], question: str
) -> int:
    """How many turns, from the newest back, stand in the prompt's messages."""
    left = [entry for entry in messages if entry[0] != "system"]
    if not left or left.pop() != ("user", question):
        return 0
    matched = 0
    for message, reply in way:
        if left[-2:] != [("user", message.text), ("assistant", reply.answer)]:
            break
        del left[-2:]
        matched += 1
    return matched


def _match_text(text: str, way: Iterable[_Turn], question: str) -> tuple[int, int]:
    """How many turns, from the newest back, stand in the prompt's text, and their letters.

    A longer reply that stands there says more than a shorter one that is a part of it. Reasoning
    counts where the prompt kept it.
    """
    end = text.rfind(question.strip())
    matched = letters = 0
    for message, reply in way:
        if end < 0:
            break
        asked, answer = message.text.strip(), reply.answer.strip()
        at = text.rfind(asked, 0, end)
        while at >= 0 and answer not in text[at + len(asked) : end]:
            at = text.rfind(asked, 0, at)  # the reply itself may repeat the question
        if at < 0:
            break
        matched, letters = matched + 1, letters + len(answer)
        thought = reply.reasoning.strip()
        letters += len(thought) if thought in text[at:end] else 0
        end = at
    return matched, letters


# ---------------------------------------------------------------- reading


def _read(connection: sqlite3.Connection, conversation: int) -> list[_Message]:
    """The messages of a conversation with their replies, oldest first."""
    messages = {
        row[0]: _Message(row[0], row[1], _text(row[2]))
        for row in connection.execute(
            "SELECT id, parent_reply_id, CAST(text AS BLOB) FROM messages "
            "WHERE conversation_id = ? ORDER BY id",
            (conversation,),
        )
    }
    for row in connection.execute(
        "SELECT replies.message_id, replies.id, CAST(replies.lane AS BLOB), "
        "CAST(replies.answer AS BLOB), CAST(replies.reasoning AS BLOB) FROM replies "
        "JOIN messages ON messages.id = replies.message_id "
        "WHERE messages.conversation_id = ? ORDER BY replies.id",
        (conversation,),
    ):
        messages[row[0]].replies.append(_Reply(row[1], _text(row[2]), _text(row[3]), _text(row[4])))
    return list(messages.values())


def _prompt(connection: sqlite3.Connection, reply: int) -> _Prompt:
    """What the reply's manifest says of its prompt; empty where it cannot be read."""
    row = connection.execute(
        "SELECT CAST(manifest AS BLOB) FROM replies WHERE id = ?", (reply,)
    ).fetchone()
    try:
        prompt = json.loads(_text(row[0]))["prompt"]
        text = prompt.get("text")
        entries = prompt.get("messages") or ()
        messages = tuple((str(entry["role"]), str(entry["content"])) for entry in entries)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _Prompt((), "")
    return _Prompt(messages, text if isinstance(text, str) else "")


def _text(value: object) -> str:
    """A column's text, also where its bytes are none."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
