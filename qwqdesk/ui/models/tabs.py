"""The underlined tabs of a page's bar: Find, Library 6."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QTabBar, QWidget

from qwqdesk.ui.theme import theme
from qwqdesk.ui.toolbar import HEIGHT

_GAP, _PADDING, _COUNT_GAP, _LINE = 20, 4, 6, 2
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


class UnderlineTabs(QTabBar):
    """Tabs with a line under the current one; a count stands beside a tab's words.

    The arrow keys move between tabs, as in every tab bar of Qt.
    """

    def __init__(self, words: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: list[int | None] = [None] * len(words)
        self.setObjectName("modelsTabs")
        self.setAccessibleName("Pages of models")
        self.setProperty("ring", "none")
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        for text in words:
            self.addTab(text)

    def set_count(self, number: int, count: int) -> None:
        """Show how many things a tab has."""
        if self._counts[number] != count:
            self._counts[number] = count
            self.setAccessibleTabName(number, f"{self.tabText(number)}, {count}")
            self.setTabText(number, self.tabText(number))
            self.updateGeometry()
            self.resize(self.sizeHint())
            self.update()

    def tabSizeHint(self, index: int) -> QSize:  # noqa: N802 - Qt's name
        px = theme().px
        width = self._advance(self.tabText(index)) + 2 * px(_PADDING) + px(_GAP)
        if self._counts[index] is not None:
            width += px(_COUNT_GAP) + self._advance(str(self._counts[index]))
        return QSize(width, px(HEIGHT))

    def minimumTabSizeHint(self, index: int) -> QSize:  # noqa: N802 - Qt's name
        return self.tabSizeHint(index)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme().font("name"))
        for number in range(self.count()):
            self._paint_tab(painter, number)
        painter.end()

    def _paint_tab(self, painter: QPainter, number: int) -> None:
        px, half = theme().px, theme().px(_GAP) // 2
        box = self.tabRect(number).adjusted(half, 0, -half, 0)
        current = number == self.currentIndex()
        strong = current or box.contains(self.mapFromGlobal(self.cursor().pos()))
        painter.setPen(theme().color("text" if strong else "text2"))
        words = box.adjusted(px(_PADDING), 0, 0, 0)
        text = self.tabText(number)
        painter.drawText(words, _LEFT, text)
        if self._counts[number] is not None:
            painter.setPen(theme().color("text3"))
            left = self._advance(text) + px(_COUNT_GAP)
            painter.drawText(words.adjusted(left, 0, 0, 0), _LEFT, str(self._counts[number]))
        if current:
            line = QRect(box.left(), box.bottom() + 1 - px(_LINE), box.width(), px(_LINE))
            painter.fillRect(line, theme().color("accent"))
        if current and self.hasFocus():
            painter.setPen(QPen(theme().color("focus"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = box.adjusted(-px(4), px(9), px(4), -px(9))
            painter.drawRoundedRect(ring, px(6), px(6))

    def _advance(self, text: str) -> int:
        return QFontMetrics(theme().font("name")).horizontalAdvance(text) + 1
