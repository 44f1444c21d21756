"""What is stored of the lanes on the screen, and what would be other if they ran now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qwqdesk.conversation import Reply
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_conditions import (
    Conditions,
    chain_changes,
    changes,
    conditions_then,
    same_model,
)
from qwqdesk.stored_model import find_model
from qwqdesk.stored_run import StoredLane, stored_lane
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk


@dataclass(frozen=True)
class ShownLanes:
    """The shown lanes that have a finished reply, with what is stored of them."""

    ids: tuple[int, ...] = ()
    lanes: tuple[tuple[Lane, StoredLane], ...] = ()

    @property
    def first(self) -> StoredLane | None:
        """Lane A, or the first one that has text."""
        return self.lanes[0][1] if self.lanes else None


class StoredLanes:
    """Reads replies once; `forget` when what is stored of them may have changed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shown = ShownLanes()
        self._read: tuple[tuple[Lane, int], ...] = ()

    def forget(self) -> None:
        """A run has ended, or checksums have come."""
        self._read = ()

    def of(self, view: ConversationView) -> ShownLanes:
        """The shown lanes that have written something; some milliseconds when they are others."""
        shown = [lane for lane in view.lanes if lane.reply_id and lane.has_text]
        wanted = tuple((lane, lane.reply_id) for lane in shown)
        if wanted != self._read or not wanted:
            self._read = wanted
            ids = tuple(reply_id for _, reply_id in wanted)
            found = ((lane, self._lane(reply_id)) for lane, reply_id in wanted)
            self._shown = ShownLanes(ids, tuple((lane, s) for lane, s in found if s is not None))
        return self._shown

    def _lane(self, reply_id: int) -> StoredLane | None:
        """None for a reply of an older version, or one that wrote nothing."""
        try:
            reply: Reply = self._desk.history.reply(reply_id)
            lane = stored_lane(reply)
        except UserError:
            return None
        return lane if lane.tokens else None

    def conditions(self, view: ConversationView, shown: ShownLanes) -> Conditions | None:
        """Of the shown run, else of the chosen model."""
        if shown.first is not None:
            return conditions_then(shown.first)
        return self._desk.conditions(view.mode)

    def missing(self, shown: ShownLanes) -> str:
        """Which model is wanted and not here; empty when it is loaded or can be."""
        now = self._desk.conditions(shown.first.mode) if shown.first is not None else None
        if shown.first is None or now is None:
            return ""
        if same_model(shown.first.model, now.model) is not False:
            return ""
        try:
            return find_model(shown.first.model, self._desk.models).note
        except UserError as error:
            return f"{error.what} {error.what_to_do}"

    def changes(self, view: ConversationView, shown: ShownLanes) -> tuple[str, ...]:
        """What would be other if the shown lanes ran now."""
        found: list[str] = []
        for lane, stored in shown.lanes:
            now = self._desk.conditions(view.chosen_mode or stored.mode)
            # A lane's own model is loaded for it when it runs.
            if now is not None and not lane.setup.model and not several_models(shown.lanes):
                found += changes(conditions_then(stored), now)
        for lane, stored in shown.lanes:
            several = f"Lane {lane.label}, " if len(view.lanes) > 1 else ""
            found += [several + text for text in chain_changes(stored.chain, lane.model.chain)]
            found += [several + text for text in _other_rules(lane.setup, stored)]
        return tuple(dict.fromkeys(found))


def _other_rules(setup: LaneSetup, stored: StoredLane) -> Iterator[str]:
    """The answer's own chain, and what the text is held to."""
    try:
        now = setup.resolved()
    except UserError:  # the chain editor shows what is wrong
        return
    answer = now.answer.chain if now.answer is not None else None
    if (answer is None) != (stored.answer_chain is None):
        had = "none then, one now" if stored.answer_chain is None else "one then, none now"
        yield f"chain of the answer: {had}."
    elif answer is not None and stored.answer_chain is not None:
        for text in chain_changes(stored.answer_chain, answer):
            yield f"answer: {text}"
    if now.constraints != stored.rules.constraints:
        yield "The constraints have changed."


def several_models(lanes: Sequence[tuple[Lane, StoredLane]]) -> bool:
    """Whether the lanes ran on different files."""
    return len({stored.model.path for _, stored in lanes}) > 1
