"""From which reply each lane of a conversation continues: changing it in the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qwqdesk.store.history import History

Tips = Mapping[str, int]


def change_tips(
    history: History, conversation_id: int, more: Callable[[Tips], Tips], leave_out: str = ""
) -> None:
    """Add tips to those of the history, and leave one lane's out; one always stays.

    Args:
        history: where they are kept.
        conversation_id: whose.
        more: makes the new tips from the present ones.
        leave_out: the label of a lane that goes.
    """
    tips = dict(history.load(conversation_id).tips)
    kept = {label: tip for label, tip in tips.items() if label != leave_out} or tips
    history.set_tips(conversation_id, {**kept, **more(tips)})
