"""The conversation page: toolbar, the shown conversation, composer, and how they act together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QMenu, QStackedWidget, QVBoxLayout, QWidget

from qwqdesk.conversation import Mode
from qwqdesk.engine.events import Loaded
from qwqdesk.errors import UserError
from qwqdesk.ui.base import MessageBand, Toast
from qwqdesk.ui.conversation.composer import Composer
from qwqdesk.ui.conversation.first_comparison import first_comparison
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.run_controller import RunController
from qwqdesk.ui.conversation.view import MAX_LANES, ConversationView
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import ask
from qwqdesk.ui.model_picker import model_title
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.toolbar import Toolbar


class ConversationPage(QFrame):
    """One view is shown; one that streams may live on behind it."""

    shown_changed = Signal()  # another conversation, or another number of lanes
    status_changed = Signal()
    choose_model_wanted = Signal()

    def __init__(self, desk: Desk, more: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("conversationPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self._desk = desk
        self._tasks = Tasks(self, desk.report)
        self.runs = RunController(desk, self._tasks, self)
        self.toolbar = Toolbar(more)
        self.bands = QVBoxLayout()
        self.bands.setSpacing(0)
        self._views = QStackedWidget()
        self.composer = Composer()
        self.view: ConversationView
        self._lay_out()
        self._connect()
        self.open_new()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addLayout(self.bands)
        column.addWidget(self._views, 1)
        column.addWidget(self.composer)

    def _connect(self) -> None:
        toolbar, composer = self.toolbar, self.composer
        toolbar.add_lane_wanted.connect(self.add_lane)
        toolbar.mode.mode_chosen.connect(self._choose_mode)
        toolbar.seed.seed_chosen.connect(lambda seed: self.view.set_seed(seed))
        composer.sendRequested.connect(self.send)
        composer.stopRequested.connect(self.stop)
        composer.chooseModelRequested.connect(self.choose_model_wanted)
        composer.systemPromptChanged.connect(self._set_system_prompt)
        self.runs.changed.connect(self._refresh)
        self.runs.changed.connect(self._drop_finished)
        self.runs.began.connect(self._began)
        self.runs.refused.connect(self._refused)
        self._desk.settings_changed.connect(lambda *_: self._settings_changed())
        self._desk.model_changed.connect(self._model_changed)

    # ------------------------------------------------------------ which conversation

    def open_new(self) -> ConversationView:
        """An empty conversation; the shown one stays in the history."""
        view = self._new_view()
        view.start_new()
        self._show(view)
        self._offer_first(view)
        return view

    def open_conversation(self, conversation_id: int) -> None:
        """Show a conversation of the history; one that streams is shown as it is."""
        if conversation_id == self.view.conversation_id:
            return
        for view in self._all_views():
            if view.conversation_id == conversation_id:
                self._show(view)
                return
        conversation = self._desk.history.load(conversation_id)
        view = self._new_view()
        view.show_conversation(conversation)
        self._show(view)

    async def forget(self, conversation_id: int) -> None:
        """A conversation will be deleted: its run ends, another one is shown."""
        running = self.runs.view
        if running is not None and running.conversation_id == conversation_id:
            await self.runs.stopped()
        if self.view.conversation_id == conversation_id:
            self.open_new()

    def _new_view(self) -> ConversationView:
        view = ConversationView(self._desk)
        view.changed.connect(self._refresh)
        view.stop_wanted.connect(self.runs.stop_lane)
        view.regenerate_wanted.connect(self.regenerate)
        view.continue_wanted.connect(self._go_on)
        view.keep_wanted.connect(lambda lane: self._tasks.start(self._keep(lane)))
        view.remove_wanted.connect(self.remove_lane)
        view.edit_wanted.connect(self._edit_message)
        view.copied.connect(lambda: Toast(self, "Copied"))
        self._views.addWidget(view)
        return view

    def _all_views(self) -> list[ConversationView]:
        found = (self._views.widget(number) for number in range(self._views.count()))
        return [view for view in found if isinstance(view, ConversationView)]

    def _show(self, view: ConversationView) -> None:
        self.view = view
        for other in self._all_views():
            if other is not view:
                other.set_shown(False)
        view.set_shown(True)
        view.apply_settings()
        self._views.setCurrentWidget(view)
        self.composer.set_system_prompt(view.system_prompt)
        self._drop_finished()
        self._refresh()
        self.shown_changed.emit()

    def _drop_finished(self) -> None:
        """Views behind the shown one live only while they stream."""
        for view in self._all_views():
            if view is not self.view and view is not self.runs.view:
                self._views.removeWidget(view)
                view.hide()
                view.deleteLater()

    # ------------------------------------------------------------ sending

    def send(self, text: str) -> None:
        """Send a message to all lanes of the shown conversation."""
        problem = self.view.problem()
        if problem:
            self.composer.show_error(UserError(problem, "Mend the value first."))
            return
        options = self._desk.options(self.view.mode, self.view.system_prompt)
        self.runs.send(self.view, text, options)

    def compare_first(self) -> None:
        """The comparison of the first start: two recipes on the Flappy Bird prompt."""
        try:
            comparison = first_comparison(self._desk.recipes_by_id())
        except UserError as error:
            self.composer.show_error(error)
            return
        view = self._new_view() if not self.view.empty else self.view
        view.start_new(comparison.lanes)
        self._show(view)
        self.send(comparison.prompt)

    def regenerate(self, lane: Lane | None = None) -> None:
        """Answer the newest message once more in one lane."""
        target = lane or self.current_lane()
        self.runs.regenerate(self.view, target, self._desk.options(self.view.mode))

    def _go_on(self, lane: Lane) -> None:
        """Write the reply again with the loop guard only marking: it goes past the loop."""
        options = replace(self._desk.options(self.view.mode), loop_guard="mark")
        self.runs.regenerate(self.view, lane, options)

    def stop(self) -> None:
        """Stop the shown conversation's run."""
        if self.runs.view is self.view:
            self.runs.stop()

    def _began(self, view: ConversationView) -> None:
        if view is self.view:
            self.composer.clear()
        self._desk.history_changed.emit()
        self.shown_changed.emit()

    def _refused(self, view: ConversationView, error: UserError) -> None:
        if view is self.view:
            self.composer.show_error(error)
        else:
            self._desk.trouble.emit(error)

    def _edit_message(self, text: str) -> None:
        """The same lanes in a new conversation, with the message in the composer."""
        setups = self.view.setups()
        view = self._new_view()
        view.start_new(setups)
        self._show(view)
        self.composer.set_text(text)
        self.composer.input.setFocus(Qt.FocusReason.OtherFocusReason)

    # ------------------------------------------------------------ lanes

    def add_lane(self) -> None:
        """A lane with the settings of the last one."""
        lane = self.view.add_lane()
        if lane is not None:
            lane.head.setFocus(Qt.FocusReason.OtherFocusReason)
        self._refresh()
        self.shown_changed.emit()

    def remove_lane(self, lane: Lane | None = None) -> None:
        """Take a lane away; asks only when it has text."""
        target = lane or self.current_lane()
        if len(self.view.lanes) < 2:
            return
        if target.has_text:
            self._tasks.start(self._ask_and_remove(target))
        else:
            self._remove(target)

    async def _ask_and_remove(self, lane: Lane) -> None:
        words = "Its replies stay in the history, but no lane shows them any more."
        if await ask(self, f"Remove lane {lane.label}?", words, "Remove lane", danger=True):
            self._remove(lane)

    def _remove(self, lane: Lane) -> None:
        if lane.writing:
            self.runs.stop_lane(lane)
        self.view.remove_lane(lane)
        self._refresh()
        self.shown_changed.emit()

    def current_lane(self) -> Lane:
        """The lane with the focus, else the last one."""
        focused = self.focusWidget()
        for lane in self.view.lanes:
            if focused is not None and lane.isAncestorOf(focused):
                return lane
        return self.view.lanes[-1]

    async def _keep(self, lane: Lane) -> None:
        """Go on with one lane's reply alone."""
        view = self.view
        if self.runs.view is view:
            await self.runs.stopped()
        if view.conversation_id is None:
            return
        reply = self._desk.history.reply(lane.reply_id)
        self._desk.session.keep(view.conversation_id, reply, lane.setup)
        view.show_conversation(self._desk.history.load(view.conversation_id))
        view.apply_settings()
        self._refresh()
        self._desk.history_changed.emit()
        self.shown_changed.emit()

    def toggle_editors(self) -> None:
        """Open or close the chain editors of all lanes."""
        self.view.show_editors(not self.view.editors_open)

    # ------------------------------------------------------------ state

    def show_band(self, band: MessageBand) -> None:
        """A message below the toolbar, in place of one with the same name."""
        self.hide_band(band.objectName())
        self.bands.addWidget(band)

    def hide_band(self, name: str) -> None:
        """Take a message away."""
        for number in reversed(range(self.bands.count())):
            item = self.bands.itemAt(number)
            widget = item.widget() if item is not None else None
            if widget is not None and widget.objectName() == name:
                self.bands.removeWidget(widget)
                widget.hide()
                widget.deleteLater()

    def attach(self, path: Path) -> None:
        """Add a text file to the message."""
        self.composer.attach_file(path)

    async def close_runs(self) -> None:
        """Stop what runs and end the page's tasks."""
        await self.runs.stopped()
        await self._tasks.closed()

    def _choose_mode(self, mode: str) -> None:
        chosen: Mode = "fast" if mode == "fast" else "exact"
        self.view.chosen_mode = chosen
        self._refresh()

    def _set_system_prompt(self, text: str) -> None:
        self.view.system_prompt = text
        if self.view.conversation_id is not None:
            self._desk.history.set_system_prompt(self.view.conversation_id, text)

    def _offer_first(self, view: ConversationView) -> None:
        view.lanes[0].show_empty(self.compare_first)

    def _settings_changed(self) -> None:
        for view in self._all_views():
            view.apply_settings()
        self._refresh()

    def _model_changed(self) -> None:
        self._settings_changed()

    def _refresh(self) -> None:
        """Bring toolbar and composer up to date with the shown conversation."""
        view, loaded = self.view, self._desk.session.loaded
        lanes = len(view.lanes)
        here = self.runs.view is view
        self.toolbar.mode.set_value(view.mode)
        self.toolbar.mode.setEnabled(not here)
        self.toolbar.badge.show_run(view.mode, lanes)
        self.toolbar.seed.set_seed(view.seed)
        self.toolbar.add_lane.setEnabled(lanes < MAX_LANES)
        self.composer.set_running(here)
        self.composer.set_lanes(lanes)
        self.composer.set_model(_title(loaded))
        self.composer.set_blocked(view.problem())
        self.composer.set_context(view.used_tokens, loaded.engine.n_ctx if loaded else 0)
        self.status_changed.emit()


def _title(loaded: Loaded | None) -> str:
    return model_title(loaded) if loaded is not None else ""
