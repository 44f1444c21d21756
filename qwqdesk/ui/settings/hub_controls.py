"""The controls of the settings' part about downloads: token, endpoint, speed, models folder.

The token's text is in its field only while it is typed; it is never read back into the window.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from qwqdesk.downloads import present_token
from qwqdesk.errors import UserError
from qwqdesk.paths import create_folder
from qwqdesk.settings import settings_from_json
from qwqdesk.ui.base import ElideLabel, announce, button, wrapping_label
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import open_folder
from qwqdesk.ui.models.downloads_limit import SpeedLimitMenu, limit_words
from qwqdesk.ui.settings.rows import Row
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import set_state, theme

_WIDTH = 260
_DEFAULT = "https://huggingface.co"


class TokenField(QWidget):
    """Save and remove the access token, and say where the present one comes from."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__()
        px = theme().px
        self._desk = desk
        self._tasks = Tasks(self, desk.report)
        self._field = QLineEdit()
        self._field.setObjectName("tokenField")
        self._field.setAccessibleName(row.title)
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.setPlaceholderText("hf_…")
        self._field.setFixedWidth(px(_WIDTH))
        self._field.setMaxLength(4096)
        self._save = button("Save", small=True, name="saveToken", clicked=self._start_save)
        self._save.setAccessibleName("Save the access token")
        self._remove = button(
            "Remove", kind="flat", small=True, name="removeToken", clicked=self._start_remove
        )
        self._remove.setAccessibleName("Remove the access token")
        self._state = wrapping_label("", "small", "text2")
        self._state.setObjectName("tokenState")
        self._state.setFixedWidth(px(_WIDTH))
        acts = QHBoxLayout()
        acts.setSpacing(px(8))
        acts.addWidget(self._save)
        acts.addWidget(self._remove)
        acts.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(px(8))
        column.addWidget(self._field)
        column.addLayout(acts)
        column.addWidget(self._state)
        self._field.textChanged.connect(lambda text: self._save.setEnabled(bool(text.strip())))
        self._field.returnPressed.connect(self._start_save)
        self._save.setEnabled(False)
        self._remove.setEnabled(False)
        self._tasks.start(self._look(), "token")

    def _start_save(self) -> None:
        if self._field.text().strip():
            self._tasks.start(self._keep(self._field.text()), "token")

    def _start_remove(self) -> None:
        self._tasks.start(self._forget(), "token")

    async def _keep(self, text: str) -> None:
        downloads = self._desk.downloads
        try:
            kept = await asyncio.to_thread(downloads.tokens.save, text)
        except ValueError:
            self._say("Not a valid token: it contains characters that no token has.", "bad")
            return
        self._field.clear()
        self._desk.change(token_saved=kept)
        downloads.renew()
        if kept:
            await self._look()
        else:
            self._remove.setEnabled(True)
            self._say(
                "This computer has no keyring that can be used. The token is kept until the "
                "program ends, and written nowhere.",
                "warn",
            )

    async def _forget(self) -> None:
        downloads = self._desk.downloads
        await asyncio.to_thread(downloads.tokens.remove)
        self._desk.change(token_saved=False)
        downloads.renew()
        await self._look()

    async def _look(self) -> None:
        """Say which token is used now."""
        downloads, saved = self._desk.downloads, self._desk.settings.token_saved
        found = await asyncio.to_thread(present_token, os.environ, downloads.tokens, saved)
        own = saved or downloads.tokens.in_session
        self._remove.setEnabled(own)
        if found is None:
            self._say("No token is set.", "text2")
        elif found.source == "settings":
            where = "in the system's keyring" if saved else "kept until the program ends"
            self._say(f"A token is set, {where}.", "good")
        else:
            more = " It goes before the one saved here." if own else ""
            self._say(f"The token of {found.source} is used.{more}", "text2")

    def _say(self, words: str, tone: str) -> None:
        self._state.setText(words)
        self._state.setProperty("tone", tone)
        self._state.style().unpolish(self._state)
        self._state.style().polish(self._state)
        announce(self, words)


class EndpointField(QWidget):
    """The hub's address; HF_ENDPOINT goes before it and is shown."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__()
        px = theme().px
        self._desk = desk
        self._field = QLineEdit(desk.settings.hub_endpoint)
        self._field.setObjectName("setting_hub_endpoint")
        self._field.setAccessibleName(row.title)
        self._field.setPlaceholderText(_DEFAULT)
        self._field.setFixedWidth(px(_WIDTH))
        self._problem = wrapping_label("", "small", "bad")
        self._problem.setObjectName("endpointProblem")
        self._problem.setFixedWidth(px(_WIDTH))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(px(4))
        column.addWidget(self._field)
        column.addWidget(self._problem)
        self._problem.hide()
        named = os.environ.get("HF_ENDPOINT", "").strip()
        if named:
            self._field.setText(named.rpartition("@")[2])
            self._field.setReadOnly(True)
            self._field.setAccessibleDescription("Set by HF_ENDPOINT")
            column.addWidget(wrapping_label("Set by HF_ENDPOINT.", "small", "text2"))
        self._field.editingFinished.connect(self._finished)

    def _finished(self) -> None:
        text = self._field.text().strip()
        if self._field.isReadOnly() or text.rstrip("/") == self._desk.settings.hub_endpoint:
            self._problem.hide()
            return
        loaded = settings_from_json({"hub_endpoint": text})
        wrong = bool(loaded.problems)
        self._problem.setText("It must begin with https:// or http:// and name a server.")
        self._problem.setVisible(wrong)
        if not wrong:
            self._desk.change(hub_endpoint=loaded.settings.hub_endpoint)


class SpeedChoice(QWidget):
    """The speed limit as a button with the same menu as in the downloads."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__()
        self._desk, self._title = desk, row.title
        self._button = button(limit_words(0), "gauge", name="setting_speed_limit")
        self._button.setMenu(SpeedLimitMenu(desk, self))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._button)
        desk.settings_changed.connect(self._show)
        self._show()

    def _show(self, *_: object) -> None:
        words = limit_words(self._desk.settings.speed_limit)
        self._button.setText(words)
        self._button.setAccessibleName(f"{self._title}: {words}")


class ModelsFolder(QWidget):
    """Where downloads go: shown, opened, and chosen for the next start."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__()
        px = theme().px
        self._desk, self._title = desk, row.title
        self._tasks = Tasks(self, desk.report)
        self._shown = ElideLabel("", "mono-small", "text2", Qt.TextElideMode.ElideMiddle)
        self._shown.setObjectName("modelsFolder")
        self._shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._shown.setFixedWidth(px(_WIDTH))
        self._words = wrapping_label("", "small", "text2")
        self._words.setFixedWidth(px(_WIDTH))
        opened = button("Open folder", "folder-open", small=True, name="openModelsFolder")
        opened.clicked.connect(self._open)
        chosen = button("Choose folder", small=True, name="chooseModelsFolder")
        chosen.clicked.connect(lambda *_: self._tasks.start(self._choose(), "folder"))
        buttons = QHBoxLayout()
        buttons.setSpacing(px(8))
        buttons.addWidget(opened)
        buttons.addWidget(chosen)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(px(8))
        column.addWidget(self._shown)
        column.addLayout(buttons)
        column.addWidget(self._words)
        self._show("")

    def take(self, folder: Path) -> None:
        """Keep downloads here from the next start on; the old folder is still looked through."""
        problem = self._problem(folder)
        if problem:
            self._show(problem, "bad")
            return
        old = str(self._desk.dirs.models)
        looked = [entry for entry in self._desk.settings.model_folders if entry != str(folder)]
        if old != str(folder) and old not in looked:
            looked.append(old)
        self._desk.change(models_folder=str(folder), model_folders=tuple(looked))
        self._show("")

    def _problem(self, folder: Path) -> str:
        waiting = [row for row in self._desk.downloads.rows if row.status.state != "done"]
        if waiting:
            return "Downloads are not finished. Finish or cancel them first."
        try:
            create_folder(folder)
            probe = folder / ".qwqdesk-probe"
            probe.touch()
            probe.unlink()
        except (UserError, OSError):
            return f"{folder} cannot be written. Choose another folder."
        return ""

    def _show(self, problem: str, tone: str = "text2") -> None:
        now, chosen = str(self._desk.dirs.models), self._desk.settings.models_folder
        folder = chosen or now
        self._shown.setText(folder)
        self._shown.setAccessibleName(f"{self._title}: {folder}")
        later = "" if folder == now else "Used from the next start of the program."
        self._words.setText(problem or later)
        set_state(self._words, "tone", tone)
        self._words.setVisible(bool(problem or later))

    async def _choose(self) -> None:
        folder = await open_folder(self, "Folder for models")
        if folder is not None:
            self.take(folder)

    def _open(self) -> None:
        folder = self._desk.dirs.models
        try:
            self._desk.dirs.create()
        except UserError as error:
            self._desk.trouble.emit(error)
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
