"""What can be done with lanes: add, remove, keep, write again, stop, open their chains."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import shiboken6
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from qwqdesk.conversation import Conversation
from qwqdesk.manifest import variables_of
from qwqdesk.template_variables import TemplateVariables
from qwqdesk.ui.base import Toast, announce
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.lane_import import import_settings
from qwqdesk.ui.conversation.lane_model import MODEL_FILES, add_model_menu
from qwqdesk.ui.conversation.recipes_box import RecipesBox
from qwqdesk.ui.conversation.run_controller import RunController
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import ask, open_file
from qwqdesk.ui.tasks import Tasks


class LaneActs(QObject):
    """Acts on the shown conversation. `changed`: it has other lanes now; `done`: an act is over.

    An act by shortcut or palette means the lane that the user is in, or was in last since the
    newest message: the focus is in the composer most of the time. Where there are several lanes
    and the user was in none, all are regenerated, and everything else asks which lane is meant.
    """

    changed = Signal()
    done = Signal()

    def __init__(
        self,
        desk: Desk,
        runs: RunController,
        tasks: Tasks,
        shown: Callable[[], ConversationView],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._desk, self._runs, self._tasks = desk, runs, tasks
        self._shown, self._widget = shown, parent
        self._last: tuple[weakref.ref[Lane], int] | None = None  # the lane, the newest message then
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        # Without arguments: the focus also moves while its widget is being destroyed.
        app.focusChanged.connect(self._remember)

    def connect_view(self, view: ConversationView) -> None:
        """Do what a view asks for."""
        view.stop_wanted.connect(self._runs.stop_lane)
        view.answer_now_wanted.connect(self._runs.answer_now)
        view.regenerate_wanted.connect(self.regenerate)
        view.continue_wanted.connect(self._go_on)
        view.keep_wanted.connect(lambda lane: self._tasks.start(self._keep(view, lane)))
        view.remove_wanted.connect(self.remove)
        view.import_wanted.connect(
            lambda lane: self._tasks.start(import_settings(self._desk, lane, self._widget))
        )
        view.manage_wanted.connect(self.manage_recipes)
        view.columns.made.connect(lambda lane: lane.head.recipeChosen.connect(self.done))
        view.menu_shown.connect(lambda lane, menu: self._offer_models(view, lane, menu))

    def _remember(self) -> None:
        focused = self._widget.focusWidget()
        view = self._shown()
        for lane in view.lanes:
            if focused is not None and lane.isAncestorOf(focused):
                self._last = weakref.ref(lane), view.message_id

    def chosen(self) -> Lane | None:
        """The lane that an act without one means; None where it could be any of several."""
        view = self._shown()
        if len(view.lanes) == 1:
            return view.lanes[0]
        last, message_id = self._last or (lambda: None, 0)
        lane = last()
        return lane if lane in view.lanes and message_id == view.message_id else None

    def on_lane(self, question: str, act: Callable[[Lane], object]) -> None:
        """Do something with the chosen lane; where none is, ask with a menu."""
        lane = self.chosen()
        if lane is not None:
            act(lane)
            return
        menu = QMenu(self._widget)
        menu.setObjectName("whichLaneMenu")
        menu.setAccessibleName(question)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(question).setEnabled(False)
        for each in self._shown().lanes:
            recipe = each.setup.recipe
            words = f"Lane &{each.label}" + (f": {recipe.title}" if recipe is not None else "")
            menu.addAction(words).triggered.connect(partial(_call, act, each))
        columns = self._shown().columns
        corner = columns.mapToGlobal(columns.rect().center())
        menu.popup(corner - QPoint(menu.sizeHint().width() // 2, menu.sizeHint().height() // 2))

    def add(self) -> None:
        """A lane with the settings of the last one."""
        self._shown().add_lane()
        self.changed.emit()
        self.done.emit()

    def remove(self, lane: Lane | None = None) -> None:
        """Take a lane away; asks only when it has text."""
        view = self._shown()
        if len(view.lanes) < 2:
            return
        if lane is None:
            self.on_lane("Remove which lane?", self.remove)
        elif lane.has_text:
            self._tasks.start(self._ask_and_remove(view, lane))
        else:
            self._remove(view, lane)

    async def _ask_and_remove(self, view: ConversationView, lane: Lane) -> None:
        words = "Its replies stay in the history, but no lane shows them any more."
        title = f"Remove lane {lane.label}?"
        if await ask(self._widget, title, words, "Remove lane", danger=True):
            self._remove(view, lane)

    def _remove(self, view: ConversationView, lane: Lane) -> None:
        self._runs.leave_out(view, lane)
        view.remove_lane(lane)
        self.changed.emit()
        self.done.emit()

    async def _keep(self, view: ConversationView, lane: Lane) -> None:
        """Go on with one lane's reply alone; what still runs is stopped first."""
        if self._runs.view is view:
            await self._runs.stopped()
        if view.conversation_id is None:
            return
        number = view.conversation_id
        before = self._desk.history.load(number)
        reply = self._desk.history.reply(lane.reply_id)
        self._desk.session.keep(number, reply, lane.setup)
        self._show_again(view, number)
        words = f"Lane {lane.label} kept as a chat"
        Toast(self._widget, words, "Undo", lambda: self._take_back(view, before))

    def _take_back(self, view: ConversationView, before: Conversation) -> None:
        """The lanes are as they were, unless the conversation has gone on."""
        history = self._desk.history
        now = history.load(before.id)
        if self._runs.view is view or len(now.messages) != len(before.messages):
            announce(self._widget, "The chat has gone on: its lanes stay as they are")
            return
        history.set_tips(before.id, before.tips)
        history.set_lanes(before.id, before.lanes)
        if shiboken6.isValid(view):
            self._show_again(view, before.id)

    def _show_again(self, view: ConversationView, number: int) -> None:
        view.show_conversation(self._desk.history.load(number))
        view.columns.apply_settings()
        self._desk.history_changed.emit()
        self.changed.emit()
        self.done.emit()

    def answer_now(self) -> None:
        """End the reasoning of the chosen lane; of the only lane that thinks, else."""
        thinking = [lane for lane in self._shown().lanes if lane.output.can_answer_now]
        chosen = self.chosen()
        if chosen in thinking or len(thinking) == 1:
            lane = chosen if chosen in thinking and chosen is not None else thinking[0]
            lane.output.ask_answer()
        else:
            where = "Go to a lane that is thinking" if thinking else "No lane is thinking"
            announce(self._widget, where)

    def regenerate(self, lane: Lane | None = None) -> None:
        """Answer the newest message once more: in one lane, or in all where none is chosen."""
        view = self._shown()
        target = lane or self.chosen()
        lanes = [target] if target is not None else view.lanes
        options = self._desk.options(view.mode, variables=view.variables)
        self._runs.regenerate(view, lanes, options)

    def _go_on(self, lane: Lane) -> None:
        """Write the reply again with the loop guard only marking: it goes past the loop.

        With the seed and the prompt that it had: others would write something else.
        """
        view = self._shown()
        reply = self._desk.history.reply(lane.reply_id)
        seed = reply.sampling.get("seed")
        variables = TemplateVariables.from_json(variables_of(reply.manifest))
        options = self._desk.options(view.mode)
        if isinstance(seed, int):
            options = replace(options, seed=seed)
        setup = replace(lane.setup, loop_guard="mark", variables=variables)
        self._runs.answer(view, [lane], options, [setup])

    # ------------------------------------------------------------ recipes

    def save_recipe(self) -> None:
        """Save the settings of the chosen lane as a recipe."""
        self.on_lane("Save the settings of which lane?", lambda lane: lane.head.ask_recipe_name())

    def paste_command(self) -> None:
        """Paste a command into the chosen lane."""
        self.on_lane("Paste a command into which lane?", lambda lane: lane.head.paste_command())

    def import_settings(self) -> None:
        """Import settings from a file into the chosen lane."""

        def begin(lane: Lane) -> None:
            self._tasks.start(import_settings(self._desk, lane, self._widget))

        self.on_lane("Import settings into which lane?", begin)

    def manage_recipes(self, lane: Lane | None = None) -> None:
        """Rename, describe or delete the user's own recipes; begin with that of the lane."""
        lane = lane or self.chosen()
        recipe = lane.setup.recipe if lane is not None else None
        RecipesBox(self._desk, self._widget, recipe.id if recipe is not None else "").open()

    # ------------------------------------------------------------ models

    def _offer_models(self, view: ConversationView, lane: Lane, menu: QMenu) -> None:
        add_model_menu(
            menu,
            self._desk.models,
            lane.setup.model,
            lambda path: self.set_model(view, lane, path),
            lambda _path: self._tasks.start(self._ask_model(view, lane)),
        )

    async def _ask_model(self, view: ConversationView, lane: Lane) -> None:
        path = await open_file(self._widget, "Model of this lane", MODEL_FILES)
        if path is not None:
            self.set_model(view, lane, path)

    def set_model(self, view: ConversationView, lane: Lane, path: Path | None) -> None:
        """Run this lane on another model; the others stay on the one that is chosen now.

        They name it from now on: the user may choose another one.
        """
        loaded = self._desk.model
        here = loaded.model.path if loaded is not None else None
        lane.model.set_model(str(path) if path is not None else here)
        for other in view.lanes:
            if other.setup.model is None and here is not None:
                other.model.set_model(here)
        if all(other.setup.model in (None, here) for other in view.lanes):
            for other in view.lanes:
                other.model.set_model(None)
        self.changed.emit()

    def toggle_editors(self) -> None:
        """Open or close the chain editors of all lanes."""
        columns = self._shown().columns
        columns.show_editors(not columns.editors_open)


def _call(act: Callable[[Lane], object], lane: Lane, *_: object) -> None:
    act(lane)
