"""The reasoning of a reply as a text that can be edited, in its place, to be answered from."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.ui.base import TextArea, button, label, wrapping_label
from qwqdesk.ui.focus_home import OWN_FOCUS
from qwqdesk.ui.theme import theme

_LEAST_LINES, _MOST_LINES = 5, 14


class _Text(TextArea):
    """Escape gives up, Ctrl+Enter is done."""

    done = Signal()
    given_up = Signal()

    def event(self, event: QEvent) -> bool:
        """Escape belongs to the text, not to the window, which would stop or leave."""
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.done.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.given_up.emit()
        else:
            super().keyPressEvent(event)


class ThoughtEditor(QFrame):
    """`chosen` carries the text from which the model shall answer."""

    chosen = Signal(str)
    cancelled = Signal()

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("thoughtEditor")
        self.setProperty(OWN_FOCUS, True)
        self.setAccessibleName("Edit the thought")
        self._text = _Text(_LEAST_LINES, _MOST_LINES, name="thoughtText")
        self._text.setPlainText(text.strip("\n"))
        self._text.setAccessibleName("Thought")
        self._text.setProperty("field", "area")
        self._text.done.connect(self._choose)
        self._text.given_up.connect(self.cancelled)
        self._answer = button(
            "Answer from this", "", "primary", small=True, name="answerFromThought",
            clicked=self._choose,
        )  # fmt: skip
        self._answer.setToolTip("Answer from this thought  Ctrl+Enter")
        cancel = button("Cancel", small=True, name="cancelThought", clicked=self.cancelled.emit)
        acts = QHBoxLayout()
        acts.setSpacing(px(8))
        acts.addWidget(self._answer)
        acts.addWidget(cancel)
        acts.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, px(4), 0, px(12))
        column.setSpacing(px(6))
        column.addWidget(label("Edit the thought", "name"))
        words = "The model goes on as if it had thought this. The old reply stays."
        column.addWidget(wrapping_label(words, "small", "text2"))
        column.addWidget(self._text)
        column.addLayout(acts)
        self._text.textChanged.connect(self._changed)
        self._changed()

    def begin(self) -> None:
        """Put the focus into the text."""
        self._text.setFocus(Qt.FocusReason.OtherFocusReason)

    def _changed(self) -> None:
        self._answer.setEnabled(bool(self._text.toPlainText().strip()))

    def _choose(self) -> None:
        text = self._text.toPlainText()
        if text.strip():
            self.chosen.emit(text)
