"""Saving what the user asked, before anything answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qwqdesk.conversation import Conversation
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import RunOptions
from qwqdesk.store.history import History


@dataclass(frozen=True)
class Question:
    """A saved message; `before` is the conversation that it follows. Ids are 0 without history."""

    conversation_id: int
    message_id: int
    before: Conversation | None = None


def save_question(
    history: History,
    text: str,
    lanes: Sequence[LaneSetup],
    options: RunOptions,
    conversation_id: int | None,
    message_id: int | None,
) -> Question:
    """Save the message in this conversation or a new one; with `message_id` it is saved already.

    Raises:
        UserError: when the history cannot be written.
    """
    shown = [lane.to_json() for lane in lanes]
    if conversation_id is not None and message_id is not None:
        labels = {lane.label for lane in lanes}
        present = history.load(conversation_id).lanes
        others = [entry for entry in present if entry.get("label") not in labels]
        history.set_lanes(conversation_id, [*others, *shown])
        return Question(conversation_id, message_id)
    if conversation_id is None:
        conversation_id = history.create_conversation(system_prompt=options.system_prompt)
    history.set_lanes(conversation_id, shown)
    before = history.load(conversation_id)
    parent = before.tips.get(lanes[0].label) or next(iter(before.tips.values()), None)
    return Question(
        conversation_id, history.add_user_message(conversation_id, parent, text), before
    )
