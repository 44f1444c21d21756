"""One conversation on the screen: its message, its lanes, and the events of its run.

A view that streams stays alive while another conversation is shown, so that its text cannot go
anywhere else; the page drops it when its run has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.conversation import LANE_LABELS, Conversation, Mode
from qwqdesk.conversation_path import path_to
from qwqdesk.engine.events import LaneFinished, LoopFound, Output, PrefillProgress, RunStarted
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import RunBegan, SessionEvent
from qwqdesk.sampling.resolve import parse_model_sampling
from qwqdesk.ui.base import Hairline
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.lanes_view import LanesView
from qwqdesk.ui.conversation.prompt_header import PromptHeader
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.theme import theme

MAX_LANES = len(LANE_LABELS)
DEFAULT_RECIPE = "qwen"
_LOW_WINDOW = 860  # px of height under which the message takes one line


class ConversationView(QWidget):
    """`changed` says that lanes, title or state are others; the rest asks the page to act."""

    changed = Signal()
    lane_added = Signal(object)
    stop_wanted = Signal(object)
    regenerate_wanted = Signal(object)
    continue_wanted = Signal(object)
    keep_wanted = Signal(object)
    remove_wanted = Signal(object)
    edit_wanted = Signal(str)
    copied = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("conversationView")
        self._desk = desk
        self.conversation_id: int | None = None
        self.title = "New chat"
        self.system_prompt = desk.settings.system_prompt
        self.chosen_mode: Mode | None = None
        self.message_id = 0
        self.used_tokens = 0
        self.lanes: list[Lane] = []
        self.shown = True
        self._targets: list[Lane] = []
        self._unfinished: set[Lane] = set()
        self.prompt = PromptHeader()
        self.prompt.copyRequested.connect(self._copy_prompt)
        self.prompt.editRequested.connect(lambda: self.edit_wanted.emit(self.prompt.text))
        self._lanes_view = LanesView()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._line = Hairline()
        column.addWidget(self.prompt)
        column.addWidget(self._line)
        column.addWidget(self._lanes_view, 1)

    # ------------------------------------------------------------ what it shows

    def start_new(self, setups: Sequence[LaneSetup] = ()) -> None:
        """An empty conversation with these lanes; one with the default recipe without."""
        recipe = self._desk.recipe(DEFAULT_RECIPE)
        self._set_lanes(list(setups) or [LaneSetup("A", recipe)])

    def show_conversation(self, conversation: Conversation) -> None:
        """Show a conversation of the history."""
        recipes = self._desk.recipes_by_id()
        setups = [LaneSetup.from_json(data, recipes) for data in conversation.lanes]
        setups = _with_labels(setups)[:MAX_LANES]
        self.conversation_id = conversation.id
        self.title = conversation.title or "New chat"
        self.system_prompt = conversation.system_prompt
        self._set_lanes(setups or [LaneSetup("A", self._desk.recipe(DEFAULT_RECIPE))])
        path = path_to(conversation, conversation.tips)
        for lane in self.lanes:
            lane.show_path(path, conversation)
        self.message_id = path[-1].id if path else 0
        self._show_prompt(path[-1].text if path else "")
        self._count_used(conversation)
        self.changed.emit()

    def reload_lane(self, lane: Lane) -> None:
        """Show what the history has for one lane."""
        if self.conversation_id is not None:
            conversation = self._desk.history.load(self.conversation_id)
            lane.show_path(path_to(conversation, conversation.tips), conversation)

    @property
    def empty(self) -> bool:
        """Whether nothing was asked yet."""
        return not self.message_id and not self.running

    @property
    def running(self) -> bool:
        """Whether a run of this conversation is under way."""
        return bool(self._targets)

    @property
    def mode(self) -> Mode:
        """The mode of the next run: chosen here, or the settings' for this number of lanes."""
        if self.chosen_mode is not None:
            return self.chosen_mode
        settings = self._desk.settings
        return settings.chat_mode if len(self.lanes) == 1 else settings.compare_mode

    def set_shown(self, shown: bool) -> None:
        """Only the view on the screen carries the names that scripts look for."""
        self.shown = shown
        self._place_lanes()

    # ------------------------------------------------------------ lanes

    def setups(self) -> list[LaneSetup]:
        """What will run."""
        return [lane.setup for lane in self.lanes]

    def problem(self) -> str:
        """Which lane cannot run, and why; empty when all can."""
        for lane in self.lanes:
            if lane.problem:
                return f"Lane {lane.label}: {lane.problem}"
        return ""

    def add_lane(self) -> Lane | None:
        """A lane with the settings of the last one; None when there are four."""
        if len(self.lanes) >= MAX_LANES:
            return None
        used = {lane.label for lane in self.lanes}
        label = next(name for name in LANE_LABELS if name not in used)
        last = self.lanes[-1]
        lane = self._make_lane(replace(last.setup, label=label))
        self.lanes.append(lane)
        self._copy_tip(last.label, label)
        self._place_lanes()
        for other in self.lanes:
            if not other.writing:
                self.reload_lane(other)
        self._show_prompt(self.prompt.text)
        self.save_lanes()
        if any(other.editor_open for other in self.lanes):
            lane.show_editor(True)
        return lane

    def remove_lane(self, lane: Lane) -> None:
        """Take a lane away; its replies stay in the history."""
        if len(self.lanes) < 2 or lane not in self.lanes:
            return
        self.lanes.remove(lane)
        self._targets = [target for target in self._targets if target is not lane] or []
        self._unfinished.discard(lane)
        self._lanes_view.remove(lane)
        self._forget_tip(lane.label)
        self._place_lanes()
        for other in self.lanes:
            if not other.writing:
                self.reload_lane(other)
        self._show_prompt(self.prompt.text)
        self.save_lanes()

    def set_seed(self, seed: int) -> None:
        """One seed for all lanes; -1 draws one with each run."""
        for lane in self.lanes:
            if lane.model.chain.integer("seed") != seed:
                lane.model.set_values({"seed": seed})
        self.save_lanes()

    @property
    def seed(self) -> int:
        """The first lane's seed."""
        return self.lanes[0].model.chain.integer("seed") if self.lanes else -1

    def save_lanes(self) -> None:
        """Keep the lanes' set-up with the conversation."""
        if self.conversation_id is not None:
            setups = [lane.setup.to_json() for lane in self.lanes]
            self._desk.history.set_lanes(self.conversation_id, setups)
        self.changed.emit()

    def show_editors(self, shown: bool) -> None:
        """Open or close the chain editors of all lanes."""
        for lane in self.lanes:
            lane.show_editor(shown)

    @property
    def editors_open(self) -> bool:
        """Whether any chain editor is open."""
        return any(lane.editor_open for lane in self.lanes)

    def apply_settings(self) -> None:
        """Reasoning open or folded, and the model's own sampling values."""
        settings, loaded = self._desk.settings, self._desk.session.loaded
        values = None
        if settings.use_model_sampling and loaded is not None:
            values = parse_model_sampling(loaded.model.metadata).values or None
        for lane in self.lanes:
            lane.set_reasoning_open(settings.show_reasoning_open)
            if lane.setup.model_values != values:
                lane.model.set_setup(replace(lane.setup, model_values=values))
        self._compare_with_first()

    def _set_lanes(self, setups: Sequence[LaneSetup]) -> None:
        for lane in self.lanes:
            self._lanes_view.remove(lane)
        self.lanes = [self._make_lane(setup) for setup in setups]
        self._place_lanes()

    def _make_lane(self, setup: LaneSetup) -> Lane:
        lane = Lane(setup, self._desk)
        lane.stop_wanted.connect(self.stop_wanted)
        lane.regenerate_wanted.connect(self.regenerate_wanted)
        lane.continue_wanted.connect(self.continue_wanted)
        lane.keep_wanted.connect(self.keep_wanted)
        lane.remove_wanted.connect(self.remove_wanted)
        lane.copied.connect(self.copied)
        lane.sibling_wanted.connect(self._choose_sibling)
        lane.setup_changed.connect(self._setup_changed)
        lane.set_reasoning_open(self._desk.settings.show_reasoning_open)
        self.lane_added.emit(lane)
        return lane

    def _place_lanes(self) -> None:
        prefix = "" if self.shown else "background_"
        self._lanes_view.set_lanes(self.lanes)
        for index, lane in enumerate(self.lanes):
            lane.set_place(index, len(self.lanes), prefix)
        self._compare_with_first()

    def _compare_with_first(self) -> None:
        for index, lane in enumerate(self.lanes):
            lane.model.set_reference(self.lanes[0].model.chain if index else None)

    def _setup_changed(self, _lane: Lane) -> None:
        self._compare_with_first()
        self.save_lanes()

    def _choose_sibling(self, lane: Lane, reply_id: int) -> None:
        if self.conversation_id is None or self.running:
            return
        history = self._desk.history
        tips = dict(history.load(self.conversation_id).tips)
        history.set_tips(self.conversation_id, {**tips, lane.label: reply_id})
        self.reload_lane(lane)

    def _copy_tip(self, source: str, label: str) -> None:
        if self.conversation_id is not None:
            tips = dict(self._desk.history.load(self.conversation_id).tips)
            if source in tips:
                self._desk.history.set_tips(self.conversation_id, {**tips, label: tips[source]})

    def _forget_tip(self, label: str) -> None:
        if self.conversation_id is not None:
            tips = dict(self._desk.history.load(self.conversation_id).tips)
            if tips.pop(label, None) is not None and tips:
                self._desk.history.set_tips(self.conversation_id, tips)

    # ------------------------------------------------------------ a run

    def begin(self, began: RunBegan, text: str | None, targets: Sequence[Lane]) -> None:
        """A run starts; `text` None answers the newest message once more."""
        self.conversation_id = began.conversation_id or self.conversation_id
        self.message_id = began.message_id
        self._targets = list(targets)
        self._unfinished = set(targets)
        if text is not None:
            self._show_prompt(text)
        for number, lane in enumerate(self._targets):
            seed = began.resolved[number].chain.integer("seed")
            opened = began.prompts[number].reasoning_open
            lane.begin(text, began.reply_ids[number], seed, opened=opened)
        self.changed.emit()

    def take(self, event: SessionEvent) -> None:
        """Show one event of the run."""
        if isinstance(event, Output | LoopFound | LaneFinished):
            lane = self._target(event.lane)
            if lane is None:
                return
            lane.take(event)
            if isinstance(event, LaneFinished):
                self._unfinished.discard(lane)
                usage = event.usage
                self.used_tokens = usage.prompt_tokens + usage.answer_tokens
        elif isinstance(event, RunStarted | PrefillProgress):
            only = event.lane if isinstance(event, PrefillProgress) else None
            for number, target in enumerate(self._targets):
                if only in (None, number) and target in self._unfinished:
                    target.take(event)

    def end_run(self, error: UserError | None = None) -> None:
        """The run is over; lanes that had not finished show why."""
        for lane in list(self._unfinished):
            lane.fail(error or UserError("The run was stopped.", "Send again."))
        targets, self._targets, self._unfinished = self._targets, [], set()
        if self.conversation_id is not None:
            conversation = self._desk.history.load(self.conversation_id)
            self.title = conversation.title or self.title
            message = next((m for m in conversation.messages if m.id == self.message_id), None)
            for lane in targets:
                if lane in self.lanes and message is not None:
                    lane.offer_siblings(message)
        self.changed.emit()

    def _target(self, number: int) -> Lane | None:
        lane = self._targets[number] if number < len(self._targets) else None
        return lane if lane in self._unfinished else None

    def target_number(self, lane: Lane) -> int | None:
        """The lane's number in the present run."""
        return self._targets.index(lane) if lane in self._targets else None

    # ------------------------------------------------------------ the message

    def _show_prompt(self, text: str) -> None:
        header = text if len(self.lanes) > 1 else ""
        self.prompt.set_text(header)
        self._line.setVisible(bool(header))
        self._fit_prompt()

    def _fit_prompt(self) -> None:
        low = self.window().height() < theme().px(_LOW_WINDOW)
        self.prompt.set_lines(1 if len(self.lanes) > 2 or low else 2)

    def _copy_prompt(self) -> None:
        QGuiApplication.clipboard().setText(self.prompt.text)
        self.copied.emit()

    def _count_used(self, conversation: Conversation) -> None:
        tips = set(conversation.tips.values())
        replies = [r for m in conversation.messages for r in m.replies if r.id in tips]
        used = [r.usage.prompt_tokens + r.usage.answer_tokens for r in replies]
        self.used_tokens = max(used, default=0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_prompt()


def _with_labels(setups: Sequence[LaneSetup]) -> list[LaneSetup]:
    """The setups with letters of lanes, each once."""
    free = list(LANE_LABELS)
    result: list[LaneSetup] = []
    for setup in setups:
        if not free:
            break
        label = setup.label if setup.label in free else free[0]
        free.remove(label)
        result.append(replace(setup, label=label))
    return result
