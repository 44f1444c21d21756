"""The inspector's lists: metadata with the whole value below, tensors, the vocabulary."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.models.details import MetadataRow, metadata_rows, one_line
from qwqdesk.models.file_words import size_words
from qwqdesk.models.gguf import GgufArray, GgufHeader, TensorInfo
from qwqdesk.models.gguf_arrays import read_first
from qwqdesk.models.token_list import ListedToken, read_tokens, visible
from qwqdesk.ui.base import ElideLabel, HairSplitter, SearchField
from qwqdesk.ui.inspector.tables import TextColumn, TextTable, TextTableView
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

MOST_ITEMS = 500  # of an array, shown at once
MOST_LETTERS = 200_000
_TYPING_MS = 120


class FilteredList(QWidget):
    """A filter field, a count, and a table."""

    def __init__(self, table: TextTable[Any], name: str, words: str, what: str) -> None:
        super().__init__()
        px = theme().px
        self._what = what
        self.table = table
        self.view = TextTableView(table, f"{name}Table", words)
        self.field = SearchField(f"Filter {what}", name=f"{name}Filter")
        self.field.setFixedWidth(px(280))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_TYPING_MS)
        self._later.timeout.connect(self._filter)
        self.field.textChanged.connect(lambda *_: self._later.start())
        self.count = ElideLabel("", "small", "text2")
        table.modelReset.connect(self._show_count)
        head = QHBoxLayout()
        head.setContentsMargins(px(16), px(10), px(16), px(10))
        head.setSpacing(px(12))
        head.addWidget(self.field)
        head.addWidget(self.count, 1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.column.addLayout(head)

    def _filter(self) -> None:
        self.table.set_filter(self.field.text())

    def _show_count(self) -> None:
        self.count.setText(f"{len(self.table.shown):,} {self._what}")


class MetadataList(FilteredList):
    """All keys; below them the whole value of the chosen one, arrays by their first items."""

    def __init__(self, path: Path | None, header: GgufHeader, tasks: Tasks) -> None:
        """Without a path, only the items that the header holds are known."""
        table: TextTable[MetadataRow] = TextTable(
            [
                TextColumn("Key", lambda row: one_line(row.key, 200), 330, mono=True),
                TextColumn("Type", lambda row: row.kind, 96, quiet=True),
                TextColumn("Value", lambda row: row.text, mono=True),
            ],
            lambda row: f"{row.key} {row.text}",
        )
        super().__init__(table, "metadata", "Metadata", "keys")
        self._path, self._header, self._tasks = path, header, tasks
        table.set_rows(metadata_rows(header))
        self.view.make_sortable()
        self.value = QPlainTextEdit()
        self.value.setObjectName("metadataValue")
        self.value.setAccessibleName("Value of the chosen key")
        self.value.setReadOnly(True)
        self.value.setTabChangesFocus(True)
        self.value.setFont(theme().font("mono-small"))
        self.value.setPlaceholderText("Choose a key to see its whole value.")
        self.value.setProperty("well", True)
        splitter = HairSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.view)
        splitter.addWidget(self.value)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([360, 130])
        self.column.addWidget(splitter, 1)
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._chosen(now.row()))

    def _chosen(self, number: int) -> None:
        if not 0 <= number < len(self.table.shown):
            self.value.clear()
            return
        key = self.table.shown[number].key
        value = self._header.metadata[key]
        if isinstance(value, GgufArray) and self._path is not None:
            self.value.setPlainText("Reading the first items")
            self._tasks.start(self._read_items(self._path, key, value))
        elif isinstance(value, GgufArray):
            self.value.setPlainText(_known_items(value))
        else:
            self.value.setPlainText(cut(str(value)))

    async def _read_items(self, path: Path, key: str, array: GgufArray) -> None:
        try:
            items = await asyncio.to_thread(read_first, path, self._header, key, MOST_ITEMS)
        except UserError as error:
            self.value.setPlainText(str(error))
            return
        lines = [f"{number}  {one_line(item)}" for number, item in enumerate(items)]
        if array.count > len(items):
            lines.append(f"and {array.count - len(items):,} more of {array.item_type}")
        self.value.setPlainText("\n".join(lines))


class TensorList(FilteredList):
    """All tensors: name, type, shape, elements, size."""

    def __init__(self, header: GgufHeader) -> None:
        table: TextTable[TensorInfo] = TextTable(
            [
                TextColumn("Tensor", lambda row: one_line(row.name, 200), mono=True),
                TextColumn("Type", lambda row: row.type_name, 96, mono=True),
                TextColumn("Shape", _shape, 190, key=lambda row: row.shape, mono=True, right=True),
                TextColumn(
                    "Elements", lambda row: f"{row.elements:,}", 130,
                    key=lambda row: row.elements, right=True, quiet=True,
                ),
                TextColumn(
                    "Size", _size, 100, key=lambda row: row.size_bytes or 0, right=True
                ),
            ],
            lambda row: f"{row.name} {row.type_name}",
        )  # fmt: skip
        super().__init__(table, "tensors", "Tensors", "tensors")
        table.set_rows(header.tensors)
        self.view.make_sortable()
        self.column.addWidget(self.view, 1)

    def _show_count(self) -> None:
        size = sum(row.size_bytes or 0 for row in self.table.shown)
        self.count.setText(f"{len(self.table.shown):,} tensors · {size_words(size)}")


class VocabularyList(FilteredList):
    """All tokens; read when the tab is shown first."""

    def __init__(self, path: Path, header: GgufHeader, tasks: Tasks) -> None:
        table: TextTable[ListedToken] = TextTable(
            [
                TextColumn("Id", lambda row: str(row.id), 90, right=True, quiet=True),
                TextColumn("Piece", lambda row: visible(row.piece), mono=True),
                TextColumn("Kind", lambda row: row.kind, 120, quiet=True),
                TextColumn("Named", lambda row: row.name, 160),
            ],
            _haystack,
        )
        super().__init__(table, "vocabulary", "Vocabulary", "tokens")
        self._path, self._header, self._tasks = path, header, tasks
        self._asked = False
        self.column.addWidget(self.view, 1)

    def read(self) -> None:
        """Read the tokens, once."""
        if not self._asked:
            self._asked = True
            self.count.setText("Reading the vocabulary")
            self._tasks.start(self._read())

    async def _read(self) -> None:
        try:
            tokens = await asyncio.to_thread(read_tokens, self._path, self._header)
        except UserError as error:
            self.count.setText(str(error))
            return
        self.table.set_rows(tokens)
        if not tokens:
            self.count.setText("This file has no vocabulary.")


def cut(text: str) -> str:
    """A text as a field can hold it."""
    if len(text) <= MOST_LETTERS:
        return text
    return f"{text[:MOST_LETTERS]}\n… and {len(text) - MOST_LETTERS:,} more characters"


def _known_items(array: GgufArray) -> str:
    if array.values is None:
        return f"{array.count:,} items of {array.item_type}. Download the file to read them."
    return "\n".join(f"{number}  {item}" for number, item in enumerate(array.values))


def _haystack(row: ListedToken) -> str:
    return f"{row.piece} {row.name} {row.id}" if row.name else f"{row.piece} {row.id}"


def _shape(row: TensorInfo) -> str:
    return " × ".join(f"{length:,}" for length in row.shape)


def _size(row: TensorInfo) -> str:
    return size_words(row.size_bytes) if row.size_bytes is not None else "unknown"
