"""A long text that shows its first lines until one asks for all of it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.ui.base import button, wrapping_label
from qwqdesk.ui.conversation.visible_text import visible
from qwqdesk.ui.theme import theme

_LINES, _CHARACTERS = 4, 360
_MOST = 20_000  # characters that a label lays out without a pause
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class FoldedText(QWidget):
    """Folded where that saves more than it hides: a text that is a little too long is shown."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._opened = "", False
        self._words = wrapping_label("", "body")
        self._words.setObjectName(name)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._all = button(
            "Show all", kind="flat", small=True, name=f"{name}All", clicked=self.toggle
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme().px(4))
        column.addWidget(self._words)
        column.addWidget(self._all, 0, Qt.AlignmentFlag.AlignLeft)

    def set_text(self, text: str) -> None:
        """Show a text, folded."""
        self._text, self._opened = text, False
        self._show()

    def toggle(self) -> None:
        """All of it, or its beginning."""
        self._opened = not self._opened
        self._show()

    def _show(self) -> None:
        short = beginning(self._text)
        text = self._text[:_MOST] if self._opened else short
        cut = len(text) < len(self._text)
        self._words.setText(visible(text) + (f" {_ELLIPSIS}" if cut else ""))
        self._all.setVisible(len(short) < len(self._text))
        self._all.setText("Show less" if self._opened else "Show all")
        self._all.setAccessibleName("Show less of the prompt" if self._opened else
                                    "Show the whole prompt")  # fmt: skip


def beginning(text: str) -> str:
    """The lines that stand for a long text; the whole of one that is hardly longer."""
    short = "\n".join(text.split("\n", _LINES)[:_LINES])
    if len(short) > _CHARACTERS:
        short = short[:_CHARACTERS].rsplit(" ", 1)[0]
    rest = text[len(short) :]
    return text if rest.count("\n") <= 1 and len(rest) < _CHARACTERS // 3 else short
