"""The conversation page: toolbar, the shown conversation, composer, and how they act together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QMenu, QVBoxLayout, QWidget

from qwqdesk.conversation import Mode
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.template_variables import TemplateInput, TemplateVariables
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.answer_again import AnswerAgain
from qwqdesk.ui.conversation.composer import Composer
from qwqdesk.ui.conversation.context_estimate import ContextEstimate
from qwqdesk.ui.conversation.export_acts import ExportActs
from qwqdesk.ui.conversation.fairness_desk import FairnessDesk
from qwqdesk.ui.conversation.first_comparison import first_comparison
from qwqdesk.ui.conversation.lane_acts import LaneActs
from qwqdesk.ui.conversation.lanes_view import MAX_LANES
from qwqdesk.ui.conversation.numbers_desk import NumbersDesk
from qwqdesk.ui.conversation.page_runs import PageRuns
from qwqdesk.ui.conversation.run_controller import RunController
from qwqdesk.ui.conversation.run_files import RunFiles
from qwqdesk.ui.conversation.template_box import TemplateBox
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.conversation.views import Views
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.engine_use import busy_words
from qwqdesk.ui.focus_home import FocusHome
from qwqdesk.ui.model_picker import model_title
from qwqdesk.ui.tab_order import order_parts
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.toolbar import Toolbar


class ConversationPage(QFrame):
    """What is sent goes to the shown conversation."""

    shown_changed = Signal()  # another conversation, or other lanes or title
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
        self.acts = LaneActs(desk, self.runs, self._tasks, lambda: self.view, self)
        self.again = AnswerAgain(desk, self.runs, self)
        self.toolbar = Toolbar(more)
        self.bands = Bands()
        self.views = Views(desk)
        self.composer = Composer()
        self._run_acts = PageRuns(desk, self.runs, self.views, self.composer, self.bands, self)
        self.fairness = FairnessDesk(
            desk, self.runs, self._tasks, self.toolbar.badge, lambda: self.view, self
        )
        self.run_files = RunFiles(desk, self._tasks, lambda: self.view, self)
        self.numbers = NumbersDesk(desk, self)
        self.exports = ExportActs(desk, self._tasks, lambda: self.view, self)
        self.focus_home = FocusHome(self, self.composer.input)
        self._estimate = ContextEstimate(desk, self._tasks, self)
        self._typed_tokens = 0
        self._template_inputs: tuple[TemplateInput, ...] = ()
        self._loading = ""
        # Once for all changes of one moment; rows of the chain editors come and go.
        self._order_later = QTimer(self)
        self._order_later.setSingleShot(True)
        self._order_later.timeout.connect(self.order_tabs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addWidget(self.fairness.panel)
        column.addLayout(self.bands)
        column.addWidget(self.views, 1)
        column.addWidget(self.numbers.panel)
        column.addWidget(self.composer)
        self._connect()
        self.open_new()

    def _connect(self) -> None:
        toolbar, composer = self.toolbar, self.composer
        toolbar.add_lane_wanted.connect(self.acts.add)
        toolbar.mode.mode_chosen.connect(self._choose_mode)
        toolbar.seed.seed_chosen.connect(self._choose_seed)
        toolbar.seed.own_chosen.connect(self._choose_own_seeds)
        self.fairness.busy_changed.connect(self.refresh)
        self.fairness.panel.rebuilt.connect(self._order_later.start)
        self.exports.troubled.connect(self.tell)
        self.run_files.troubled.connect(self.tell)
        composer.sendRequested.connect(self.send)
        composer.textChanged.connect(lambda: self._estimate.set_text(composer.text()))
        self._estimate.counted.connect(self._show_typed)
        composer.stopRequested.connect(self.stop)
        composer.chooseModelRequested.connect(self.choose_model_wanted)
        composer.systemPromptChanged.connect(self._set_system_prompt)
        composer.template.clicked.connect(self.open_template_box)
        panel = self.numbers.panel
        panel.export_wanted.connect(lambda: self.exports.open_menu(panel.export_button))
        self.views.made.connect(self._connect_view)
        self.views.shown_changed.connect(self._shown_changed)
        self.acts.changed.connect(self._lanes_changed)
        self.acts.done.connect(self.focus_home.go)
        self.again.lanes_changed.connect(self._lanes_changed)
        self._run_acts.refresh_wanted.connect(self.refresh)
        self._run_acts.title_changed.connect(self.shown_changed)
        self._desk.settings_changed.connect(self._settings_changed)
        self._desk.model_changed.connect(self._settings_changed)
        self._desk.engine_use_changed.connect(self.refresh)

    def _connect_view(self, view: ConversationView) -> None:
        self.acts.connect_view(view)
        self.again.connect_view(view)
        self.numbers.connect_view(view)
        view.changed.connect(self.refresh)
        view.edit_wanted.connect(self._edit_message)
        view.copied.connect(lambda: Toast(self, "Copied"))

    # ------------------------------------------------------------ which conversation

    @property
    def view(self) -> ConversationView:
        """The conversation on the screen."""
        return self.views.shown

    def open_new(self) -> None:
        """An empty conversation; the shown one stays in the history."""
        view = self.views.make()
        view.start_new()
        first_start = not self._desk.history.conversations(limit=1)
        view.lanes[0].body.show_empty(self.compare_first, explain=first_start)
        self.views.show_view(view)

    async def forget(self, conversation_id: int) -> None:
        """A conversation will be deleted: its run ends, another one is shown."""
        for view in self.views.every():
            if view.conversation_id == conversation_id:
                self.runs.call_back(view, view.lanes)
        running = self.runs.view
        if running is not None and running.conversation_id == conversation_id:
            await self.runs.stopped()
        if self.view.conversation_id == conversation_id:
            self.open_new()

    def tell(self, error: UserError) -> None:
        """Say something about the shown conversation, below the toolbar."""
        self.bands.tell(error.what, error.what_to_do, chat=self.view)

    def _shown_changed(self) -> None:
        self.bands.show_chat(self.view)
        self.composer.drop_note()
        self.composer.set_system_prompt(self.view.system_prompt)
        self.views.drop_hidden(self.runs.views)
        self._run_acts.offer_rest(self.view)
        self._lanes_changed()

    def _lanes_changed(self) -> None:
        self.refresh()
        self.shown_changed.emit()

    # ------------------------------------------------------------ sending

    def send(self, text: str) -> None:
        """Send a message to all lanes of the shown conversation."""
        self._run_acts.send(self.view, text)

    def compare_first(self) -> None:
        """The comparison of the first start: the same values in two orders, on one sum."""
        try:
            comparison = first_comparison(self._desk.recipes_by_id())
        except UserError as error:
            self.composer.show_error(error)
            return
        self.compare(comparison.prompt, comparison.lanes)

    def compare(
        self,
        prompt: str,
        lanes: Sequence[LaneSetup],
        system_prompt: str | None = None,
        mode: Mode | None = None,
    ) -> None:
        """Send a prompt to these lanes, in a new conversation."""
        view = self.view if self.view.empty else self.views.make()
        view.start_new(lanes)
        view.chosen_mode = mode
        if system_prompt is not None:
            view.system_prompt = system_prompt
        self.views.show_view(view)
        self.composer.set_text(prompt)  # stays there if it cannot be sent
        self.composer.input.setFocus(Qt.FocusReason.OtherFocusReason)
        self.send(prompt)

    def stop(self) -> None:
        """Stop the shown conversation's run."""
        if self.runs.view is self.view:
            self.runs.stop()

    async def close_runs(self) -> None:
        """Stop what runs and end the page's tasks."""
        self.runs.call_back_all()
        await self.runs.stopped()
        await self._tasks.closed()

    def _edit_message(self, text: str) -> None:
        """The same lanes in a new conversation, with the message in the composer."""
        view = self.views.make()
        view.start_new(self.view.columns.setups())
        view.variables = self.view.variables
        self.views.show_view(view)
        self.composer.set_text(text)
        self.composer.input.setFocus(Qt.FocusReason.OtherFocusReason)

    # ------------------------------------------------------------ state

    def _choose_mode(self, mode: str) -> None:
        chosen: Mode = "fast" if mode == "fast" else "exact"
        self.view.chosen_mode = chosen
        self.refresh()

    def _choose_seed(self, seed: int) -> None:
        self.view.columns.set_seed(seed)
        self.view.save_lanes()

    def _choose_own_seeds(self) -> None:
        self.view.columns.draw_own_seeds()
        self.view.save_lanes()

    def _set_system_prompt(self, text: str) -> None:
        self.view.system_prompt = text
        if self.view.conversation_id is not None:
            self._desk.history.set_system_prompt(self.view.conversation_id, text)

    def set_template_inputs(self, inputs: Sequence[TemplateInput]) -> None:
        """What the chosen model's chat template reads beside the messages."""
        self._template_inputs = tuple(inputs)
        self.refresh()

    def open_template_box(self) -> None:
        """Let the user set what the chat template of the shown conversation is given."""
        view = self.view
        own = [lane for lane in view.lanes if lane.setup.variables is not None]

        def drop_own() -> None:
            for lane in own:
                lane.model.drop_variables()

        TemplateBox(
            self._template_inputs,
            view.variables,
            lambda variables: self._set_variables(view, variables),
            self,
            lanes=[
                f"Lane {lane.label} has its own: {lane.setup.variables.words() or 'no variables'}."
                for lane in own
                if lane.setup.variables is not None
            ],
            drop_own=drop_own,
        ).open()

    def _set_variables(self, view: ConversationView, variables: TemplateVariables) -> None:
        view.variables = variables
        if view.conversation_id is not None:
            self._desk.history.set_template_variables(view.conversation_id, variables.values)
        self.refresh()

    def set_loading(self, name: str) -> None:
        """Which model is being loaded; none when none is."""
        if name != self._loading:
            self._loading = name
            self.refresh()

    def _show_typed(self, tokens: int) -> None:
        self._typed_tokens = tokens
        self.refresh()

    def order_tabs(self) -> None:
        """Toolbar, message, lane after lane, composer. The one place that orders this page."""
        lanes = [part for lane in self.view.lanes for part in lane.tab_parts()]
        order_parts(
            [
                self.toolbar,
                self.fairness.panel,
                self.view.prompt,
                self.view.strip,
                *lanes,
                self.numbers.panel,
                self.composer,
            ]
        )

    def _settings_changed(self, *_: object) -> None:
        for view in self.views.every():
            view.columns.apply_settings()
        self.refresh()

    def refresh(self) -> None:
        """Bring toolbar and composer up to date with the shown conversation."""
        if not self.views.count():
            return
        view, loaded = self.view, self._desk.model
        lanes, here = len(view.lanes), self.runs.view is view
        self.toolbar.mode.set_value(view.mode)
        self.toolbar.mode.setEnabled(not here)
        self.fairness.refresh()
        self.toolbar.seed.show_seeds(view.columns.seeds(), own=view.columns.own_seeds)
        self.toolbar.add_lane.setEnabled(lanes < MAX_LANES)
        self.numbers.show_view(view)
        self.composer.set_running(here)
        self.composer.set_lanes(lanes)
        self.composer.template.set_state(self._template_inputs, view.variables)
        self.composer.set_model(model_title(loaded) if loaded is not None else self._loading)
        busy = "" if here else busy_words(self._desk.engine_use)
        self.composer.set_blocked(busy or view.columns.problem())
        used = view.used_tokens + self._typed_tokens
        self.composer.set_context(used, loaded.engine.n_ctx if loaded else 0)
        self.bands.review()
        self.composer.review_note()
        self._order_later.start()
        self.status_changed.emit()
