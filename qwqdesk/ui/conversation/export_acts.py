"""Exporting the shown comparison: the menu, the questions where to, and what is said after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from qwqdesk.conversation import Reply
from qwqdesk.errors import UserError
from qwqdesk.exports.files import comparison_files, file_stem, to_json_text
from qwqdesk.exports.markdown import to_markdown
from qwqdesk.exports.page import to_html
from qwqdesk.exports.view import view_of
from qwqdesk.exports.writing import write_file, write_new_folder
from qwqdesk.stored_document import document_of
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.comparison import LaneReply
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.conversation.visible_text import storable
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import open_folder, save_file
from qwqdesk.ui.icons import icon
from qwqdesk.ui.tasks import Tasks

Document = dict[str, Any]
# What the menu says, the file's ending, the dialog's filter, and the writer.
_FILES: dict[str, tuple[str, str, str, Callable[[Document], str]]] = {
    "markdown": (
        "Markdown file…", "md", "Markdown (*.md)", lambda document: to_markdown(view_of(document)),
    ),
    "html": (
        "HTML page…", "html", "HTML pages (*.html)", lambda document: to_html(view_of(document)),
    ),
    "json": ("JSON file…", "json", "JSON (*.json)", to_json_text),
}  # fmt: skip


class ExportActs(QObject):
    """Acts on the conversation that `shown` gives. `folder` is where the next file is offered."""

    troubled = Signal(object)  # UserError, about the shown conversation

    def __init__(
        self, desk: Desk, tasks: Tasks, shown: Callable[[], ConversationView], page: QWidget
    ) -> None:
        super().__init__(page)
        self._desk, self._tasks, self._shown, self._page = desk, tasks, shown, page
        documents = QStandardPaths.StandardLocation.DocumentsLocation
        folder = Path(QStandardPaths.writableLocation(documents))
        # Qt takes a folder that is not there for part of the file's name.
        self.folder = folder if folder.is_dir() else Path.home()

    def open_menu(self, source: QWidget) -> None:
        """Offer the formats at a button; Qt moves the menu up where there is no room below."""
        menu = QMenu(self._page)
        menu.setObjectName("exportMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill(menu)
        menu.setEnabled(bool(self._shown().comparison.replies()))
        menu.popup(source.mapToGlobal(source.rect().bottomLeft()))

    def fill(self, menu: QMenu, before: Callable[[], object] = lambda: None) -> None:
        """Add the formats to a menu; `before` shows the conversation that they are about."""

        def add(words: str, icon_name: str, name: str, act: Callable[[], object]) -> None:
            entry = menu.addAction(icon(icon_name), words)
            entry.setObjectName(f"export_{name}")
            entry.triggered.connect(lambda *_: (before(), act()))

        for form, (words, *_) in _FILES.items():
            add(words, "file-down", form, partial(self.save, form))
        add("Folder with everything, texts too…", "folder-open", "folder", self.save_folder)
        menu.addSeparator()
        add("Copy as Markdown", "copy", "copy", self.copy)

    def save(self, form: str) -> None:
        """Ask for a place, then write one file in a format of the menu."""
        self._tasks.start(self._save(form), "export")

    def save_folder(self) -> None:
        """Ask for a folder, then write a new one in it: every format, and each lane's text."""
        self._tasks.start(self._save_folder(), "export")

    def copy(self) -> None:
        """Put the comparison on the clipboard as Markdown."""
        self._tasks.start(self._copy(), "export")

    # ------------------------------------------------------------ inside

    async def _save(self, form: str) -> None:
        _, ending, pattern, write = _FILES[form]
        replies, title = self._replies(), self._title()
        if not replies:
            return
        name = str(self.folder / f"{file_stem(title)}.{ending}")
        path = await save_file(self._page, "Export the comparison", name, pattern)
        if path is None:
            return

        def work() -> None:
            write_file(path, write(document_of(replies)))

        await self._write(work, f"Saved {path.name}", path.parent)

    async def _save_folder(self) -> None:
        replies, title = self._replies(), self._title()
        if not replies:
            return
        parent = await open_folder(self._page, "Choose where the folder is made")
        if parent is None:
            return
        labels = self._names(replies)

        def work() -> Path:
            files = comparison_files(document_of(replies), labels)
            return write_new_folder(parent, file_stem(title), files)

        await self._write(work, "Saved the comparison", parent)

    async def _copy(self) -> None:
        replies = self._replies()
        if not replies:
            return
        try:
            text = await asyncio.to_thread(lambda: to_markdown(view_of(document_of(replies))))
        except UserError as error:
            self.troubled.emit(error)
            return
        QGuiApplication.clipboard().setText(storable(text))
        Toast(self._page, "Comparison copied as Markdown")

    async def _write(self, work: Callable[[], Path | None], said: str, folder: Path) -> None:
        try:
            made = await asyncio.to_thread(work)
        except UserError as error:
            self.troubled.emit(error)
            return
        self.folder = folder
        place = QUrl.fromLocalFile(str(made or folder))
        Toast(self._page, said, "Open folder", lambda: QDesktopServices.openUrl(place))

    def _title(self) -> str:
        return self._shown().title

    def _replies(self) -> list[Reply]:
        """The shown replies: what they depended on from the history, the rest as it is shown."""
        shown = self._shown().comparison.replies()
        try:
            found = [_as_shown(self._desk.history.reply(one.reply_id), one) for one in shown]
        except UserError as error:
            self.troubled.emit(error)
            return []
        if not found:
            self.troubled.emit(
                UserError("There is nothing to export yet.", "Send a message first.")
            )
        return found

    def _names(self, replies: list[Reply]) -> list[str]:
        """What the texts of the lanes are called: the letter and the recipe."""
        names = []
        for reply in replies:
            recipe = self._desk.recipe(reply.recipe)
            names.append(f"{reply.lane} {recipe.title}" if recipe else reply.lane)
        return names


def _as_shown(stored: Reply, shown: LaneReply) -> Reply:
    """The history may be a second behind, and has a lane's end only when the run is over."""
    reply = replace(
        stored,
        lane=shown.label,
        text=shown.text,
        reasoning=shown.reasoning,
        answer=shown.answer,
        tokens=tuple(shown.tokens),
        ends=tuple(shown.ends),
        probabilities=tuple(shown.probabilities),
        usage=shown.usage,
        timing=shown.timing,
        loop=shown.loop,
        finish_reason=shown.finish_reason or stored.finish_reason,
    )
    if not shown.running:
        return reply
    return replace(reply, finish_reason="cancelled", finish_detail="it was still being written")
