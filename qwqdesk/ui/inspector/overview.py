"""The overview of a model file: what it is, what it takes, what its makers recommend."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.models.details import (
    Details,
    MemoryRow,
    TypeShare,
    file_facts,
    memory_rows,
    model_facts,
    sampling_rows,
    type_shares,
)
from qwqdesk.models.file_words import size_words
from qwqdesk.ui.base import label, wrapping_label
from qwqdesk.ui.fonts import Role
from qwqdesk.ui.theme import theme

_NAME, _GAP, _ROW = 128, 16, 24
_MOST_TYPES = 12


class Overview(QScrollArea):
    """Two columns of facts; everything can be selected and copied."""

    def __init__(self, details: Details, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("inspectorOverview")
        self.setAccessibleName("Overview")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left, right = QVBoxLayout(), QVBoxLayout()
        for column in (left, right):
            column.setSpacing(px(24))
        header = details.header
        if header is not None:
            left.addLayout(_section("Model", _facts(model_facts(details))))
            right.addLayout(_section("File", _facts(file_facts(details))))
            sampling = sampling_rows(header)
            if sampling:
                left.addLayout(
                    _section("Sampling that its makers recommend", _facts(sampling, mono=True))
                )
            memory = memory_rows(header)
            if memory:
                title = "Memory, about, without a GPU and with an f16 cache"
                right.addLayout(_section(title, _memory(memory)))
            shares = type_shares(header)
            if shares:
                right.addLayout(_section("Tensor types", _shares(shares)))
        left.addStretch(1)
        right.addStretch(1)
        content = QWidget()
        row = QHBoxLayout(content)
        row.setContentsMargins(px(16), px(16), px(16), px(24))
        row.setSpacing(px(32))
        row.addLayout(left, 1)
        row.addLayout(right, 1)
        self.setWidget(content)
        self.setFrameShape(QFrame.Shape.NoFrame)


def _section(title: str, content: QGridLayout) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(theme().px(8))
    column.addWidget(label(title, "strong"))
    column.addLayout(content)
    return column


def _facts(rows: Sequence[tuple[str, str]], *, mono: bool = False) -> QGridLayout:
    grid = _grid()
    for number, (name, value) in enumerate(rows):
        role: Role = "mono-small" if mono else "small"
        words = label(name, role, "text2")
        words.setFixedWidth(theme().px(_NAME))
        grid.addWidget(words, number, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(_value(value, name, "mono" if mono else "body"), number, 1)
    grid.setColumnStretch(1, 1)
    return grid


def _memory(rows: Sequence[MemoryRow]) -> QGridLayout:
    grid = _grid()
    for column, title in enumerate(("Context", "Weights", "Cache", "Buffers", "Together")):
        grid.addWidget(_number(title, "small", "text2", left=not column), 0, column)
    for number, row in enumerate(rows, start=1):
        values = (f"{row.n_ctx:,}", *map(size_words, (row.weights, row.cache, row.buffers)))
        for column, value in enumerate(values):
            grid.addWidget(_number(value, "small", "text", left=not column), number, column)
        total = _number(size_words(row.total), "small-strong", "text")
        grid.addWidget(total, number, len(values))
    for column in range(5):
        grid.setColumnStretch(column, 1)
    return grid


def _shares(rows: Sequence[TypeShare]) -> QGridLayout:
    grid = _grid()
    for number, row in enumerate(rows[:_MOST_TYPES]):
        name = label(row.name, "mono-name")
        name.setFixedWidth(theme().px(72))
        grid.addWidget(name, number, 0)
        grid.addWidget(_Bar(row.share), number, 1)
        count = f"{row.count:,} tensor{'' if row.count == 1 else 's'}"
        grid.addWidget(_number(count, "small", "text2"), number, 2)
        grid.addWidget(_number(size_words(row.size_bytes), "small", "text"), number, 3)
    grid.setColumnStretch(1, 1)
    return grid


def _grid() -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(theme().px(_GAP))
    grid.setVerticalSpacing(theme().px(4))
    return grid


def _value(text: str, name: str, role: Role) -> QLabel:
    made = wrapping_label(text, role)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setAccessibleName(f"{name}: {text}")
    return made


def _number(text: str, role: Role, tone: str, *, left: bool = False) -> QLabel:
    made = label(text, role, tone)
    side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
    made.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return made


class _Bar(QWidget):
    """A share as a bar of 6 px; its words stand beside it."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = min(1.0, max(0.0, share))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(80), theme().px(_ROW))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        height = theme().px(6)
        box = QRect(0, (self.height() - height) // 2, self.width(), height)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for width, token in ((box.width(), "line"), (round(box.width() * self._share), "bar")):
            painter.setBrush(theme().color(token))
            painter.drawRoundedRect(QRectF(0, box.top(), max(width, 2), height), 3, 3)
        painter.end()
