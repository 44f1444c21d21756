"""The controls of the settings page: each shows a setting and changes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.ui.base import ElideLabel, Segment, TextArea, button
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.settings.hub_controls import (
    EndpointField,
    ModelsFolder,
    SpeedChoice,
    TokenField,
)
from qwqdesk.ui.settings.reasoning_controls import BudgetField, SentenceField
from qwqdesk.ui.settings.rows import Row
from qwqdesk.ui.theme import theme

OpenEngine = Callable[[], object]
_FILE = "file"
_OWN: dict[str, Callable[[Row, Desk], QWidget]] = {
    "token": TokenField,
    "endpoint": EndpointField,
    "speed": SpeedChoice,
    "models": ModelsFolder,
    "budget": BudgetField,
    "sentence": SentenceField,
}
_WIDTH = 260


def control(row: Row, desk: Desk, open_engine: OpenEngine) -> QWidget:
    """The control of one setting."""
    if row.kind == "choice":
        return _choice(row, desk)
    if row.kind == "switch":
        return _switch(row, desk)
    if row.kind == "template":
        return TemplateChoice(row, desk)
    if row.kind == "folders":
        return FolderList(row, desk)
    if row.kind == "text":
        return PromptField(row, desk)
    if row.kind == "places":
        return _places(desk)
    if row.kind in _OWN:
        return _OWN[row.kind](row, desk)
    return button("Engine settings", "gauge", name="engineSettingsButton", clicked=open_engine)


def _choice(row: Row, desk: Desk) -> QWidget:
    options = [(str(value), words) for value, words in row.choices]
    kinds = {str(value): value for value, _ in row.choices}
    made = Segment(options, name=f"setting_{row.field}", accessible=row.title)

    def show(*_: object) -> None:
        value = str(getattr(desk.settings, row.field))
        if value in kinds:
            made.set_value(value)

    made.chosen.connect(lambda value: desk.change(**{row.field: kinds[value]}))
    _follow(made, desk, show)
    return made


def _switch(row: Row, desk: Desk) -> QWidget:
    made = QCheckBox()
    made.setObjectName(f"setting_{row.field}")
    made.setAccessibleName(row.title)
    made.setAccessibleDescription(row.meaning)
    made.setFixedWidth(theme().px(24))  # the least that can be hit; its row switches it too

    def show(*_: object) -> None:
        with QSignalBlocker(made):
            made.setChecked(bool(getattr(desk.settings, row.field)))

    made.toggled.connect(lambda on: desk.change(**{row.field: on}))
    _follow(made, desk, show)
    return made


def _follow(widget: QWidget, desk: Desk, show: Callable[..., None]) -> None:
    """Show the setting now and whenever it changes, as long as the widget lives."""
    desk.settings_changed.connect(show)
    widget.destroyed.connect(lambda *_: desk.settings_changed.disconnect(show))
    show()


def _places(desk: Desk) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    folders = dict.fromkeys((desk.dirs.data, desk.dirs.config, desk.dirs.models, desk.dirs.logs))
    for folder in folders:
        shown = ElideLabel(str(folder), "mono-small", "text2", Qt.TextElideMode.ElideMiddle)
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        shown.setFixedWidth(theme().px(_WIDTH))
        column.addWidget(shown)
    return made


class TemplateChoice(QComboBox):
    """The built-in templates and a file."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__()
        self._row, self._desk = row, desk
        self.setObjectName("setting_chat_template")
        self.setAccessibleName(row.title)
        self.setFixedWidth(theme().px(_WIDTH))
        for value, words in row.choices:
            self.addItem(words, value)
        self.addItem("File…", _FILE)
        self.activated.connect(self._chosen)
        desk.settings_changed.connect(self._show)
        self._show()

    def _show(self, *_: object) -> None:
        value = self._desk.settings.chat_template
        with QSignalBlocker(self):
            found = self.findData(value)
            if found < 0:
                found = self.count() - 1
                self.setItemText(found, f"File: {Path(value).name}")
                self.setToolTip(value)
            self.setCurrentIndex(found)

    def _chosen(self, index: int) -> None:
        value = self.itemData(index)
        if value != _FILE:
            self._desk.change(chat_template=value)
            return
        dialog = QFileDialog(self, "Chat template", "", "Templates (*.jinja *.txt);;All files (*)")
        dialog.setObjectName("templateDialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._desk.change(chat_template=name))
        dialog.finished.connect(self._show)
        dialog.open()


class PromptField(TextArea):
    """A text of some lines, saved with every change."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__(3, 8, name=f"setting_{row.field}")
        self._row, self._desk = row, desk
        self.setPlainText(getattr(desk.settings, row.field))
        self.setAccessibleName(row.title)
        self.setProperty("field", "area")
        self.setFixedWidth(theme().px(_WIDTH))
        self.textChanged.connect(self._changed)

    def _changed(self) -> None:
        self._desk.change(**{self._row.field: self.toPlainText()[:100_000]})


class FolderList(QWidget):
    """Folders with buttons to add and remove."""

    def __init__(self, row: Row, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        px = theme().px
        self._list = QListWidget()
        self._list.setObjectName("setting_model_folders")
        self._list.setAccessibleName(row.title)
        self._list.setFixedSize(px(_WIDTH), px(84))
        add = button(
            "Add folder", "folder-open", small=True, name="addFolderButton", clicked=self._ask
        )
        self._remove = button(
            "Remove", kind="flat", small=True, name="removeFolderButton", clicked=self._take_away
        )
        acts = QHBoxLayout()
        acts.setSpacing(px(8))
        acts.addWidget(add)
        acts.addWidget(self._remove)
        acts.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(px(8))
        column.addWidget(self._list)
        column.addLayout(acts)
        self._list.currentRowChanged.connect(lambda n: self._remove.setEnabled(n >= 0))
        self._show()

    def add(self, folder: str) -> None:
        """Look through this folder too."""
        folders = dict.fromkeys([*self._desk.settings.model_folders, folder])
        self._desk.change(model_folders=tuple(folders))
        self._show()

    def _show(self) -> None:
        self._list.clear()
        self._list.addItems(list(self._desk.settings.model_folders))
        self._remove.setEnabled(False)

    def _ask(self) -> None:
        dialog = QFileDialog(self, "Add model folder")
        dialog.setObjectName("folderDialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add)
        dialog.open()

    def _take_away(self) -> None:
        number = self._list.currentRow()
        folders = list(self._desk.settings.model_folders)
        if 0 <= number < len(folders):
            del folders[number]
            self._desk.change(model_folders=tuple(folders))
            self._show()
