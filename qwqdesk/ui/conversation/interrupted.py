"""A comparison that the program's end cut off: which lanes lack a whole reply, and going on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from qwqdesk.conversation import Reply
from qwqdesk.lane_failure import may_work_now
from qwqdesk.store.history import CUT_DETAIL
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk

_NAME = "interruptedBand"


def unanswered(desk: Desk, view: ConversationView) -> list[Lane]:
    """The lanes of a comparison that were asked the newest message and have no whole reply.

    Not those that would fail again for the same reason; they say themselves why.
    """
    if view.conversation_id is None or not view.message_id or len(view.lanes) < 2:
        return []
    conversation = desk.history.load(view.conversation_id)
    message = next((m for m in conversation.messages if m.id == view.message_id), None)
    replies = {reply.lane: reply for reply in message.replies} if message else {}
    failures = message.failures if message is not None else {}
    asked = {e.get("label") for e in conversation.lanes if e.get("asked") == view.message_id}
    return [
        lane
        for lane in view.lanes
        if _lacks_reply(lane.label, replies, asked)
        if lane.label not in failures or may_work_now(failures[lane.label], lane.setup.model)
    ]


def drawn_seed(desk: Desk, view: ConversationView) -> int | None:
    """The seed that the newest message's replies share; None where they have several, or none.

    Lanes that are answered later take it: with another one the comparison would not be fair.
    """
    if view.conversation_id is None:
        return None
    messages = desk.history.load(view.conversation_id).messages
    replies = [reply for m in messages if m.id == view.message_id for reply in m.replies]
    seeds = {reply.sampling.get("seed") for reply in replies}
    seed = seeds.pop() if len(seeds) == 1 else None
    return seed if isinstance(seed, int) and seed >= 0 else None


def _lacks_reply(label: str, replies: Mapping[str, Reply], asked: Set[object]) -> bool:
    reply = replies.get(label)
    if reply is None:
        return label in asked
    return reply.finish_reason is None or reply.finish_detail == CUT_DETAIL


def offer_rest(desk: Desk, bands: Bands, view: ConversationView, run: Callable[..., None]) -> None:
    """Say which lanes of the shown comparison are unanswered; `run` answers them."""
    bands.take_away(_NAME)
    lanes = unanswered(desk, view)
    if not lanes:
        return
    labels = [lane.label for lane in lanes]
    named = f"Lane {labels[0]}" if len(labels) == 1 else f"Lanes {', '.join(labels)}"
    what = f"This comparison did not finish. {named} {'has' if len(labels) == 1 else 'have'}"
    band = MessageBand("warn", f"{what} no whole reply.", name=_NAME)

    def act() -> None:
        bands.take_away(_NAME)
        run(lanes)

    band.add_action("Run what is missing", act)
    band.add_action("Close", lambda: bands.take_away(_NAME), flat=True)
    bands.put(band, chat=view)
