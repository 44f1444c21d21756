"""What the loaded model's chat template has about it, said at the chat, with the ways out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from qwqdesk.conversation import Message
from qwqdesk.engine.events import Loaded
from qwqdesk.engine.template_builtin import BUILT_IN, BY_NAME
from qwqdesk.errors import UserError
from qwqdesk.file_states import FileState, file_states
from qwqdesk.prompt import chat_prompt
from qwqdesk.run_plan import RAW
from qwqdesk.template_note import template_words
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import open_file
from qwqdesk.ui.tasks import Tasks

BAND = "templateBand"
REFUSED = "templateRefusedBand"
_FILES = "Templates (*.jinja *.txt);;All files (*)"
_CHOICES = (
    ("model", "Automatic: the file's own, or by its architecture"),
    *((made.name, made.title) for made in BUILT_IN),
    (RAW, "None: the model continues the text"),
)


@dataclass(frozen=True)
class _Present:
    """Which template the loaded model has: the model's file, the choice for it, and its text.

    The text may change under the same name: in a file that the user edits, and in a model's file
    that is replaced and loaded again.
    """

    path: str
    choice: str
    text: str | None
    file: tuple[FileState, ...]

    @classmethod
    def of(cls, loaded: Loaded, choice: str) -> _Present:
        own = loaded.model.chat_template if choice == "model" else None
        file = () if choice in ("model", RAW, *BY_NAME) else file_states([Path(choice)])
        return cls(loaded.model.path, choice, own, file)


class TemplateNotice(QObject):
    """A band below the toolbar whenever the user should know something about the template.

    A choice made here counts for this model file alone, and is remembered. `chosen`: it was made.
    `inputs_found`: the variables that the template reads, a tuple of `TemplateInput`.
    """

    chosen = Signal()
    inputs_found = Signal(object)

    def __init__(self, desk: Desk, bands: Bands, tasks: Tasks, picker: QWidget) -> None:
        """`picker` is where the model is chosen; the menu opens there."""
        super().__init__(picker)
        self._desk, self._bands, self._tasks, self._picker = desk, bands, tasks, picker
        self._looked: _Present | None = None
        self._closed: set[_Present] = set()
        self._look: asyncio.Task[object] | None = None
        desk.model_changed.connect(self._changed)
        desk.settings_changed.connect(self._changed)
        # Back from an editor in which the template was changed.
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.applicationStateChanged.connect(self._changed)

    def open_menu(self) -> None:
        """Let the user choose a template for the loaded model."""
        loaded = self._desk.model
        if loaded is None:
            self._desk.trouble.emit(UserError("No model is loaded.", "Choose a model first."))
            return
        chosen, path = self._choice(loaded), loaded.model.path
        menu = QMenu(self._picker)
        menu.setObjectName("templateMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        group = QActionGroup(menu)
        for value, words in _CHOICES:
            act = QAction(words, menu, checkable=True)
            act.setChecked(value == chosen)
            act.triggered.connect(lambda _=False, value=value: self.choose(path, value))
            group.addAction(act)
            menu.addAction(act)
        menu.addSeparator()
        menu.addAction("File…").triggered.connect(
            lambda *_: self._tasks.start(self._choose_file(path), "choose a template")
        )
        menu.popup(self._picker.mapToGlobal(self._picker.rect().bottomLeft()))

    def refused(self, view: QObject, error: UserError) -> None:
        """A chat's message was refused by the template: say the way out in this chat."""
        if error.code != "template":
            return
        band = MessageBand("warn", error.what, error.what_to_do, name=REFUSED)
        band.add_action("Choose template", self.open_menu).setObjectName("chooseTemplate")
        band.add_action("Close", lambda: self._bands.take_away(REFUSED, view), flat=True)
        self._bands.take_away(REFUSED, view)
        self._bands.put(band, chat=view)

    def choose(self, path: str, template: str) -> None:
        """Use a template for this model file; "model" takes the choice back."""
        kept = dict(self._desk.settings.model_templates)
        kept.pop(path, None)
        if template != self._desk.settings.chat_template:
            kept[path] = template
        self._closed = {one for one in self._closed if (one.path, one.choice) != (path, template)}
        self._bands.take_away(REFUSED)
        self._desk.change(model_templates=kept)
        self.chosen.emit()

    async def _choose_file(self, path: str) -> None:
        found = await open_file(self._picker, "Chat template", _FILES)
        if found is not None:
            self.choose(path, str(found))

    def _choice(self, loaded: Loaded) -> str:
        settings = self._desk.settings
        return settings.model_templates.get(loaded.model.path, settings.chat_template)

    def _changed(self, *_: object) -> None:
        loaded = self._desk.model
        present = _Present.of(loaded, self._choice(loaded)) if loaded is not None else None
        if present == self._looked:
            return
        self._looked = present
        self._bands.take_away(BAND)
        self.inputs_found.emit(())
        if self._look is not None:
            self._look.cancel()
        if loaded is not None and present is not None:
            self._look = self._tasks.start(self._say(loaded, present), "chat template")

    async def _say(self, loaded: Loaded, present: _Present) -> None:
        if present.choice == RAW:
            title = loaded.model.name or Path(loaded.model.path).stem
            self._show("window", f"{title} continues each message as it is.",
                       "No chat template is used.", present)  # fmt: skip
            return
        try:
            hello = [Message("user", "Hello")]
            prompt = await chat_prompt(
                self._desk.session.engine, loaded.model, hello, template=present.choice
            )
        except UserError as error:
            if present == self._looked and error.code == "template":
                self._show("warn", error.what, error.what_to_do, present)
            return
        if present != self._looked:
            return
        self.inputs_found.emit(prompt.inputs)
        if prompt.template is not None:
            self._show("warn", *template_words(prompt.template), present)

    def _show(self, kind: str, what: str, more: str, present: _Present) -> None:
        if present in self._closed:
            return
        band = MessageBand("window" if kind == "window" else "warn", what, more, name=BAND)
        band.add_action("Choose template", self.open_menu).setObjectName("chooseTemplate")
        if present.choice != RAW:
            band.add_action("Continue text", lambda: self.choose(present.path, RAW)).setToolTip(
                "For base models: no template, the model continues what you write."
            )
        band.add_action("Close", lambda: self._close(present), flat=True)
        self._bands.put(band)

    def _close(self, present: _Present) -> None:
        self._closed.add(present)
        self._bands.take_away(BAND)
