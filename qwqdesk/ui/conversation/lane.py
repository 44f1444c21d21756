"""One lane: its head, its chain editor, and what it writes; it turns a run's events into those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout, QWidget

from qwqdesk.conversation import Conversation, Reply, UserMessage
from qwqdesk.conversation_path import reply_of_lane
from qwqdesk.engine.events import (
    LaneFinished,
    LoopFound,
    Output,
    PrefillProgress,
    RunStarted,
)
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import SessionEvent
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.store.history import CUT_DETAIL
from qwqdesk.ui.base import EmptyState, HairSplitter
from qwqdesk.ui.conversation.chain_editor import ChainEditor
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_row import Density
from qwqdesk.ui.conversation.lane_head import LaneHead
from qwqdesk.ui.conversation.lane_output import LaneOutput, width_class
from qwqdesk.ui.conversation.lane_status import LaneStatus, finished, looped, reading, running
from qwqdesk.ui.conversation.siblings import SiblingSwitch
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.theme import set_state, theme

MIN_WIDTH = 300
_DOCK_FROM = 980  # px of a single lane from which the chain stands at the right
_DOCK, _DOCK_WIDE, _WIDE_LANE = 360, 400, 1500
_EDITOR_SHARE = 0.45


class Lane(QFrame):
    """One column. `index` is its place; its letter is its setup's label, which never changes."""

    stop_wanted = Signal(object)
    regenerate_wanted = Signal(object)
    continue_wanted = Signal(object)
    keep_wanted = Signal(object)
    remove_wanted = Signal(object)
    setup_changed = Signal(object)
    sibling_wanted = Signal(object, int)
    copied = Signal()

    def __init__(self, setup: LaneSetup, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self.single = True
        self.density: Density = "normal"
        self.seed: int | None = None
        self.reply_id = 0
        self._reasoning_tokens = 0
        self._loop_found = False
        self.status: LaneStatus | None = None
        self.model = ChainModel(setup, self)
        self.head = LaneHead(self.model, setup.label)
        self.head.set_recipes(desk.recipes)
        self.output = LaneOutput(single=True)
        self.editor: ChainEditor | None = None
        self._siblings: SiblingSwitch | None = None
        self._body = HairSplitter(Qt.Orientation.Vertical)
        self._text = QStackedWidget()
        self._text.addWidget(self.output)
        self._body.addWidget(self._text)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.head)
        self._column.addWidget(self._body, 1)
        self._connect()

    def _connect(self) -> None:
        output = self.output
        output.stopRequested.connect(lambda: self.stop_wanted.emit(self))
        output.regenerateRequested.connect(lambda: self.regenerate_wanted.emit(self))
        output.continueRequested.connect(lambda: self.continue_wanted.emit(self))
        output.keepRequested.connect(lambda: self.keep_wanted.emit(self))
        output.copyRequested.connect(self.copied)
        self.head.chainToggled.connect(self.show_editor)
        self.head.removeAsked.connect(lambda: self.remove_wanted.emit(self))
        self.head.stepChosen.connect(self.show_step)
        self.head.recipeNamed.connect(self._save_recipe)
        self._desk.recipes_changed.connect(lambda: self.head.set_recipes(self._desk.recipes))
        self.model.edited.connect(lambda *_: self.setup_changed.emit(self))

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
    def has_text(self) -> bool:
        """Whether something is shown that removing the lane would take away."""
        return bool(self.output.transcript.replies)

    @property
    def problem(self) -> str:
        """Why this lane cannot run, in a sentence."""
        return self.editor.problem if self.editor is not None else ""

    def set_place(self, index: int, lanes: int, prefix: str = "") -> None:
        """Its place among `lanes` lanes; the first is what the others are compared with."""
        self.setObjectName(f"{prefix}lane{index}")
        self.setAccessibleName(f"Lane {self.label}" if lanes > 1 else "Chat")
        self.single = lanes == 1
        self.output.set_single(self.single)
        self.head.set_letter(self.label)
        self.head.set_removable(not self.single)
        self.head.set_density(self.density, alone=self.single)
        if not self.single:
            self._text.setCurrentWidget(self.output)
        self._arrange()

    def show_empty(self, compare: Callable[[], object]) -> None:
        """The first sentence of an empty chat, and the comparison one click away."""
        empty = EmptyState(
            "Ask something, or compare two recipes on the Flappy Bird prompt.",
            "Compare now",
            compare,
            icon_name="columns-2",
            name="emptyState",
        )
        self._text.addWidget(empty)
        self._text.setCurrentWidget(empty)

    def set_reasoning_open(self, opened: bool) -> None:
        """Whether reasoning is open while it streams."""
        self.output.reasoning_shown = opened

    def _save_recipe(self, name: str) -> None:
        """Save the chain under a name and go on with it as this lane's recipe."""
        try:
            recipe = Recipe.of(self.model.chain.with_seed(-1), name)
            self._desk.save_recipe(recipe)
        except UserError as error:
            self.output.bands.show_error(error)
            return
        self.model.set_recipe(recipe)

    # ------------------------------------------------------------ chain editor

    @property
    def editor_open(self) -> bool:
        """Whether the chain editor is shown."""
        return self.editor is not None and not self.editor.isHidden()

    def show_editor(self, shown: bool) -> None:
        """Open or close the chain editor; it is made when it is opened first."""
        if self.editor is None:
            if not shown:
                return
            self.editor = ChainEditor(self.model)
            self._body.insertWidget(0, self.editor)
        self.editor.setVisible(shown)
        self.head.set_chain_open(shown)
        self._arrange()
        if shown:
            self._size_editor()

    def show_step(self, name: str) -> None:
        """Open the editor at a step."""
        self.show_editor(True)
        assert self.editor is not None
        self.editor.show_step(name)

    def _size_editor(self) -> None:
        if self._body.orientation() == Qt.Orientation.Horizontal:
            dock = theme().px(_DOCK_WIDE if self.width() >= _WIDE_LANE else _DOCK)
            self._body.setSizes([self.width() - dock, dock])
        else:
            height = self._body.height() or 400
            self._body.setSizes([round(height * _EDITOR_SHARE), round(height * (1 - _EDITOR_SHARE))])

    # ------------------------------------------------------------ history

    def show_path(self, path: Sequence[UserMessage], conversation: Conversation) -> None:
        """Show what was written along a conversation's path."""
        self.output.clear()
        self._siblings = None
        self._set_status(None)
        bubbles = self.single or len(path) > 1
        for message in path:
            if bubbles:
                self.output.show_prompt(message.text)
            reply = reply_of_lane(message, self.label, conversation.tips)
            if reply is not None:
                self.output.show_reply(reply)
                self._mark_cut(reply)
        if path:
            reply = reply_of_lane(path[-1], self.label, conversation.tips)
            self._show_newest(path[-1], reply)
        self.output.transcript.to_end()

    def _show_newest(self, message: UserMessage, reply: Reply | None) -> None:
        if reply is None:
            return
        self.reply_id = reply.id
        cut = reply.finish_reason is None or reply.finish_detail == CUT_DETAIL
        self._set_status(finished(None if cut else reply.finish_reason, reply.finish_detail))
        if reply.loop is not None and reply.finish_reason != "loop":
            self._set_status(looped(still_running=False))
        self.offer_siblings(message)

    def _mark_cut(self, reply: Reply) -> None:
        if reply.finish_reason is None or reply.finish_detail == CUT_DETAIL:
            self.output.bands.show_error(UserError("Interrupted.", CUT_DETAIL, code="cut"))

    def offer_siblings(self, message: UserMessage) -> None:
        """Offer the other replies to this message, where there are some."""
        self._drop_siblings()
        shown = next((reply for reply in message.replies if reply.id == self.reply_id), None)
        view = self.output.reply
        if shown is None or view is None:
            return
        ids = [reply.id for reply in message.replies if reply.lane == shown.lane]
        if len(ids) > 1:
            self._siblings = SiblingSwitch(ids, shown.id)
            self._siblings.chosen.connect(lambda reply_id: self.sibling_wanted.emit(self, reply_id))
            view.add_below(self._siblings)

    def _drop_siblings(self) -> None:
        if self._siblings is not None:
            self._siblings.hide()
            self._siblings.deleteLater()
            self._siblings = None

    def step_sibling(self, step: int) -> None:
        """Show the earlier (-1) or later (1) reply to the same message."""
        if self._siblings is not None and not self.writing:
            self._siblings.step(step)

    # ------------------------------------------------------------ a run

    def begin(self, text: str | None, reply_id: int, seed: int | None, *, opened: bool) -> None:
        """A run starts in this lane. `text` None: the newest message is answered once more."""
        self.reply_id, self.seed, self._reasoning_tokens = reply_id, seed, 0
        self._loop_found = False
        self._text.setCurrentWidget(self.output)
        self._drop_siblings()
        if text is None:
            self.output.restart(opened, seed)
        else:
            if self.single or self.has_text:
                self.output.show_prompt(text)
            self.output.start(opened, seed)
        self._set_status(running("Waiting"))

    def take(self, event: SessionEvent) -> None:
        """Show one event of the engine that concerns this lane."""
        if isinstance(event, Output):
            self._take_output(event)
        elif isinstance(event, PrefillProgress):
            status = reading(event.done, event.total)
            self.output.set_progress(status.text)
            self._set_status(status)
        elif isinstance(event, LoopFound):
            self._loop_found = True
            self.output.set_loop(event.loop)
            self._set_status(looped(still_running=True))
        elif isinstance(event, LaneFinished):
            self.output.finish(event.reason, event.detail, event.usage, event.timing)
            ended = finished(event.reason, event.detail)
            marked = self._loop_found and event.reason in ("stop", "length")
            self._set_status(looped(still_running=False) if marked else ended)
        elif isinstance(event, RunStarted) and event.sequential:
            self.output.set_progress("Waiting: the lanes run one after another")

    def _take_output(self, event: Output) -> None:
        new = event.reasoning_tokens - self._reasoning_tokens
        self._reasoning_tokens = event.reasoning_tokens
        self.output.append(event.spans, len(event.tokens), new)
        if event.spans and not self._loop_found:
            answering = event.spans[-1].kind == "answer"
            self._set_status(running("Answering" if answering else "Thinking"))

    def fail(self, error: UserError) -> None:
        """The run ended with an error before this lane had finished."""
        self.output.show_error(error)
        self._set_status(finished("error", error.what))

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
        self._arrange()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(MIN_WIDTH), theme().px(200))

    def _arrange(self) -> None:
        """The editor stands at the right of a single wide lane, above the text otherwise."""
        across = self.single and self.width() >= theme().px(_DOCK_FROM)
        wanted = Qt.Orientation.Horizontal if across else Qt.Orientation.Vertical
        if self.editor is not None:
            first = 1 if across else 0
            if self._body.indexOf(self.editor) != first:
                self._body.insertWidget(first, self.editor)
        if self._body.orientation() != wanted:
            self._body.setOrientation(wanted)
            if self.editor_open:
                self._size_editor()
