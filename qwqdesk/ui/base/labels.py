"""Words on the screen: labels by role and tone, labels that elide, hairlines, and panels."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from qwqdesk.ui.fonts import Role


def label(
    text: str = "", role: Role = "body", tone: str = "text", parent: QWidget | None = None
) -> QLabel:
    """A label of one line. `tone` is text, text2, text3, accent, good, warn or bad."""
    result = QLabel(text, parent)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setProperty("role", role)
    result.setProperty("tone", tone)
    return result


def wrapping_label(
    text: str = "", role: Role = "body", tone: str = "text", parent: QWidget | None = None
) -> QLabel:
    """A label whose text may take several lines."""
    result = label(text, role, tone, parent)
    result.setWordWrap(True)
    result.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return result


def plain_tip(text: str) -> str:
    """Text for a tool tip, which Qt would read as HTML where it looks like it."""
    return f"<p>{escape(text)}</p>" if "<" in text else text


class ElideLabel(QLabel):
    """One line that ends in an ellipsis where it does not fit; the tool tip then has it whole."""

    def __init__(
        self,
        text: str = "",
        role: Role = "body",
        tone: str = "text",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setProperty("tone", tone)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        if text != self.text():
            super().setText(text)
            self._explain()

    def is_elided(self) -> bool:
        """Whether a part of the text is not shown."""
        return self._shown() != self.text()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), self.fontMetrics().averageCharWidth() * 3), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._explain()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        self.style().drawItemText(
            painter,
            self.contentsRect(),
            int(self.alignment()),
            self.palette(),
            self.isEnabled(),
            self._shown(),
            self.foregroundRole(),
        )
        painter.end()

    def _shown(self) -> str:
        width = self.contentsRect().width()
        return self.fontMetrics().elidedText(self.text(), self._mode, width)

    def _explain(self) -> None:
        self.setToolTip(plain_tip(self.text()) if self.is_elided() else "")


class Hairline(QFrame):
    """A line of one pixel, horizontal or vertical."""

    def __init__(
        self,
        orientation: Qt.Orientation = Qt.Orientation.Horizontal,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        if orientation is Qt.Orientation.Horizontal:
            self.setFixedHeight(1)
            self.setProperty("edge", "top")
        else:
            self.setFixedWidth(1)
            self.setProperty("edge", "left")


def panel(ground: str, edge: str = "", name: str = "", parent: QWidget | None = None) -> QFrame:
    """A plain container with a ground colour and hairlines.

    Args:
        ground: window, sidebar, surface, sunken, raised, hover, warn, bad or good.
        edge: nothing, top, bottom, both, left, right, box or control.
    """
    result = QFrame(parent)
    result.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    result.setProperty("ground", ground)
    if edge:
        result.setProperty("edge", edge)
    if name:
        result.setObjectName(name)
    return result
