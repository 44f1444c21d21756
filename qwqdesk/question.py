"""Saving what the user asked, before anything answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qwqdesk.conversation import Conversation
from qwqdesk.conversation_path import continues_from, newest_tip, parent_of_answer
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import RunOptions
from qwqdesk.store.history import History


@dataclass(frozen=True)
class Question:
    """A saved message; `before` is the conversation that it follows. Ids are 0 without history.

    `parents` says for each lane which reply its own continues from.
    """

    conversation_id: int
    message_id: int
    parents: tuple[int | None, ...]
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
        return question_again(history.load(conversation_id), message_id, lanes)
    if conversation_id is None:
        conversation_id = history.create_conversation(
            system_prompt=options.system_prompt, template_variables=options.variables.values
        )
    history.set_lanes(conversation_id, shown)
    before = history.load(conversation_id)
    asked = [lane.label for lane in lanes]
    message = history.add_user_message(conversation_id, newest_tip(before, asked), text)
    parents = tuple(continues_from(before, label) for label in asked)
    return Question(conversation_id, message, parents, before)


def question_again(
    conversation: Conversation, message_id: int, lanes: Sequence[LaneSetup]
) -> Question:
    """A message of the conversation, to be answered in these lanes, for the first time or again."""
    parents = (parent_of_answer(conversation, message_id, lane.label) for lane in lanes)
    return Question(conversation.id, message_id, tuple(parents))


def keep_setups(history: History, conversation_id: int, setups: Sequence[LaneSetup]) -> None:
    """Save the lanes as they are now; which of them were asked, and which message, stays known.

    Raises:
        UserError: when the history cannot be written.
    """
    asked = {entry.get("label"): entry.get("asked") for entry in history.lanes(conversation_id)}
    history.set_lanes(
        conversation_id,
        [
            {**lane.to_json(), **({"asked": asked[lane.label]} if asked.get(lane.label) else {})}
            for lane in setups
        ],
    )
