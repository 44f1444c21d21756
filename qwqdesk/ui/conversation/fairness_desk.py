"""Fairness of the shown run: keeps badge and panel true, runs self-tests and reruns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from qwqdesk.engine.events import LoadProgress
from qwqdesk.errors import UserError
from qwqdesk.fairness import SELF_TEST_TOKENS, SelfTests, judge, self_test
from qwqdesk.rerun import comparable_lanes, merged, present_conditions, run_stored
from qwqdesk.run_conditions import (
    changes,
    conditions_then,
)
from qwqdesk.stored_document import setup_of
from qwqdesk.stored_model import find_model
from qwqdesk.stored_run import StoredLane
from qwqdesk.ui.bands import Holds, until_closed
from qwqdesk.ui.conversation import fairness_words as words
from qwqdesk.ui.conversation.fairness_panel import FairnessPanel, PanelContent
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.run_controller import RunController
from qwqdesk.ui.conversation.stored_lanes import ShownLanes, StoredLanes, several_models
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.engine_use import busy_error
from qwqdesk.ui.mode_picker import FairnessBadge
from qwqdesk.ui.tasks import Tasks

_LATER_MS = 30
_PROGRESS_S = 0.1


class FairnessDesk(QObject):
    """`busy_changed`: a check or rerun began or ended. `load_wanted`: a model file and settings."""

    busy_changed = Signal()
    load_wanted = Signal(object, object)  # Path, EngineSettings

    def __init__(
        self,
        desk: Desk,
        runs: RunController,
        tasks: Tasks,
        badge: FairnessBadge,
        shown: Callable[[], ConversationView],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._desk, self._runs, self._tasks = desk, runs, tasks
        self._badge, self._view = badge, shown
        self._tests = SelfTests(desk.dirs.self_tests)
        self._lanes = StoredLanes(desk)
        self._result: tuple[tuple[int, ...], PanelContent] | None = None
        self._result_under: Sequence[str] | None = None  # what had changed when it was first shown
        self._last_progress = 0.0
        self._result_holds: Holds = until_closed  # whether its reason is still there
        self._opened_in: ConversationView | None = None  # the chat that the open panel is about
        self.busy = ""
        self.panel = FairnessPanel()
        self.panel.wanted.connect(self._do)
        self.panel.closed.connect(self._closed)
        badge.clicked.connect(self._toggle)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LATER_MS)
        self._later.timeout.connect(self._update)
        runs.changed.connect(self._run_changed)
        desk.engine_use_changed.connect(self.refresh)
        desk.model_changed.connect(self._run_changed)

    # ------------------------------------------------------------ what is shown

    def refresh(self) -> None:
        """Something of the shown conversation may have changed."""
        if not self._later.isActive():
            self._later.start()

    def _run_changed(self) -> None:
        self._lanes.forget()
        self.refresh()
        if self._runs.view is None and self._desk.session.loaded is not None:
            self._tasks.start(self._complete_hashes(), "checksums")

    async def _complete_hashes(self) -> None:
        if await self._desk.session.complete_hashes():
            self._lanes.forget()
            self.refresh()

    def _update(self) -> None:
        """Bring badge and panel up to date; some milliseconds when other replies are shown."""
        view = self._view()
        if self._opened_in is not None and self._opened_in is not view:
            self.panel.put_away()  # what it says is about another chat
        here, shown = self._runs.view is view, self._shown_lanes()
        mode = shown.first.mode if shown.first is not None else view.mode
        changed = () if here else self._lanes.changes(view, shown)
        conditions = self._lanes.conditions(view, shown)
        test = self._tests.find(conditions) if conditions is not None else None
        fairness = judge(mode, test, changed)
        self._badge.show_fairness(fairness)
        quiet = len(view.lanes) == 1 and (test is None or fairness.kind != "unfair")
        self._badge.setVisible(not quiet or self._opened_in is not None)
        if self.busy:
            return
        if self._result is not None and self._holds(shown.ids, changed) and self._result_holds():
            self.panel.show_content(self._result[1])
            return
        self._result = None
        able = shown.first is not None and self._desk.model is not None
        tokens = len(shown.first.tokens) if shown.first is not None and able else None
        content = words.state_content(fairness, test, conditions, changed, tokens)
        if changed and self._opened_in is not None and (missing := self._lanes.missing(shown)):
            content = replace(content, lines=(*content.lines, missing))
        self.panel.show_content(content)

    def _shown_lanes(self) -> ShownLanes:
        """The stored replies on the screen; none while others are being written there."""
        view = self._view()
        return ShownLanes() if self._runs.view is view else self._lanes.of(view)

    def _holds(self, ids: tuple[int, ...], changed: Sequence[str]) -> bool:
        """Whether the result still says what a reader wants to know: since it came, neither other
        replies are shown nor has a setting been changed.
        """
        if self._result_under is None:
            self._result_under = tuple(changed)
        return self._result is not None and (self._result[0], self._result_under) == (
            ids,
            tuple(changed),
        )

    # ------------------------------------------------------------ the panel

    def _toggle(self) -> None:
        if self.panel.isVisible():
            self.panel.put_away()
        else:
            self.open()

    def open(self) -> None:
        """Open the panel."""
        self._opened_in = self._view()
        self._update()
        self.panel.show()

    def _closed(self) -> None:
        self._opened_in = None
        self.refresh()

    def escape(self) -> None:
        """Stop what runs for the panel, else put it away."""
        if self.busy:
            self._desk.session.stop()
        else:
            self.panel.put_away()
            self._badge.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _do(self, act: str) -> None:
        acts: Mapping[str, Callable[[], object]] = {
            "check": self.check,
            "check_all": lambda: self.check(whole=True),
            "again": self.run_again,
            "stop": self._desk.session.stop,
            "restore": self.restore,
        }
        acts[act]()

    # ------------------------------------------------------------ acts

    def check(self, *, whole: bool = False) -> None:
        """A = A for the first lane; the whole reply, or its beginning."""
        self._begin()
        if self._ready():
            limit = None if whole else SELF_TEST_TOKENS
            lane, stored = self._lanes.of(self._view()).lanes[0]
            work = self._check(lane.setup.model, stored, limit)
            self._start(work, "Checking: the same lane twice")

    def run_again(self) -> None:
        """Run the shown lanes again and compare, model by model."""
        self._begin()
        if self._ready():
            lanes = self._lanes.of(self._view()).lanes
            self._start(self._again(lanes), "Running again")

    def _begin(self) -> None:
        self._result = self._result_under = None
        self.open()

    def _ready(self) -> bool:
        """Whether something can run now; else the panel says why not."""
        desk = self._desk
        if desk.engine_use:
            self._fail(busy_error(desk.engine_use), lambda: bool(desk.engine_use))
        elif not self._lanes.of(self._view()).lanes:
            self._fail(UserError("There is nothing to run again.", "Send a message first."))
        elif self._desk.model is None:
            error = UserError("No model is loaded.", "Choose a model first.")
            self._fail(error, lambda: self._desk.model is None)
        else:
            return True
        return False

    def _fail(self, error: UserError, holds: Holds = until_closed) -> None:
        ids = self._shown_lanes().ids
        self._result_holds = holds
        self._result = (ids, words.error_content(error.what, error.what_to_do))
        self._result_under = None
        self._update()

    def _start(self, work: Coroutine[Any, Any, PanelContent | None], what: str) -> None:
        ids = self._lanes.of(self._view()).ids
        self.busy = what
        self._desk.use_engine("check")
        self.busy_changed.emit()
        self.panel.show_content(words.running_content(what, {}, 0))
        self._tasks.start(self._run(work, ids), "fairness")

    async def _run(
        self, work: Coroutine[Any, Any, PanelContent | None], ids: tuple[int, ...]
    ) -> None:
        """`ids` are the replies that the result is about: others may be shown meanwhile."""
        try:
            content = await work
        except UserError as error:
            content = words.error_content(error.what, error.what_to_do)
        finally:
            self.busy = ""
            self._desk.use_engine("")
            self.busy_changed.emit()
            self.refresh()
        self._result = (ids, content) if content is not None else None
        self._result_under, self._result_holds = None, until_closed

    async def _check(
        self, model: str | None, lane: StoredLane, limit: int | None
    ) -> PanelContent | None:
        """None: the panel then shows the state that follows from the result."""
        await self._load_for(model)
        total = 2 * min(len(lane.tokens), limit or len(lane.tokens))
        test = await self_test(
            self._desk.session, lane, limit=limit, progress=self._progress(total)
        )
        if test is not None:
            await asyncio.to_thread(self._tests.add, test)
        return None

    async def _again(self, lanes: Sequence[tuple[Lane, StoredLane]]) -> PanelContent:
        _, left_out = comparable_lanes([one for _, one in lanes])
        ran = [(lane, one) for lane, one in lanes if one.comparable]
        results, models = [], [self._model_for(lane, one, ran) for lane, one in ran]
        for model in dict.fromkeys(models):
            await self._load_for(model)
            stored = [one for (_, one), its in zip(ran, models, strict=True) if its == model]
            total = sum(len(lane.tokens) for lane in stored)
            results.append(
                await run_stored(self._desk.session, stored, progress=self._progress(total))
            )
        letters = {stored.label: lane.label for lane, stored in lanes}
        result = merged(results)
        result = replace(result, notes=(*left_out, *result.notes))
        return words.result_content(
            result, letters, present_conditions(self._desk.session, result.mode)
        )

    def _model_for(
        self, lane: Lane, stored: StoredLane, lanes: Sequence[tuple[Lane, StoredLane]]
    ) -> str | None:
        """Which file to load for a lane; None is the chosen model."""
        if lane.setup.model or not several_models(lanes):
            return lane.setup.model
        return str(find_model(stored.model, self._desk.models).path)

    async def _load_for(self, model: str | None) -> None:
        """Load a lane's own model, or the chosen one, where another one is loaded."""
        desk, chosen, loaded = self._desk, self._desk.model, self._desk.session.loaded
        if chosen is not None and model in (None, chosen.model.path):
            path, settings, there = chosen.model.path, desk.model_settings, desk.holds_model
        elif model is not None:
            path, settings = model, desk.settings.engine
            there = loaded is not None and loaded.model.path == model
        else:
            return
        if there:
            return
        async with aclosing(desk.session.load(Path(path), settings)) as events:
            async for event in events:
                if isinstance(event, LoadProgress):
                    self.panel.show_content(words.loading_content(Path(path).name, event.fraction))
        self._desk.model_changed.emit()

    def _progress(self, total: int) -> Callable[[Mapping[str, int]], None]:
        """Shows it at most ten times a second."""

        def show(counts: Mapping[str, int]) -> None:
            if time.monotonic() - self._last_progress > _PROGRESS_S:
                self._last_progress = time.monotonic()
                self.panel.show_content(words.running_content(self.busy, counts, total))

        return show

    def restore(self) -> None:
        """Give the shown lanes, the mode and the engine what the run had."""
        view, recipes = self._view(), self._desk.recipes_by_id()
        shown = self._lanes.of(view)
        for lane, stored in shown.lanes:
            setup = setup_of(stored, lane.label, recipes)
            lane.model.set_setup(replace(setup, model=lane.setup.model))
        first = shown.first
        if first is None:
            return
        view.chosen_mode = first.mode
        view.save_lanes()
        now = self._desk.conditions(first.mode)
        if now is None or changes(conditions_then(first), now):
            self._load(first)

    def _load(self, stored: StoredLane) -> None:
        try:
            found = find_model(stored.model, self._desk.models)
        except UserError as error:
            self._fail(error)
            return
        own = self._desk.settings.engine
        self.load_wanted.emit(found.path, stored.settings_to_rerun(own))
