"""The library tab: what is on this computer, and one button to load it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.models.library import LibraryModel
from qwqdesk.ui.base import button, label
from qwqdesk.ui.model_picker import file_title
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.theme import theme

_SOURCES = {
    "bundled": "Built in",
    "library": "Library",
    "folder": "Folder",
    "lm-studio": "LM Studio",
    "hf-cache": "Hugging Face cache",
}
_COLUMNS = ("Model", "Quantization", "Size", "Architecture", "Where", "")


class LibraryView(QWidget):
    """The models on this computer, with a line of acts above them."""

    def __init__(self, shell: Shell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("libraryView")
        self.setAccessibleName("Library")
        table = LibraryTable(shell.load_and_show)
        shell.loader.models_found.connect(table.show_models)
        again = button(
            "Look again", "refresh-cw", "flat", name="rescanButton", clicked=shell.loader.rescan
        )
        acts = QHBoxLayout()
        acts.setContentsMargins(px(16), px(12), px(16), px(12))
        acts.setSpacing(px(8))
        acts.addWidget(label("On this computer", "strong"))
        acts.addStretch(1)
        acts.addWidget(again)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(acts)
        column.addWidget(table, 1)
        shell.loader.rescan()


class LibraryTable(QTableWidget):
    """One row for each model; Enter or the row's button loads it."""

    def __init__(self, load: Callable[[Path], object]) -> None:
        super().__init__(0, len(_COLUMNS))
        self._load = load
        self._models: Sequence[LibraryModel] = ()
        self.setObjectName("libraryTable")
        self.setAccessibleName("Models on this computer")
        self.setHorizontalHeaderLabels(list(_COLUMNS))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme().px(40))
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(len(_COLUMNS) - 1, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(len(_COLUMNS) - 1, theme().px(96))
        self.activated.connect(lambda index: self._load_row(index.row()))

    def show_models(self, models: Sequence[LibraryModel]) -> None:
        """Show what was found."""
        if list(models) == list(self._models) and self.rowCount():
            return
        self._models = list(models)
        self.setRowCount(len(models))
        for row, model in enumerate(models):
            for column, text in enumerate(_texts(model)):
                item = QTableWidgetItem(text)
                item.setToolTip(str(model.path))
                self.setItem(row, column, item)
            self.setCellWidget(row, len(_COLUMNS) - 1, self._load_cell(row, model))

    def _load_cell(self, row: int, model: LibraryModel) -> QWidget:
        px = theme().px
        cell = QWidget()
        made = button("Load", small=True, clicked=lambda: self._load_row(row))
        made.setAccessibleName(f"Load {file_title(model.path)} {model.label}")
        line = QHBoxLayout(cell)
        line.setContentsMargins(px(8), 0, px(16), 0)
        line.addWidget(made)
        return cell

    def _load_row(self, row: int) -> None:
        if 0 <= row < len(self._models):
            self._load(self._models[row].path)


def _texts(model: LibraryModel) -> tuple[str, ...]:
    return (
        file_title(model.path),
        model.label,
        size_text(model.size_bytes),
        model.architecture or "unknown",
        _SOURCES[model.source],
    )


def size_text(size: int) -> str:
    """Bytes in decimal units, as file managers and model pages say them."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit in ("B", "kB") else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} TB"
