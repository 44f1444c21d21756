"""Answering again from the same thought: its menu, and what the choices do.

The reasoning of a reply stays as it is (or is edited), and only the answer is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from qwqdesk.conversation import LANE_LABELS, Reply
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_turns import SameThought
from qwqdesk.sampling.param import UINT32_MAX
from qwqdesk.sampling.samplers import RANDOM_SEEDS
from qwqdesk.thought import MAX_LANES, thought_tokens
from qwqdesk.ui.base import announce
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.run_controller import RunController
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.conversation.wording import count
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.icons import icon

_TITLE = "Answer again from the same thought"
_TIMES = {1: "Once", 2: "Twice", 3: "3 times", 4: "4 times"}


class AnswerAgain(QObject):
    """Acts on the lanes of every view that was connected. `lanes_changed`: there are more now."""

    lanes_changed = Signal()

    def __init__(self, desk: Desk, runs: RunController, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._runs = desk, runs

    def connect_view(self, view: ConversationView) -> None:
        """Offer it in the menus of the view's lanes."""
        view.again_shown.connect(lambda lane, menu: self._fill(view, lane, menu))
        view.menu_shown.connect(lambda lane, menu: self._offer(view, lane, menu))

    # ------------------------------------------------------------ the menu

    def _offer(self, view: ConversationView, lane: Lane, menu: QMenu) -> None:
        own = menu.addMenu(icon("message-square-plus"), _TITLE)
        own.setObjectName("answerAgainMenu")
        own.setEnabled(self._thought_of(lane) is not None)
        if own.isEnabled():
            self._fill(view, lane, own)

    def _fill(self, view: ConversationView, lane: Lane, menu: QMenu) -> None:
        reply = self._thought_of(lane)
        if reply is None:
            none = "There is no thought to answer from"
            why = "This lane is still writing" if lane.writing else none
            menu.addAction(why).setEnabled(False)
            return
        title = f"Same thought ({count(thought_tokens(reply))}), new answer"
        menu.addAction(title).setEnabled(False)
        for times, words in _TIMES.items():
            self._add(menu, f"again_{times}", words, partial(self.here, view, lane, times))
        menu.addSeparator()
        if len(view.lanes) > 1:
            words = "In every lane, with its own chain"
            self._add(menu, "again_lanes", words, partial(self.in_every_lane, view, lane))
        for new in range(1, len(LANE_LABELS) - len(view.lanes) + 1):
            words = f"In {new} new lane{'s' if new > 1 else ''}"
            self._add(menu, f"again_new_{new}", words, partial(self.in_new, view, lane, new))
        menu.addSeparator()
        edit = self._add(menu, "again_edit", "Edit the thought…", partial(self.edit, view, lane))
        edit.setIcon(icon("pencil"))

    def _add(self, menu: QMenu, name: str, words: str, act: Callable[[], object]) -> QAction:
        action = menu.addAction(words)
        action.setObjectName(name)
        action.triggered.connect(lambda *_: act())
        return action

    def _thought_of(self, lane: Lane) -> Reply | None:
        """The reply whose thought can be kept; none while the lane writes."""
        if lane.writing or not lane.reply_id or lane.output.reply is None:
            return None
        reply = self._desk.history.reply(lane.reply_id)
        return reply if reply.finish_reason is not None and reply.reasoning is not None else None

    # ------------------------------------------------------------ what it does

    def once(self, view: ConversationView, lane: Lane) -> None:
        """As the menu's first choice; says why where there is no thought."""
        self._or_say_why(lane, partial(self.here, view, lane))

    def edit_now(self, view: ConversationView, lane: Lane) -> None:
        """As the menu's last choice; says why where there is no thought."""
        self._or_say_why(lane, partial(self.edit, view, lane))

    def _or_say_why(self, lane: Lane, act: Callable[[], object]) -> None:
        if self._thought_of(lane) is None:
            announce(lane, "There is no finished thought to answer from")
        else:
            act()

    def here(
        self, view: ConversationView, lane: Lane, times: int = 1, reasoning: str | None = None
    ) -> None:
        """Answer again in the lane itself; the newest reply is shown, the others are siblings."""
        reply = self._thought_of(lane)
        if reply is not None:
            setups = [_with_seed(lane.setup, self._new_seed(view, [lane]), only_fixed=True)]
            self._start(view, [lane], setups, SameThought(reply.id, reasoning, times))

    def in_every_lane(self, view: ConversationView, lane: Lane) -> None:
        """Answer from this lane's thought in all lanes, each with its own chain."""
        reply = self._thought_of(lane)
        if reply is not None:
            seed = self._new_seed(view, view.lanes)
            setups = [_with_seed(each.setup, seed, only_fixed=True) for each in view.lanes]
            self._start(view, view.lanes, setups, SameThought(reply.id))

    def in_new(self, view: ConversationView, lane: Lane, new: int) -> None:
        """Answer in lanes beside it that have its settings; each draws with another seed."""
        reply = self._thought_of(lane)
        if reply is None:
            return
        lanes, setups, seed = [], [], self._new_seed(view, [lane])
        for _ in range(new):
            beside = view.add_lane(lane)
            if beside is not None:
                lanes.append(beside)
                setups.append(_with_seed(beside.setup, seed))
                seed = _next_seed(seed)
        self._start(view, lanes, setups, SameThought(reply.id))
        self.lanes_changed.emit()

    def edit(self, view: ConversationView, lane: Lane) -> None:
        """Let the user edit the thought in its place; then the lane answers from that."""
        shown = lane.output.reply
        if shown is not None and self._thought_of(lane) is not None:
            editor = shown.edit_thought(lambda text: self.here(view, lane, reasoning=text))
            show = partial(lane.output.transcript.ensureWidgetVisible, editor)
            QTimer.singleShot(0, editor, show)  # when it has its place

    def _start(
        self,
        view: ConversationView,
        lanes: Sequence[Lane],
        setups: Sequence[LaneSetup],
        thought: SameThought,
    ) -> None:
        options = self._desk.options(view.mode, view.system_prompt, view.variables)
        self._runs.answer_again(view, lanes, setups, options, thought)

    def _new_seed(self, view: ConversationView, lanes: Sequence[Lane]) -> int:
        """The first of as many seeds as may be needed that no reply to the message has had.

        With the same thought, the same seed would give the same answer. It is looked for from the
        seed on that one of the lanes has.
        """
        assert view.conversation_id is not None
        messages = self._desk.history.load(view.conversation_id).messages
        replies = next(m.replies for m in messages if m.id == view.message_id)
        used = {reply.sampling.get("seed") for reply in replies}
        fixed = [lane.model.chain.integer("seed") for lane in lanes]
        seed = next((seed for seed in fixed if seed not in RANDOM_SEEDS), 1)
        while not used.isdisjoint(_seeds_from(seed)):
            seed = _next_seed(seed)
        return seed


def _seeds_from(seed: int) -> Iterator[int]:
    for _ in range(MAX_LANES):
        yield seed
        seed = _next_seed(seed)


def _with_seed(setup: LaneSetup, seed: int, *, only_fixed: bool = False) -> LaneSetup:
    """The setup with this seed; with `only_fixed` a random one stays random."""
    if only_fixed and setup.resolved().chain.has_random_seed:
        return setup
    return replace(setup, user={**setup.user, "seed": seed})


def _next_seed(seed: int) -> int:
    seed = (seed + 1) % (UINT32_MAX + 1)
    return 1 if seed in RANDOM_SEEDS else seed
