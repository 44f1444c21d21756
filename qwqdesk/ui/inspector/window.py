"""The inspector window: head, tabs, and what each tab shows; several can be open at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from qwqdesk.models.details import Details, model_facts, one_line, read_details, templates
from qwqdesk.models.shape import model_shape
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import Badge, ElideLabel, EmptyState, IconButton, MessageBand, Toast, panel
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.inspector.lists import MetadataList, TensorList, VocabularyList
from qwqdesk.ui.inspector.overview import Overview
from qwqdesk.ui.inspector.template import TemplateView
from qwqdesk.ui.inspector.tokenizer import TokenizerView
from qwqdesk.ui.models.tabs import UnderlineTabs
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

SIZE = (960, 720)
TABS = ("Overview", "Metadata", "Tensors", "Chat template", "Tokenizer", "Vocabulary")


def open_inspector(desk: Desk, path: Path, parent: QWidget) -> InspectorWindow:
    """Open a window about a model file; it closes with `parent`, the program's window."""
    window = InspectorWindow(desk, path, parent)
    window.show()
    return window


class InspectorWindow(QWidget):
    """`ready` comes when the header was read and the overview stands."""

    ready = Signal()

    def __init__(self, desk: Desk, path: Path, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        px = theme().px
        self._path = path
        self._tasks = Tasks(self, desk.report)
        self._details: Details | None = None
        self._tokenizer: TokenizerView | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("inspectorWindow")
        self.setWindowTitle(f"{path.name} – QwQ Desk")
        self.setAccessibleName(f"Inspector of {path.name}")
        self.setMinimumSize(640, 420)
        room = self.screen().availableSize()
        self.resize(min(px(SIZE[0]), room.width() - 80), min(px(SIZE[1]), room.height() - 80))
        self.tabs = UnderlineTabs(TABS)
        self.tabs.setObjectName("inspectorTabs")
        self.tabs.setAccessibleName("Parts of the file")
        self.tabs.currentChanged.connect(self._show_tab)
        self.bands = Bands()
        self.stack = QStackedWidget()
        self._made: dict[int, QWidget] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head())
        column.addLayout(self.bands)
        body = panel("surface")
        inside = QVBoxLayout(body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.stack)
        column.addWidget(body, 1)
        for keys in (QKeySequence.StandardKey.Close, QKeySequence(Qt.Key.Key_Escape)):
            QShortcut(QKeySequence(keys), self, self.close)
        closed = getattr(parent.window(), "closed", None)
        if closed is not None:
            closed.connect(self.close)
        self.tabs.setFocus(Qt.FocusReason.OtherFocusReason)
        self._tasks.start(self._read(), "inspect")

    def _head(self) -> QFrame:
        px = theme().px
        head = panel("window", "bottom")
        self.title = ElideLabel(self._path.name, "title")
        self._badges = QHBoxLayout()
        self._badges.setSpacing(px(6))
        place = ElideLabel(str(self._path), "small", "text2", mode=Qt.TextElideMode.ElideMiddle)
        first = QHBoxLayout()
        first.setSpacing(px(10))
        first.addWidget(self.title)
        first.addLayout(self._badges)
        first.addStretch(1)
        first.addWidget(IconButton("folder-open", "Open folder", clicked=self._open_folder))
        first.addWidget(IconButton("copy", "Copy path", clicked=self._copy_path))
        words = QVBoxLayout()
        words.setContentsMargins(px(16), px(12), px(12), 0)
        words.setSpacing(px(2))
        words.addLayout(first)
        words.addWidget(place)
        column = QVBoxLayout(head)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(words)
        tabs = QHBoxLayout()
        tabs.setContentsMargins(px(2), 0, 0, 0)  # the first tab's words stand below the title
        tabs.addWidget(self.tabs)
        tabs.addStretch(1)
        column.addLayout(tabs)
        return head

    # ------------------------------------------------------------ reading

    async def _read(self) -> None:
        details = await asyncio.to_thread(read_details, self._path)
        self._details = details
        self.title.setText(details.name)
        self.setWindowTitle(f"{details.name} – QwQ Desk")
        self._show_badges(details)
        error = details.error
        if error is not None:
            more = "What could be read is shown. " if details.header is not None else ""
            self.bands.put(MessageBand("bad", error.what, more + error.what_to_do))
        self.tabs.setEnabled(details.header is not None)
        self._show_tab(self.tabs.currentIndex())
        self.ready.emit()

    def _show_badges(self, details: Details) -> None:
        if details.header is None:
            return
        facts = dict(model_facts(details))
        found = model_shape(details.header)
        context = f"context {found.context_length:,}" if found.context_length else ""
        parameters = facts.get("Parameters", "").partition(" (")[0]
        for words in (facts.get("Architecture", ""), parameters, details.label, context):
            if words:
                self._badges.addWidget(Badge("neutral", "", one_line(words, 40)))

    # ------------------------------------------------------------ tabs

    def _show_tab(self, number: int) -> None:
        """Each tab is made when it is shown first."""
        details = self._details
        if details is None:
            return
        if number not in self._made:
            self._made[number] = self._make(number, details)
            self.stack.addWidget(self._made[number])
        shown = self._made[number]
        self.stack.setCurrentWidget(shown)
        if isinstance(shown, TokenizerView):
            shown.begin()
        elif isinstance(shown, VocabularyList):
            shown.read()

    def _make(self, number: int, details: Details) -> QWidget:
        header = details.header
        if header is None:
            return EmptyState("Nothing of this file could be read.")
        if number == 1:
            return MetadataList(self._path, header, self._tasks)
        if number == 2:
            return TensorList(header)
        if number == 3:
            return TemplateView(templates(header))
        if number == 4:
            self._tokenizer = TokenizerView(self._path, self._tasks)
            return self._tokenizer
        if number == 5:
            return VocabularyList(self._path, header, self._tasks)
        return Overview(details)

    # ------------------------------------------------------------ acts

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path.parent)))

    def _copy_path(self) -> None:
        QGuiApplication.clipboard().setText(str(self._path))
        Toast(self, "Path copied")

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        self._tasks.cancel()
        if self._tokenizer is not None:
            self._tokenizer.close_tokenizer()
        super().closeEvent(event)
