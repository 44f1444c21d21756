"""The settings page: sections of rows, made from the table in `rows.py`."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.ui.base import Hairline, label, wrapping_label
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.settings.controls import control
from qwqdesk.ui.settings.rows import SECTIONS, Row, Section
from qwqdesk.ui.theme import theme
from qwqdesk.ui.toolbar import PageBar, page_frame

_COLUMN = 720


def make_page(shell: Shell) -> QWidget:
    """The page, for the window's table of pages."""
    page = page_frame("settingsPage")
    page.setAccessibleName("Settings")
    bar = PageBar(label("Settings", "title"))
    bar.sidebar_wanted.connect(shell.toggle_sidebar)
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(bar)
    column.addWidget(_scrolled(_content(shell)), 1)
    return page


def _scrolled(content: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    outer = QWidget()
    row = QHBoxLayout(outer)
    row.setContentsMargins(theme().px(24), 0, theme().px(24), 0)
    row.addStretch(1)
    row.addWidget(content, 1000)
    row.addStretch(1)
    area.setWidget(outer)
    area.viewport().setAutoFillBackground(False)
    outer.setAutoFillBackground(False)
    return area


def _content(shell: Shell) -> QWidget:
    px = theme().px
    content = QWidget()
    content.setMaximumWidth(px(_COLUMN))
    content.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    column = QVBoxLayout(content)
    column.setContentsMargins(0, px(24), 0, px(32))
    column.setSpacing(0)
    for section in SECTIONS:
        _add_section(column, section, shell)
    column.addStretch(1)
    return content


def _add_section(column: QVBoxLayout, section: Section, shell: Shell) -> None:
    px = theme().px
    column.addWidget(label(section.title, "title"))
    column.addSpacing(px(8))
    for row in section.rows:
        column.addWidget(Hairline())
        column.addLayout(_row(row, shell))
    column.addSpacing(px(24))


class _Words(QWidget):
    """What a row says. Where it has a switch, a click on the words switches it."""

    def __init__(self, switch: QCheckBox | None) -> None:
        super().__init__()
        self._switch = switch

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        inside = self.rect().contains(event.position().toPoint())
        if self._switch is not None and event.button() == Qt.MouseButton.LeftButton and inside:
            self._switch.click()
        else:
            super().mouseReleaseEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        event.setAccepted(self._switch is not None)


def _row(row: Row, shell: Shell) -> QHBoxLayout:
    px = theme().px
    made = control(row, shell.desk, shell.engine_settings)
    about = _Words(made if isinstance(made, QCheckBox) else None)
    words = QVBoxLayout(about)
    words.setContentsMargins(0, 0, 0, 0)
    words.setSpacing(px(2))
    words.addStretch(1)
    words.addWidget(label(row.title, "name"))
    words.addWidget(wrapping_label(row.meaning, "small", "text2"))
    words.addStretch(1)
    line = QHBoxLayout()
    line.setContentsMargins(0, px(12), 0, px(12))
    line.setSpacing(px(16))
    line.addWidget(about, 1)
    line.addWidget(made, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return line
