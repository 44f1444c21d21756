"""Owns the field that a prompt is written in: it grows, it sends, and no paste can freeze it."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QInputMethodEvent,
    QKeyEvent,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.ui.base import TextArea
from qwqdesk.ui.theme import theme

LIMIT = 12_000_000  # characters that a prompt may have
_LARGE = 200_000  # from here lines are not wrapped: wrapping costs time with every key
_LONGEST_LINE = 20_000  # a longer line is laid out in pieces on the screen, as it would freeze
_LINE = 22  # px of height that an empty field has


class ComposerText(TextArea):
    """Enter sends, Shift+Enter breaks the line. While an input method composes, Enter is its own.

    A text with lines of many thousand characters, or of a huge size, is kept whole outside the
    field, which then shows its beginning and how long it is; the field is read-only until it is
    emptied with Backspace.
    """

    submitted = Signal()
    refused = Signal(object)  # UserError
    focused = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(name="composerInput", parent=parent)
        self.setAccessibleName("Message")
        self.viewport().setAutoFillBackground(False)
        self._composing = False
        self._kept = ""
        self.textChanged.connect(self._text_changed)
        self.restyle()

    # ------------------------------------------------------------ the text

    def text(self) -> str:
        """The whole prompt."""
        return self._kept or self.toPlainText()

    def length(self) -> int:
        """Characters of the prompt, without building it."""
        return len(self._kept) or self.document().characterCount() - 1

    def set_text(self, text: str) -> bool:
        """Replace the prompt; False, with `refused`, when it is over the limit."""
        if len(text) > LIMIT:
            self._refuse(len(text))
            return False
        self._drop_kept()
        if _too_large(text):
            self._keep(text)
        else:
            self.setPlainText(text)
            self.moveCursor(QTextCursor.MoveOperation.End)
        return True

    def is_blank(self) -> bool:
        """Whether there is nothing to send."""
        if self._kept:
            return False
        return self.length() < 2000 and not self.toPlainText().strip()

    def _keep(self, text: str) -> None:
        """Hold a huge text outside the field and show what it is."""
        self._kept = text
        lines = text.count("\n") + 1
        head = text[:300].replace("\n", " ")
        self.setReadOnly(True)
        self.setPlainText(
            f"{head}\u2026\n({len(text):,} characters in {lines:,} lines. Backspace removes it.)"
        )

    def _drop_kept(self) -> None:
        if self._kept:
            self._kept = ""
            self.setReadOnly(False)
            self.clear()

    def _refuse(self, length: int) -> None:
        what = f"The text has {length:,} characters, a prompt may have {LIMIT:,}."
        self.refused.emit(UserError(what, "What was written before is kept.", code="too_large"))

    # ------------------------------------------------------------ events

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        """Only plain text comes in."""
        text = source.text()
        if not text:
            return
        if self.length() + len(text) > LIMIT:
            self._refuse(self.length() + len(text))
        elif self._kept or _too_large(text) or self.length() + len(text) > _LARGE:
            self.set_text(self._with(text))
        else:
            self.insertPlainText(text)
            self.ensureCursorVisible()

    def _with(self, text: str) -> str:
        """The prompt with a text in place of the selection."""
        if self._kept:
            return self._kept + text
        cursor, whole = self.textCursor(), self.toPlainText()
        return whole[: cursor.selectionStart()] + text + whole[cursor.selectionEnd() :]

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 - Qt's name
        return source.hasText()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if enter and self._composing:
            event.accept()  # it ends the composition; where it arrives here too, it does no more
        elif enter and not shifted:
            self.submitted.emit()
        elif self._kept and event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._drop_kept()
        else:
            super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:  # noqa: N802 - Qt's name
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        self._composing = False
        super().focusOutEvent(event)
        self.focused.emit(False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        super().wheelEvent(event)
        event.accept()

    # ------------------------------------------------------------ geometry

    def _text_changed(self) -> None:
        """A text that has become huge by typing or by undo is not wrapped any more."""
        large = self.document().characterCount() > _LARGE
        mode = QTextOption.WrapMode
        wanted = mode.NoWrap if large else mode.WrapAtWordBoundaryOrAnywhere
        if self.wordWrapMode() is not wanted:
            self.setWordWrapMode(wanted)
            self.fit()

    def least_height(self) -> int:
        return max(theme().px(_LINE), super().least_height())

    def restyle(self) -> None:
        """The theme or the text size changed."""
        font = theme().font("reading")
        smaller = type(font)(font)
        smaller.setPixelSize(theme().px(14))
        self.setFont(smaller)
        self.viewport().setFont(smaller)  # it paints the placeholder
        self.setViewportMargins(theme().px(4), 0, 0, 0)
        self.fit()


def _too_large(text: str) -> bool:
    """Whether the field could not show it without freezing."""
    if len(text) > _LARGE:
        return True
    return len(text) > _LONGEST_LINE and max(map(len, text.split("\n"))) > _LONGEST_LINE
