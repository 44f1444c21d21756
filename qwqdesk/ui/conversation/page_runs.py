"""What the page does when a run begins, fails, is refused or ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from qwqdesk.errors import UserError
from qwqdesk.ui.bands import Bands, until_closed
from qwqdesk.ui.conversation.composer import Composer
from qwqdesk.ui.conversation.interrupted import drawn_seed, offer_rest
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.run_controller import RunController
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.conversation.views import Views
from qwqdesk.ui.desk import Desk

_NOTE = "runNote"


class PageRuns(QObject):
    """Stands between the runs and the page's composer and messages.

    `title_changed`: a message is saved, so the conversation has its title. `refresh_wanted`: what
    the toolbar and the composer show may be another now.
    """

    title_changed = Signal()
    refresh_wanted = Signal()

    def __init__(
        self,
        desk: Desk,
        runs: RunController,
        views: Views,
        composer: Composer,
        bands: Bands,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._desk, self._runs, self._views = desk, runs, views
        self._composer, self._bands = composer, bands
        runs.changed.connect(self._changed)
        runs.began.connect(self._began)
        runs.failed.connect(self._failed)
        runs.refused.connect(self._refused)
        runs.unwanted.connect(self._unwanted)

    def send(self, view: ConversationView, text: str) -> None:
        """Send a message to all lanes of a view."""
        problem = view.columns.problem()
        if problem:
            self._composer.show_error(UserError(problem, "Correct the invalid value first."))
            return
        options = self._desk.options(view.mode, view.system_prompt, view.variables)
        self._runs.send(view, text, options)

    def offer_rest(self, view: ConversationView) -> None:
        """Where the end of the program cut a comparison off, offer to finish it."""
        if self._runs.view is not view and not self._runs.waits(view):
            offer_rest(self._desk, self._bands, view, self._answering(view))

    def _answering(self, view: ConversationView) -> Callable[[Sequence[Lane]], None]:
        def answer(lanes: Sequence[Lane]) -> None:
            options = self._desk.options(view.mode, variables=view.variables)
            options = replace(options, seed=drawn_seed(self._desk, view))
            self._runs.answer(view, lanes, options)
            self._composer.input.setFocus()  # the band's button has gone

        return answer

    def _began(self, view: ConversationView, sent: bool) -> None:
        if sent and view is self._views.shown:
            self._composer.clear()
        self._bands.take_away(_NOTE, view)
        for note in view.notes:
            self._bands.tell(note, name=_NOTE, chat=view)
        self._desk.history_changed.emit()
        self.title_changed.emit()

    def _failed(self, view: ConversationView, error: UserError) -> None:
        text = self._composer.text()
        self._began(view, sent=True)
        if view is self._views.shown and error.code == "prompt_too_long":
            self._composer.set_text(text)  # to be shortened

    def _refused(self, view: ConversationView, error: UserError) -> None:
        if error.code == "changed":
            return  # the model's band says it, with the button that mends it
        if view is self._views.shown:
            busy = error.code == "busy" and self._something_runs()
            self._composer.show_error(error, self._something_runs if busy else until_closed)
        else:
            self._desk.trouble.emit(error)

    def _something_runs(self) -> bool:
        # A run that was refused in the end still counts as a chat's use of the engine.
        others = self._desk.engine_use not in ("", "chat")
        return self._runs.view is not None or self._desk.session.running or others

    def _unwanted(self, view: ConversationView) -> None:
        """What was to be run is offered again."""
        if view is self._views.shown:
            self.offer_rest(view)

    def _changed(self) -> None:
        if self._runs.view is None and self._views.count():
            self.offer_rest(self._views.shown)
        self._views.drop_hidden(self._runs.views)
        self.refresh_wanted.emit()
