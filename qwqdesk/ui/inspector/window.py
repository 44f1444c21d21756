"""The inspector window: head, tabs, and what each tab shows; several can be open at once."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from qwqdesk.models.details import Details, model_facts, one_line, templates
from qwqdesk.models.shape import model_shape
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import (
    Badge,
    ElideLabel,
    EmptyState,
    IconButton,
    MessageBand,
    Toast,
    label,
    panel,
    retire,
)
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.inspector.lists import MetadataList, TensorList, VocabularyList
from qwqdesk.ui.inspector.overview import Overview
from qwqdesk.ui.inspector.subject import Subject, on_disk
from qwqdesk.ui.inspector.template import TemplateView
from qwqdesk.ui.inspector.tokenizer import TokenizerView
from qwqdesk.ui.models.tabs import UnderlineTabs
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

SIZE = (960, 720)
TABS = ("Overview", "Metadata", "Tensors", "Chat template", "Tokenizer", "Vocabulary")
HUB_TABS = TABS[:4]  # the others need the whole file
_SLOW_MS = 300
_BAND = "inspectorError"


def open_inspector(desk: Desk, path: Path, parent: QWidget) -> InspectorWindow:
    """Open a window about a model file; it closes with `parent`, the program's window."""
    return open_window(desk, on_disk(path), parent)


def open_window(desk: Desk, subject: Subject, parent: QWidget) -> InspectorWindow:
    """The same for whatever can be inspected."""
    window = InspectorWindow(desk, subject, parent)
    window.show()
    return window


class InspectorWindow(QWidget):
    """`ready` comes when the header was read and the overview stands."""

    ready = Signal()

    def __init__(self, desk: Desk, subject: Subject, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        px = theme().px
        self._subject = subject
        self._tasks = Tasks(self, desk.report)
        self._details: Details | None = None
        self._tokenizer: TokenizerView | None = None
        self._content: QWidget | None = None
        self._percent = theme().percent
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("inspectorWindow")
        self.setWindowTitle(f"{subject.title} – QwQ Desk")
        self.setAccessibleName(f"Inspector of {subject.title}")
        self.setMinimumSize(640, 420)
        room = self.screen().availableSize()
        self.resize(min(px(SIZE[0]), room.width() - 80), min(px(SIZE[1]), room.height() - 80))
        self._frame = QVBoxLayout(self)
        self._frame.setContentsMargins(0, 0, 0, 0)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(_SLOW_MS)
        self._slow.timeout.connect(self._show_wait)
        self._build()
        for keys in (QKeySequence.StandardKey.Close, QKeySequence(Qt.Key.Key_Escape)):
            QShortcut(QKeySequence(keys), self, self.close)
        closed = getattr(parent.window(), "closed", None)
        if closed is not None:
            closed.connect(self.close)
        theme().changed.connect(self._follow_text_size)
        self.begin()

    def begin(self) -> None:
        """Read the header, or read it again."""
        self._details = None
        self.bands.take_away(_BAND)
        self._slow.start()
        self._tasks.start(self._read(), "inspect")

    # ------------------------------------------------------------ the window's parts

    def _build(self) -> None:
        """Everything in the window, at the present text size."""
        self.tabs = UnderlineTabs(TABS if self._subject.path is not None else HUB_TABS)
        self.tabs.setObjectName("inspectorTabs")
        self.tabs.setAccessibleName("Parts of the file")
        self.tabs.currentChanged.connect(self._show_tab)
        self.bands = Bands()
        self.stack = QStackedWidget()
        self._made: dict[int, QWidget] = {}
        self._content = QWidget(self)
        column = QVBoxLayout(self._content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head())
        column.addLayout(self.bands)
        body = panel("surface")
        inside = QVBoxLayout(body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.stack)
        column.addWidget(body, 1)
        self._frame.addWidget(self._content)
        self.tabs.setFocus(Qt.FocusReason.OtherFocusReason)

    def _follow_text_size(self) -> None:
        """Parts have the sizes with which they were made."""
        if theme().percent == self._percent:
            return
        self._percent = theme().percent
        number, details, before = self.tabs.currentIndex(), self._details, self._content
        self._close_tokenizer()
        if before is not None:
            self._frame.removeWidget(before)
            retire(before)
        self._build()
        self.tabs.setCurrentIndex(number)
        if details is not None:
            self._show(details)

    def _head(self) -> QFrame:
        px = theme().px
        head = panel("window", "bottom")
        self.title = ElideLabel(self._subject.title, "title")
        self._badges = QHBoxLayout()
        self._badges.setSpacing(px(6))
        place = ElideLabel(self._subject.place, "small", "text2", mode=Qt.TextElideMode.ElideMiddle)
        first = QHBoxLayout()
        first.setSpacing(px(10))
        first.addWidget(self.title)
        first.addLayout(self._badges)
        first.addStretch(1)
        if self._subject.path is not None:
            first.addWidget(IconButton("folder-open", "Open folder", clicked=self._open_place))
            first.addWidget(IconButton("copy", "Copy path", clicked=self._copy_place))
        else:
            first.addWidget(IconButton("external-link", "Model page", clicked=self._open_place))
            first.addWidget(IconButton("copy", "Copy address", clicked=self._copy_place))
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
        details = await self._subject.read()
        self._slow.stop()
        self._details = details
        self._show(details)
        self.ready.emit()

    def _show_wait(self) -> None:
        wait = label("Reading the header", "body", "text3")
        wait.setAlignment(Qt.AlignmentFlag.AlignTop)
        wait.setContentsMargins(theme().px(16), theme().px(16), 0, 0)
        self.stack.addWidget(wait)
        self.stack.setCurrentWidget(wait)

    def _show(self, details: Details) -> None:
        self.title.setText(details.name)
        self.setWindowTitle(f"{details.name} – QwQ Desk")
        self._show_badges(details)
        error = details.error
        if error is not None:
            more = "What could be read is shown. " if details.header is not None else ""
            band = MessageBand("bad", error.what, more + error.what_to_do, name=_BAND)
            if details.on_hub:
                band.add_action("Try again", self.begin)
            self.bands.put(band)
        elif details.problem is not None:
            problem = details.problem
            self.bands.put(MessageBand("warn", problem.what, problem.what_to_do, name=_BAND))
        self.tabs.setEnabled(details.header is not None)
        self._made.clear()
        self._show_tab(self.tabs.currentIndex())

    def _show_badges(self, details: Details) -> None:
        while (item := self._badges.takeAt(0)) is not None:
            if (badge := item.widget()) is not None:
                retire(badge)
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
            return EmptyState("This file could not be read.")
        if number == 1:
            return MetadataList(self._subject.path, header, self._tasks)
        if number == 2:
            return TensorList(header)
        if number == 3:
            return TemplateView(templates(header))
        path = self._subject.path
        if number == 4 and path is not None:
            self._tokenizer = TokenizerView(path, self._tasks)
            return self._tokenizer
        if number == 5 and path is not None:
            return VocabularyList(path, header, self._tasks)
        return Overview(details)

    # ------------------------------------------------------------ acts

    def _open_place(self) -> None:
        path = self._subject.path
        folder = QUrl.fromLocalFile(str(path.parent)) if path is not None else None
        QDesktopServices.openUrl(folder or QUrl(self._subject.address))

    def _copy_place(self) -> None:
        path = self._subject.path
        QGuiApplication.clipboard().setText(str(path) if path else self._subject.address)
        Toast(self, "Path copied" if path else "Address copied")

    def _close_tokenizer(self) -> None:
        if self._tokenizer is not None:
            self._tokenizer.close_tokenizer()
            self._tokenizer = None

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        self._slow.stop()
        self._tasks.cancel()
        self._close_tokenizer()
        super().closeEvent(event)
