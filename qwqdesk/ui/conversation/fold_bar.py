"""Owns the bar over folded lines of code: "80 lines above", which opens them."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import theme


class FoldBar(QAbstractButton):
    """24 px high, over the whole width."""

    def __init__(self, *, above: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("codeFold" if above else "codeFoldBelow")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._above = above
        self.hide()

    def set_lines(self, lines: int) -> None:
        """How many lines are folded on this side; without any the bar is hidden."""
        side, word = "above" if self._above else "below", "line" if lines == 1 else "lines"
        self.setText(f"{lines:,} {word} {side}")
        self.setAccessibleName(f"Show {lines:,} more {word} of code {side}")
        self.setVisible(lines > 0)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(120, theme().px(24))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        px = theme().px
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().color("line" if self.underMouse() else "hover"))
        box = QRectF(px(14), (self.height() - px(14)) / 2, px(14), px(14))
        draw_icon(painter, box, "chevron-up" if self._above else "chevron-down", "text2")
        painter.setFont(theme().font("small"))
        painter.setPen(theme().color("text2"))
        words = QRect(px(34), 0, self.width() - px(40), self.height())
        painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter), self.text())
        painter.end()
