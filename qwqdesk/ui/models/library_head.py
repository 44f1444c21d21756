"""The line above the library: filter, what lies here twice, how much there is, and what to add."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from qwqdesk.models.file_words import short_size
from qwqdesk.models.library import LibraryModel
from qwqdesk.ui.base import ElideLabel, IconButton, PickerButton, SearchField, button
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import theme

_FILTER, _FILTER_LEAST = 240, 120
_TOTAL_FROM = 680  # px at 100 % text size; narrower, the total has no room


class LibraryHead(QWidget):
    """Its signals say what the user wants."""

    filtered = Signal(str, bool)  # words, only what lies here twice
    import_wanted = Signal()
    folder_wanted = Signal()
    folder_dropped = Signal(str)
    rescan_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.field = SearchField("Filter models", name="libraryFilter")
        self.field.setMinimumWidth(px(_FILTER_LEAST))
        self.field.setMaximumWidth(px(_FILTER))
        self.field.textChanged.connect(lambda *_: self._changed())
        self.copies = button("Duplicates", "copy", "flat", name="duplicatesButton")
        self.copies.setCheckable(True)
        self.copies.setToolTip("Show only models that lie here more than once")
        self.copies.toggled.connect(lambda *_: self._changed())
        self.copies.hide()
        self.total = ElideLabel("", "small", "text2")
        self.total.setObjectName("libraryTotal")
        self._folders = QMenu(self)
        folders = PickerButton(
            "Folders", framed=True, icon_name="folder-open", role="name", name="foldersButton"
        )
        folders.setAccessibleName("Folders of the library")
        folders.setMinimumWidth(folders.sizeHint().width())
        folders.setMenu(self._folders)
        take_in = button("Import file", "file-down", name="importModelButton")
        take_in.setToolTip("Take a .gguf file into the library: linked where possible, else copied")
        take_in.clicked.connect(lambda *_: self.import_wanted.emit())
        again = IconButton(
            "refresh-cw", "Look again", name="rescanButton", clicked=self.rescan_wanted.emit
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), px(10), px(16), px(10))
        row.setSpacing(px(8))
        row.addWidget(self.field, 3)
        row.addWidget(self.copies)
        row.addStretch(1)
        row.addWidget(self.total)
        row.addSpacing(px(8))
        row.addWidget(take_in)
        row.addWidget(folders)
        row.addWidget(again)

    def show_models(self, models: Sequence[LibraryModel], copied: int) -> None:
        """How many there are and what they take on the disk; names of one file count once."""
        once = {model.identity: model for model in models}
        size = short_size(sum(model.size_bytes for model in once.values()))
        count = f"{len(models)} model{'' if len(models) == 1 else 's'}"
        self.total.setText(f"{count} · {size}" if models else "")
        self.copies.setText(f"Duplicates {copied}")
        self.copies.setAccessibleName(f"Duplicates, {copied}")
        self.copies.setVisible(copied > 0)
        if not copied:
            self.copies.setChecked(False)

    def show_folders(self, folders: Sequence[str]) -> None:
        """The menu of added folders: add one, remove one."""
        self._folders.clear()
        add = self._folders.addAction(icon("plus"), "Add folder…")
        add.setObjectName("addFolderAction")
        add.triggered.connect(lambda *_: self.folder_wanted.emit())
        if folders:
            self._folders.addSection("Remove from the library")
        for folder in folders:
            action = self._folders.addAction(icon("x"), folder.replace("&", "&&"))
            action.triggered.connect(partial(self._drop, folder))

    def clear_filter(self) -> None:
        """Show everything."""
        self.copies.setChecked(False)
        self.field.clear()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.total.setVisible(self.width() >= theme().px(_TOTAL_FROM))

    def _drop(self, folder: str, *_: object) -> None:
        self.folder_dropped.emit(folder)

    def _changed(self) -> None:
        self.filtered.emit(self.field.text(), self.copies.isChecked())
