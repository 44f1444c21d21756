"""One conversation on the screen: its message, its lanes, and the events of its run.

A view that streams stays alive while another conversation is shown, so that its text cannot go
anywhere else; the page drops it when its run has ended.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.conversation import Conversation, Mode, Reply, Usage, UserMessage
from qwqdesk.conversation_path import continues_from, lane_replies, path_to
from qwqdesk.engine.events import (
    Event,
    LaneFinished,
    LoopFound,
    LoopGrew,
    Output,
    PrefillProgress,
    ReasoningClosed,
    RunStarted,
)
from qwqdesk.errors import UserError
from qwqdesk.lane_failure import failure_error
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.question import keep_setups
from qwqdesk.run_plan import RunBegan, SessionEvent
from qwqdesk.template_variables import NO_VARIABLES, TemplateVariables
from qwqdesk.thought_origin import origin_of
from qwqdesk.ui.base import Hairline, Toast
from qwqdesk.ui.conversation.comparison import Comparison
from qwqdesk.ui.conversation.difference_strip import DifferenceStrip
from qwqdesk.ui.conversation.differences import Differences
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.lanes_view import LanesView
from qwqdesk.ui.conversation.prompt_header import PromptHeader
from qwqdesk.ui.conversation.tips import change_tips
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.theme import theme

DEFAULT_RECIPE = "qwen"
_LOW_WINDOW = 860  # px of height under which the message takes one line


class ConversationView(QWidget):
    """`changed` says that lanes, title or state are others; the rest asks the page to act."""

    changed = Signal()
    stop_wanted = Signal(object)
    answer_now_wanted = Signal(object)
    regenerate_wanted = Signal(object)
    continue_wanted = Signal(object)
    keep_wanted = Signal(object)
    remove_wanted = Signal(object)
    edit_wanted = Signal(str)
    menu_shown = Signal(object, object)  # a lane, the menu behind its three dots
    import_wanted = Signal(object)
    manage_wanted = Signal(object)
    again_shown = Signal(object, object)  # a lane, the menu to answer again
    copied = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("conversationView")
        self._desk = desk
        self.conversation_id: int | None = None
        self.title = "New chat"
        self.system_prompt = desk.settings.system_prompt
        self.variables = NO_VARIABLES
        self.chosen_mode: Mode | None = None
        self.message_id = 0
        self.used_tokens = 0
        self.notes: tuple[str, ...] = ()  # of the last run, for the user
        self._shown_messages: list[int] = []  # from the first one to the newest
        self._asked: set[Lane] = set()  # by the run that is under way
        self._targets: list[Lane] = []
        self._unfinished: set[Lane] = set()
        self.prompt = PromptHeader()
        self.prompt.copyRequested.connect(self._copy_prompt)
        self.prompt.editRequested.connect(lambda: self.edit_wanted.emit(self.prompt.text))
        self.columns = LanesView(desk)
        self.columns.made.connect(self._connect_lane)
        self.comparison = Comparison(self)
        self.strip = DifferenceStrip()
        self.strip.hide()
        self.differences = Differences(desk, self.columns, self.comparison, self.strip, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._line = Hairline()
        column.addWidget(self.prompt)
        column.addWidget(self._line)
        column.addWidget(self.strip)
        column.addWidget(self.columns, 1)

    def _connect_lane(self, lane: Lane) -> None:
        lane.stop_wanted.connect(self.stop_wanted)
        lane.answer_now_wanted.connect(self.answer_now_wanted)
        lane.regenerate_wanted.connect(self.regenerate_wanted)
        lane.continue_wanted.connect(self.continue_wanted)
        lane.keep_wanted.connect(self.keep_wanted)
        lane.remove_wanted.connect(self.remove_wanted)
        lane.sibling_wanted.connect(self._choose_sibling)
        lane.menu_shown.connect(self.menu_shown)
        lane.import_wanted.connect(self.import_wanted)
        lane.manage_wanted.connect(self.manage_wanted)
        lane.again_shown.connect(self.again_shown)
        lane.setup_changed.connect(lambda *_: self.save_lanes())
        lane.copied.connect(self.copied)

    # ------------------------------------------------------------ what it shows

    @property
    def lanes(self) -> list[Lane]:
        """The lanes from left to right."""
        return self.columns.lanes

    def least_height(self) -> int:
        """Pixels below which its lanes have less than a few lines of text."""
        above = sum(part.height() for part in (self.prompt, self.strip) if part.isVisible())
        bar = self.columns.horizontalScrollBar()
        below = bar.height() if bar.isVisible() else 0
        lanes = (lane.head.height() + lane.output.least_height() for lane in self.lanes)
        return above + max(lanes, default=0) + below

    @property
    def empty(self) -> bool:
        """Whether nothing was asked yet."""
        return not self.message_id and not self._targets

    @property
    def mode(self) -> Mode:
        """The mode of the next run: chosen here, or the settings' for this number of lanes."""
        if self.chosen_mode is not None:
            return self.chosen_mode
        settings = self._desk.settings
        return settings.chat_mode if len(self.lanes) == 1 else settings.compare_mode

    def start_new(self, setups: Sequence[LaneSetup] = ()) -> None:
        """An empty conversation with these lanes; one with the default recipe without."""
        self.columns.set_setups(setups or [self._default_setup()])
        self.comparison.show({lane.label: None for lane in self.lanes})

    def show_conversation(self, conversation: Conversation) -> None:
        """Show a conversation of the history."""
        recipes = self._desk.recipes_by_id()
        setups = [LaneSetup.from_json(data, recipes) for data in conversation.lanes]
        self.conversation_id = conversation.id
        self.title = conversation.title or "New chat"
        self.system_prompt = conversation.system_prompt
        self.variables = TemplateVariables.from_json(conversation.template_variables)
        self.columns.set_setups(setups or [self._default_setup()])
        path = path_to(conversation, conversation.tips)
        self._show_path(path, conversation)
        self.message_id = path[-1].id if path else 0
        self._show_prompt(path[-1].text if path else "")
        self.used_tokens = _used(conversation)
        self.changed.emit()

    def save_lanes(self) -> None:
        """Keep the lanes' set-up with the conversation."""
        if self.conversation_id is not None:
            setups = [lane.setup for lane in self.lanes]
            keep_setups(self._desk.history, self.conversation_id, setups)
        self.changed.emit()

    def _default_setup(self) -> LaneSetup:
        return LaneSetup("A", self._desk.recipe(DEFAULT_RECIPE))

    def _reload_idle(self) -> None:
        """Show what the history has; while a run is under way its lanes are not to be touched."""
        if self.conversation_id is None or self._targets:
            return
        conversation = self._desk.history.load(self.conversation_id)
        self._show_path(path_to(conversation, conversation.tips), conversation)

    def _show_path(self, path: Sequence[UserMessage], conversation: Conversation) -> None:
        self._shown_messages = [message.id for message in path]
        newest: dict[str, Reply | None] = {}
        for lane in self.lanes:
            lane.show_path(path, conversation)
            replies = lane_replies(path, conversation, lane.label)
            newest[lane.label] = replies[-1] if replies else None
        self.comparison.show(newest)

    # ------------------------------------------------------------ lanes

    def add_lane(self, like: Lane | None = None) -> Lane | None:
        """A lane with the settings of another (the last), that continues from the same reply."""
        last = (like or self.lanes[-1]).label
        lane = self.columns.add(like)
        if lane is not None:
            if self.conversation_id is not None:
                history, number = self._desk.history, self.conversation_id
                behind = continues_from(history.load(number), last)
                given = {lane.label: behind} if behind is not None else {}
                change_tips(history, number, lambda _tips: given)
            self._lanes_changed()
        return lane

    def remove_lane(self, lane: Lane) -> None:
        """Take a lane away; its replies stay in the history."""
        if len(self.lanes) < 2 or lane not in self.lanes:
            return
        self._unfinished.discard(lane)
        self.columns.remove(lane)
        self._forget_tip(lane)
        self._lanes_changed()

    def _forget_tip(self, lane: Lane) -> None:
        """Nothing goes on from a lane that was removed, perhaps while its run was being made."""
        if self.conversation_id is not None:
            number = self.conversation_id
            change_tips(self._desk.history, number, lambda _tips: {}, leave_out=lane.label)

    def _lanes_changed(self) -> None:
        self._reload_idle()
        self.comparison.set_labels([lane.label for lane in self.lanes])
        self._show_prompt(self.prompt.text)
        self.save_lanes()

    def _choose_sibling(self, lane: Lane, reply_id: int) -> None:
        if self.conversation_id is None:
            return
        if self._targets:  # all lanes would be drawn anew, also those that write
            Toast(self, "Other replies can be shown when no lane of this chat is generating.")
            return
        chosen = {lane.label: reply_id}
        change_tips(self._desk.history, self.conversation_id, lambda _tips: chosen)
        self._reload_idle()

    # ------------------------------------------------------------ a run

    def ask(self, message_id: int, text: str | None, lanes: Sequence[Lane]) -> None:
        """These lanes are asked the new message, or the newest one once more without `text`."""
        self._asked = set(lanes)
        if text is None:
            return
        self._leave_unanswered()
        first = self.prompt.text if len(self._shown_messages) == 1 and len(self.lanes) > 1 else None
        for lane in self.lanes:
            lane.ask(text, first)
        self._shown_messages.append(message_id)
        self._show_prompt(text)

    def _leave_unanswered(self) -> None:
        """What no lane answered is no turn: the new message does not follow it."""
        if self.conversation_id is None:
            return
        conversation = self._desk.history.load(self.conversation_id)
        path = path_to(conversation, conversation.tips)[:-1]
        if self._shown_messages != [message.id for message in path]:
            self._show_path(path, conversation)
            self._show_prompt(path[-1].text if path else "")

    def begin(self, began: RunBegan, targets: Sequence[Lane], *, again: bool) -> None:
        """A run starts, perhaps for some of the lanes; `again` answers the newest message anew."""
        self.conversation_id = began.conversation_id or self.conversation_id
        self.message_id = began.message_id
        self.notes = tuple(dict.fromkeys(n for prompt in began.prompts for n in prompt.notes))
        self.used_tokens = max((len(prompt.tokens) for prompt in began.prompts), default=0)
        self._targets = list(targets)
        self._unfinished = {lane for lane in targets if lane in self.lanes}
        before = [reply.reasoning for reply in self.comparison.replies()]
        for lane in dict.fromkeys(self._targets):
            if lane not in self._unfinished:
                self._forget_tip(lane)
                continue
            numbers = self.target_numbers(lane)
            number, lane.answers = numbers[-1], len(numbers)  # it shows the last of its replies
            seed, prompt = began.resolved[number].chain.integer("seed"), began.prompts[number]
            reply_id, opened = began.reply_ids[number], prompt.reasoning_open
            lane.begin(reply_id, seed, opened=opened, again=again)
            lane.output.set_origin(origin_of(prompt.thought, before))
        self.comparison.begin(began, [lane.label for lane in self.lanes])
        self.changed.emit()

    def take(self, event: SessionEvent) -> None:
        """Show one event of the run."""
        if isinstance(event, Event):
            self.comparison.take(event)
        if isinstance(event, Output | LoopFound | LoopGrew | ReasoningClosed | LaneFinished):
            lane = self._targets[event.lane]
            shown = event.lane == self.target_numbers(lane)[-1]
            if shown and lane in self._unfinished:
                lane.take(event)
                if isinstance(event, LoopFound):
                    lane.output.mark_repeats(*self.comparison.loop_place(lane.label))
            if shown and isinstance(event, LaneFinished):
                self._unfinished.discard(lane)
                self.used_tokens = event.usage.prompt_tokens + event.usage.answer_tokens
        elif isinstance(event, RunStarted | PrefillProgress):
            only = event.lane if isinstance(event, PrefillProgress) else None
            for number, target in enumerate(self._targets):
                if number != self.target_numbers(target)[-1]:
                    continue
                if only in (None, number) and target in self._unfinished:
                    target.take(event)

    def wait(self, lanes: Sequence[Lane], words: str) -> None:
        """These lanes have not begun: their turn comes later, or their model is being loaded."""
        for lane in lanes:
            if lane in self.lanes:
                lane.wait(words)

    def fail(self, lanes: Sequence[Lane], error: UserError) -> None:
        """These lanes of a run could not begin or go on; others do."""
        for lane in lanes:
            if lane in self.lanes and (lane in self._unfinished or lane not in self._targets):
                lane.fail(error, self._usage(lane))
                self._unfinished.discard(lane)

    def show_failures(self, lanes: Sequence[Lane]) -> bool:
        """Let lanes without a reply say why the newest message is unanswered; whether all do."""
        if self.conversation_id is None:
            return False
        messages = self._desk.history.load(self.conversation_id).messages
        failures = next((m.failures for m in messages if m.id == self.message_id), {})
        for lane in lanes:
            if lane in self.lanes and lane.label in failures and not lane.answered:
                lane.fail(failure_error(failures[lane.label]))
        return all(lane.label in failures and not lane.answered for lane in lanes)

    def _usage(self, lane: Lane) -> Usage | None:
        replies = self.comparison.replies()
        return next((reply.usage for reply in replies if reply.label == lane.label), None)

    def end_run(self, error: UserError | None = None) -> None:
        """The run is over; lanes that had not finished show why."""
        for lane in self._unfinished:
            stopped = UserError("The run was stopped.", "Send again.")
            lane.fail(error or stopped, self._usage(lane))
        asked, self._asked = self._asked, set()
        self._targets, self._unfinished = [], set()
        if self.conversation_id is not None:
            conversation = self._desk.history.load(self.conversation_id)
            self.title = conversation.title or self.title
            message = next((m for m in conversation.messages if m.id == self.message_id), None)
            path = path_to(conversation, conversation.tips)
            for lane in self.lanes:
                if lane not in asked and not lane.has_text:  # added while the others wrote
                    lane.show_path(path, conversation)
                elif message is not None:
                    lane.end_waiting()
                    lane.offer_siblings(message)
        self.comparison.end()
        self.changed.emit()

    def writes(self, lane: Lane) -> bool:
        """Whether a lane of the present run has not ended."""
        return lane in self._unfinished

    def target_numbers(self, lane: Lane) -> list[int]:
        """The lane's numbers in the present run; several where it writes several replies."""
        return [number for number, target in enumerate(self._targets) if target is lane]

    # ------------------------------------------------------------ the message

    def _show_prompt(self, text: str) -> None:
        # The header keeps the text also while a single lane hides it: a second lane shows it.
        self.prompt.set_text(text)
        shown = bool(text) and len(self.lanes) > 1
        self.prompt.setVisible(shown)
        self._line.setVisible(shown)
        self._fit_prompt()

    def _fit_prompt(self) -> None:
        low = self.window().height() < theme().px(_LOW_WINDOW)
        self.prompt.set_lines(1 if len(self.lanes) > 2 or low else 2)

    def _copy_prompt(self) -> None:
        QGuiApplication.clipboard().setText(self.prompt.text)
        self.copied.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_prompt()


def _used(conversation: Conversation) -> int:
    """Tokens that the next prompt will have at least: the longest lane's prompt and answer."""
    tips = set(conversation.tips.values())
    replies = [r for m in conversation.messages for r in m.replies if r.id in tips]
    return max((r.usage.prompt_tokens + r.usage.answer_tokens for r in replies), default=0)
