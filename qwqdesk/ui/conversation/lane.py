"""One lane: its head, its chain editor, and what it writes; it turns a run's events into those."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from qwqdesk.conversation import Conversation, Reply, Usage, UserMessage
from qwqdesk.conversation_path import lane_replies
from qwqdesk.engine.events import (
    LaneFinished,
    LoopFound,
    LoopGrew,
    Output,
    PrefillProgress,
    ReasoningClosed,
    RunStarted,
)
from qwqdesk.errors import UserError
from qwqdesk.lane_export import CopiedLane
from qwqdesk.lane_failure import failure_error
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import SessionEvent
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.samplers import RANDOM_SEED
from qwqdesk.store.history import CUT_DETAIL
from qwqdesk.thought_end import end_words
from qwqdesk.thought_origin import origin_of_reply
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_row import Density
from qwqdesk.ui.conversation.earlier_turns import EarlierTurns, Turn, drawn_at_once
from qwqdesk.ui.conversation.lane_body import LaneBody
from qwqdesk.ui.conversation.lane_head import LaneHead
from qwqdesk.ui.conversation.lane_output import LaneOutput, width_class
from qwqdesk.ui.conversation.lane_status import (
    LaneStatus,
    finished,
    looping,
    preparing,
    reading,
    running,
    unanswered,
)
from qwqdesk.ui.conversation.siblings import Siblings
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.theme import set_state, theme

MIN_WIDTH = 300


def _show_copied(lane: Lane, copied: CopiedLane) -> None:
    """Say what another program cannot express, and stays behind."""
    if copied.lost:
        lane.output.bands.show_note(f"Copied as {copied.title}.", copied.sentence)
    else:
        lane.copied.emit()


class Lane(QFrame):
    """One column. Its letter is its setup's label, which stays when lanes around it go."""

    stop_wanted = Signal(object)
    answer_now_wanted = Signal(object)
    regenerate_wanted = Signal(object)
    continue_wanted = Signal(object)
    keep_wanted = Signal(object)
    remove_wanted = Signal(object)
    setup_changed = Signal(object)
    sibling_wanted = Signal(object, object)  # Lane, a reply's id
    menu_shown = Signal(object, object)  # the lane, the menu behind its three dots
    import_wanted = Signal(object)
    manage_wanted = Signal(object)
    seed_wanted = Signal(object)  # an int of up to 32 bits, for all lanes
    again_shown = Signal(object, object)  # the lane, the menu to answer again
    copied = Signal()

    def __init__(self, setup: LaneSetup, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self._desk = desk
        self.single = True
        self.density: Density = "normal"
        self.reply_id = 0
        self._reasoning_tokens = 0
        self._loop_found = False
        self._waits = False  # for its turn, in a run that is under way
        self.answers = 1  # how many it writes at once; it shows the last
        self.status: LaneStatus | None = None
        self.model = ChainModel(setup, self)
        self.head = LaneHead(self.model, setup.label)
        self.head.set_recipes(desk.recipes)
        self.output = LaneOutput(single=True)
        self.body = LaneBody(self.model, self.output)
        self._earlier = EarlierTurns(self.output)
        self._siblings = Siblings(self)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.body, 1)
        self._connect()

    def _connect(self) -> None:
        output, head = self.output, self.head
        self._siblings.chosen.connect(lambda reply_id: self.sibling_wanted.emit(self, reply_id))
        output.stopRequested.connect(lambda: self.stop_wanted.emit(self))
        output.answerNowRequested.connect(lambda: self.answer_now_wanted.emit(self))
        output.regenerateRequested.connect(lambda: self.regenerate_wanted.emit(self))
        output.againShown.connect(lambda menu: self.again_shown.emit(self, menu))
        output.continueRequested.connect(lambda: self.continue_wanted.emit(self))
        output.keepRequested.connect(lambda: self.keep_wanted.emit(self))
        output.copyRequested.connect(self.copied)
        head.chainToggled.connect(self.show_editor)
        head.removeAsked.connect(lambda: self.remove_wanted.emit(self))
        head.stepChosen.connect(self.show_step)
        head.recipeNamed.connect(self._save_recipe)
        head.importAsked.connect(lambda: self.import_wanted.emit(self))
        head.manageAsked.connect(lambda: self.manage_wanted.emit(self))
        head.menuShown.connect(lambda menu: self.menu_shown.emit(self, menu))
        self.model.copied.connect(lambda copied: _show_copied(self, copied))
        self.model.edited.connect(lambda *_: self.setup_changed.emit(self))
        self.model.seed_named.connect(self._offer_seed)

    # ------------------------------------------------------------ set-up

    @property
    def label(self) -> str:
        """The lane's letter."""
        return self.model.setup.label

    @property
    def setup(self) -> LaneSetup:
        """The recipe and the user's changes."""
        return self.model.setup

    @property
    def writing(self) -> bool:
        """Whether the lane writes now."""
        return self.output.running

    @property
    def answered(self) -> bool:
        """Whether it shows a reply to the newest message, whole or not."""
        return self.output.reply is not None

    @property
    def has_text(self) -> bool:
        """Whether something is shown that removing the lane would take away."""
        return bool(self.output.transcript.replies)

    @property
    def earlier_turns_come(self) -> bool:
        """Whether earlier turns are still being drawn by themselves."""
        return self._earlier.coming

    def set_place(self, index: int, lanes: int, prefix: str = "") -> None:
        """Its place among `lanes` lanes."""
        self.setObjectName(f"{prefix}lane{index}")
        self.setAccessibleName(f"Lane {self.label}" if lanes > 1 else "Chat")
        self.single = lanes == 1
        self.output.set_single(self.single)
        self.head.set_letter(self.label)
        self.head.set_removable(not self.single)
        self.head.set_density(self.density, alone=self.single)
        self.body.set_single(self.single)

    def tab_parts(self) -> list[QWidget]:
        """The order of Tab: head, chain editor, messages, text, foot."""
        output = self.output
        parts = [*self.head.tab_stops(), *self.body.tab_stops(), output.bands, output.transcript]
        return parts if self.single else [*parts, output.footer]

    def show_editor(self, shown: bool) -> None:
        """Open or close the chain editor."""
        if self.body.show_editor(shown) and self.body.editor is not None:
            self.body.editor.problemChanged.connect(lambda *_: self.setup_changed.emit(self))
        self.head.set_chain_open(shown)

    def show_step(self, name: str) -> None:
        """Open the editor at a step."""
        self.show_editor(True)
        if self.body.editor is not None:
            self.body.editor.show_step(name)

    def _offer_seed(self, seed: int | None) -> None:
        """A recipe or a command names a seed, which is not taken over without being asked for."""
        if seed is None:
            self.output.bands.hide_seed()
            return
        where = "" if self.single else " for all lanes"
        self.output.bands.offer_seed(seed, where, lambda: self.seed_wanted.emit(seed))

    def _save_recipe(self, name: str) -> None:
        """Save the chain under a name and go on with it as this lane's recipe."""
        try:
            chain, limits = self.model.chain.with_seed(RANDOM_SEED), self.setup.limits
            recipe = Recipe.of(chain, name, constraints=limits)
            self._desk.save_recipe(recipe)
        except UserError as error:
            self.output.bands.show_error(error)
            return
        self.model.set_recipe(recipe)

    # ------------------------------------------------------------ history

    def show_path(self, path: Sequence[UserMessage], conversation: Conversation) -> None:
        """Show what was written along a conversation's path."""
        self.output.clear()
        self._siblings.drop()
        self._set_status(None)
        self.reply_id = 0
        if path:
            self.body.show_text()
        bubbles = self.single or len(path) > 1
        replies = lane_replies(path, conversation, self.label)
        turns = [
            Turn(
                message.text if bubbles else None,
                reply,
                origin_of_reply(reply, message.replies) if reply is not None else None,
            )
            for message, reply in zip(path, replies, strict=True)
        ]
        first = len(turns) - drawn_at_once(len(turns))
        for turn in turns[first:]:
            self._show_turn(turn)
        self._earlier.offer(turns[:first], drawn=len(turns) - first)
        if path:
            self.offer_siblings(path[-1])
        if path and replies[-1] is None:
            self._show_unanswered(path[-1])
        if self.single:
            self.output.transcript.to_end()
        else:
            self.output.transcript.to_newest_turn()

    def _show_unanswered(self, message: UserMessage) -> None:
        """It was asked in vain, or not at all."""
        failure = message.failures.get(self.label)
        if failure is not None:
            self.fail(failure_error(failure))
        else:
            self._set_status(unanswered())

    def _show_turn(self, turn: Turn) -> None:
        if turn.text is not None:
            self.output.show_prompt(turn.text)
        if turn.reply is not None:
            self._show_reply(turn.reply)
            if turn.origin is not None:
                self.output.set_origin(turn.origin)

    def _show_reply(self, reply: Reply) -> None:
        self.reply_id = reply.id
        self.output.show_reply(reply)
        cut = reply.finish_reason is None or reply.finish_detail == CUT_DETAIL
        reason = None if cut else reply.finish_reason
        self._set_status(finished(reason, reply.finish_detail, looped=reply.loop is not None))
        if cut:
            self.output.bands.show_error(UserError("Interrupted.", CUT_DETAIL, code="cut"))

    def offer_siblings(self, message: UserMessage) -> None:
        """Offer the other replies to this message, where there are some."""
        self._siblings.offer(message, self.reply_id, self.output.reply)

    def step_sibling(self, step: int) -> None:
        """Show the earlier (-1) or later (1) reply to the same message."""
        if not self.writing:
            self._siblings.step(step)

    # ------------------------------------------------------------ a run

    def ask(self, text: str, before: str | None) -> None:
        """A new message was sent to this lane.

        A first message to several lanes stands above them alone. With the second one both stand in
        the lane: `before` is the first one's text then, None in any other case.
        """
        self.body.show_text()
        self.model.forget_named_seed()
        self._siblings.drop()
        if before is not None and not self.output.transcript.prompts:
            self.output.transcript.add_earlier(before, reply=False)
        if self.single or self.output.transcript.prompts:
            self.output.show_prompt(text)

    def begin(self, reply_id: int, seed: int | None, *, opened: bool, again: bool) -> None:
        """A run starts in this lane. `again`: the newest reply, if any, is written anew."""
        self.reply_id, self._reasoning_tokens = reply_id, 0
        self._loop_found = self._waits = False
        self.body.show_text()
        self._siblings.drop()
        if again:
            self.output.restart(opened, seed)
        else:
            self.output.start(opened, seed)
        self._set_status(running("Waiting"))

    def take(self, event: SessionEvent) -> None:
        """Show one event of the engine that concerns this lane."""
        if isinstance(event, Output):
            self._take_output(event)
        elif isinstance(event, PrefillProgress):
            prepares = event.prepares_gpu
            status = preparing() if prepares else reading(event.done, event.total)
            self.output.set_progress(status.text)
            self._set_status(status)
        elif isinstance(event, LoopFound):
            self._loop_found = True
            self.output.set_loop(event.loop)
            self._set_status(looping())
        elif isinstance(event, LoopGrew):
            self.output.set_loop(event.loop)
        elif isinstance(event, ReasoningClosed):
            if self.output.reply is not None:
                self.output.reply.reasoning.header.set_end(end_words(event.reason))
        elif isinstance(event, LaneFinished):
            self.output.finish(event.reason, event.detail, event.usage, event.timing)
            self._set_status(finished(event.reason, event.detail, looped=self._loop_found))
        elif isinstance(event, RunStarted) and event.sequential:
            self.output.set_progress("Waiting: the lanes run one after another")

    def _take_output(self, event: Output) -> None:
        new = event.reasoning_tokens - self._reasoning_tokens
        self._reasoning_tokens = event.reasoning_tokens
        self.output.append(event.spans, len(event.tokens), new)
        if event.spans and not self._loop_found:
            answering = event.spans[-1].kind in ("answer", "frame")
            words = "Answering" if self.answers == 1 else f"Writing {self.answers} answers"
            self._set_status(running(words if answering else "Thinking"))

    def wait(self, words: str) -> None:
        """Its turn comes later, or its model is being loaded."""
        self._waits = True
        self._set_status(running(words))

    def end_waiting(self) -> None:
        """The run is over; where the lane's turn never came, it has no reply."""
        if self._waits:
            self._waits = False
            self._set_status(unanswered())

    def fail(self, error: UserError, usage: Usage | None = None) -> None:
        """The run ended with an error before this lane had finished; `usage` is what it cost."""
        self._waits = False
        self.body.show_text()
        self.output.show_error(error, usage)
        self._set_status(finished("error", str(error)))

    def _set_status(self, status: LaneStatus | None) -> None:
        if status != self.status:
            self.status = status
            self.head.set_status(status)

    # ------------------------------------------------------------ geometry

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.density = cast("Density", width_class(self.width(), self.density))
        set_state(self, "density", self.density)
        self.head.set_density(self.density, alone=self.single)

    def fit(self) -> None:
        """Lay the parts out now."""
        self._column.activate()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        # Head, foot and a line of text: where there is less, the foot would be cut off.
        return QSize(theme().px(MIN_WIDTH), theme().px(140))
