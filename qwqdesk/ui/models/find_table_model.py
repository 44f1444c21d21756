"""The quantizations of one repository as a table: rows, texts, and what a screen reader hears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from qwqdesk.models.download_status import Status
from qwqdesk.models.expectations import expectation
from qwqdesk.models.file_words import short_size
from qwqdesk.models.fit import Fit
from qwqdesk.models.hub_files import Quantization
from qwqdesk.models.quants import meaning
from qwqdesk.ui.base import BadgeKind, plain_tip

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole
LABEL, BITS, SIZE, WORDS, FIT, ACT = range(6)
HEADINGS = ("Quantization", "Bits", "Size", "What to expect", "On this computer", "")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_STATES = {
    "queued": "Waiting",
    "paused": "Paused",
    "failed": "Interrupted",
    "verifying": "Checking",
}

Badge = tuple[BadgeKind, str, str]


@dataclass(frozen=True)
class TableRow:
    """One quantization as it is shown.

    `fit` is a badge (kind, icon, words) or None; `status` is its download's. `exact_bits` says that
    `bits` are those of the files and not of the type.
    """

    quantization: Quantization
    words: str
    bits: float | None = None
    exact_bits: bool = False
    fit: Badge | None = None
    fit_tip: str = ""
    suggested: bool = False
    here: bool = False
    status: Status | None = None

    @property
    def label(self) -> str:
        return self.quantization.label

    @property
    def missing(self) -> str:
        """Which shards the hub lacks, in words; empty when it has all."""
        return missing_words(self.quantization)

    @property
    def act(self) -> str:
        """What a user can do with it now: Download, Resume, or nothing."""
        if not self.quantization.complete or self.here:
            return ""
        if self.status is None:
            return "Download"
        return "Resume" if self.status.state in ("paused", "failed") else ""

    @property
    def state(self) -> str:
        """The last column's words."""
        if not self.quantization.complete:
            return "Incomplete"
        status = self.status
        if self.here or (status is not None and status.state == "done"):
            return "In library"
        if status is None:
            return "Download"
        word = _STATES.get(status.state, "Downloading")
        share = int(100 * status.done / status.total) if status.total else 0
        return word if word == "Waiting" and not share else f"{word}, {min(share, 100)} %"

    @property
    def spoken(self) -> str:
        """The whole row in a sentence."""
        bits = f"{self.bits:.2f} bits" if self.bits else ""
        parts = [self.label, "suggested" if self.suggested else "", bits,
                 short_size(self.quantization.size_bytes), self.words,
                 self.fit[2] if self.fit else "", self.missing or self.state]  # fmt: skip
        return ", ".join(part for part in parts if part)


def table_row(quantization: Quantization) -> TableRow:
    """A row before anything but the listing is known."""
    words, count = expectation(quantization.kind), len(quantization.files)
    if count > 1:
        words = f"{words}, {count} files" if words else f"{count} files"
    missing = missing_words(quantization)
    return TableRow(quantization, missing or words)


def missing_words(quantization: Quantization) -> str:
    """ "Part 2 of 3 is missing", or nothing."""
    count = len(quantization.files) + len(quantization.missing)
    numbers = [
        path.removesuffix(".gguf").rpartition("-of-")[0][-5:] for path in quantization.missing
    ]
    parts = [str(int(number)) for number in numbers if number.isdigit()]
    if not parts:
        return ""
    if len(parts) == 1:
        return f"Part {parts[0]} of {count} is missing"
    shown = f"{', '.join(parts[:3])}{' …' if len(parts) > 3 else ''}"
    return f"Parts {shown} of {count} are missing"


def fit_badge(fit: Fit) -> Badge:
    """How a fit is shown."""
    kinds: Mapping[str, tuple[BadgeKind, str]] = {
        "gpu": ("good", "circle-check"),
        "partial": ("warn", "layers"),
        "cpu": ("neutral", "cpu"),
        "no": ("bad", "ban"),
    }
    kind, icon = kinds[fit.kind]
    return kind, icon, f"{fit.words[0].upper()}{fit.words[1:]}"


class QuantizationModel(QAbstractTableModel):
    """The rows; only what changes is told to the view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[TableRow] = []

    @property
    def rows(self) -> Sequence[TableRow]:
        return self._rows

    def set_rows(self, rows: Sequence[TableRow]) -> None:
        """Another repository."""
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def update_rows(self, rows: Sequence[TableRow]) -> None:
        """The same rows with other values."""
        changed = [n for n, row in enumerate(rows) if row != self._rows[n]]
        self._rows = list(rows)
        if changed:
            first, last = self.index(changed[0], 0), self.index(changed[-1], ACT)
            self.dataChanged.emit(first, last)

    def change(self, label: str, **values: object) -> None:
        """Change one row."""
        number = self.row_of(label)
        if number >= 0:
            rows = list(self._rows)
            rows[number] = replace(rows[number], **values)  # type: ignore[arg-type]
            self.update_rows(rows)

    def row_of(self, label: str) -> int:
        """The row with this label, -1 without one."""
        return next((n for n, row in enumerate(self._rows) if row.label == label), -1)

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(HEADINGS)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return HEADINGS[section] or "State"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in (BITS, SIZE) else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            # The first cell says the whole row: moving up and down is then enough.
            return row.spoken if index.column() == LABEL else _text(row, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(_tip(row, index.column()) or "") or None
        return row if role == ROW_ROLE else None


def _text(row: TableRow, column: int) -> str:
    if column == LABEL:
        return row.label
    if column == BITS:
        return f"{row.bits:.2f}" if row.bits is not None else ""
    if column == SIZE:
        return short_size(row.quantization.size_bytes)
    if column == WORDS:
        return row.words
    return (row.fit[2] if row.fit else "") if column == FIT else row.state


def _tip(row: TableRow, column: int) -> str | None:
    if column in (LABEL, WORDS):
        return meaning(row.quantization.kind) or row.words or None
    if column == BITS:
        exact = "Bits per weight of the files" if row.exact_bits else "Bits per weight of the type"
        return exact if row.bits else None
    if column == SIZE:
        return f"{row.quantization.size_bytes:,} bytes"
    if column == FIT:
        words = row.fit[2] if row.fit else ""
        return ". ".join(part for part in (words, row.fit_tip) if part) or None
    status = row.status
    if status is not None and status.state == "failed" and not row.here:
        return status.note or None
    return row.missing or None
