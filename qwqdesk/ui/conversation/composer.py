"""Owns the composer: the prompt's field and, below it, what can be added, what it costs, Send."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.ui.bands import Holds, until_closed
from qwqdesk.ui.base import IconButton, MessageBand
from qwqdesk.ui.base.labels import plain_tip
from qwqdesk.ui.conversation.composer_parts import (
    ComposerActs,
    ComposerBox,
    ContextWords,
    SystemPrompt,
)
from qwqdesk.ui.conversation.composer_text import ComposerText
from qwqdesk.ui.conversation.template_box import TemplateButton
from qwqdesk.ui.conversation.text_file import read_text_file
from qwqdesk.ui.theme import set_state, theme

_COLUMN = 752  # px, the width beside one lane
_LOW_WINDOW = 860  # px of height, under which everything stands in one row
_ALL_LANES = {2: "both lanes", 3: "all three lanes", 4: "all four lanes"}
_UNBOUNDED = 16777215  # QWIDGETSIZE_MAX


class Composer(QFrame):
    """Where a prompt is written. `sendRequested` carries it; `stopRequested` stops the run."""

    sendRequested = Signal(str)  # noqa: N815 - Qt's style for signals
    stopRequested = Signal()  # noqa: N815
    textChanged = Signal()  # noqa: N815
    systemPromptChanged = Signal(str)  # noqa: N815
    chooseModelRequested = Signal()  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._running, self._blocked = False, ""
        self._note_holds: Holds = until_closed  # whether what the note says is still so
        self._note_is_of_text = False  # it goes when the text is changed
        self._lanes, self._model = 1, ""
        self._low = False
        self.input = ComposerText()
        self._make_parts()
        self._lay_out()
        self._connect()
        self._arrange()
        theme().changed.connect(self._restyle)

    # ------------------------------------------------------------ parts

    def _make_parts(self) -> None:
        self._note = MessageBand("bad", "", " ", name="composerNote")
        self._note.add_action("Close", self.drop_note, flat=True)
        self._note.hide()
        self._box = ComposerBox()
        self._attach = IconButton(
            "paperclip", "Attach text file", name="attachButton", clicked=self._ask_file
        )
        self._system = SystemPrompt()
        self.template = TemplateButton()
        self._context = ContextWords()
        self._acts = ComposerActs()

    def _lay_out(self) -> None:
        px = theme().px
        self._outer = QVBoxLayout(self)
        self._outer.setSpacing(px(8))
        self._center = QHBoxLayout()
        self._center.addWidget(self._box)
        self._outer.addWidget(self._note)
        self._outer.addLayout(self._center)
        self._inner = QVBoxLayout(self._box)
        self._inner.setSpacing(px(4))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(px(8))
        self._grid.setVerticalSpacing(px(6))
        self._grid.setColumnStretch(3, 1)
        self._inner.addWidget(self._system)
        self._inner.addLayout(self._grid)

    def _connect(self) -> None:
        self.input.submitted.connect(self._submit)
        self.input.refused.connect(self._refuse_text)
        self.input.focused.connect(self._box.set_focused)
        self.input.textChanged.connect(self._enable_send)
        self.input.textChanged.connect(self._text_changed)
        self.input.textChanged.connect(self.textChanged)
        self._acts.send.clicked.connect(lambda *_: self._submit())
        self._acts.stop.clicked.connect(lambda *_: self.stopRequested.emit())
        self._acts.choose.clicked.connect(lambda *_: self.chooseModelRequested.emit())
        self._system.textChanged.connect(lambda: self.systemPromptChanged.emit(self.system_prompt))

    # ------------------------------------------------------------ text

    def text(self) -> str:
        """The prompt as it would be sent."""
        return self.input.text()

    def set_text(self, text: str) -> None:
        """Put a prompt into the field, to be edited or sent."""
        self.input.set_text(text)

    def clear(self) -> None:
        """Empty the field, after it was sent."""
        self.input.set_text("")
        self.drop_note()

    @property
    def system_prompt(self) -> str:
        return self._system.text()

    def set_system_prompt(self, text: str) -> None:
        """The conversation's system prompt."""
        self._system.set_text(text)

    def attach_file(self, path: Path) -> None:
        """Add a text file's content to the prompt, or say why not."""
        try:
            content = read_text_file(path)
        except UserError as error:
            self._refuse_text(error)
            return
        before = self.input.text()
        fence = "```" if "```" not in content else "~~~~"
        block = f"{path.name}\n{fence}\n{content.rstrip()}\n{fence}\n"
        if self.input.set_text(f"{before.rstrip()}\n\n{block}" if before.strip() else block):
            self.drop_note()
        self.input.setFocus()

    # ------------------------------------------------------------ states

    def set_running(self, running: bool) -> None:
        """While lanes write, Stop stands in place of Send; typing stays possible."""
        focused = self.focusWidget()
        held = running != self._running and focused is not None
        self._running = running
        if held and focused is not None and self._acts.isAncestorOf(focused):
            self.input.setFocus(Qt.FocusReason.OtherFocusReason)  # its button leaves
        self._arrange()

    def set_lanes(self, lanes: int) -> None:
        """How many lanes a message goes to: 1 to 4."""
        self._lanes = lanes
        self._arrange()

    def set_model(self, name: str) -> None:
        """The model that answers; none offers to choose one."""
        self._model = name
        self._arrange()

    def set_blocked(self, reason: str) -> None:
        """Why nothing can be sent now (a lane with a wrong value); nothing allows it again."""
        self._blocked = reason
        self.review_note()
        self._acts.send.setToolTip(plain_tip(reason) or "Send  Enter")
        self._arrange()

    def set_context(self, used: int, size: int) -> None:
        """Tokens of the prompt with its history, and of the context; a size of 0 hides both."""
        self._context.set_context(used, size)

    def show_error(self, error: UserError, holds: Holds = until_closed) -> None:
        """Say above the field why the message was not sent; the text stays.

        Args:
            holds: whether the reason is still there; `review_note` asks it.
        """
        self._note.set_message("bad", error.what, error.what_to_do)
        self._note_holds, self._note_is_of_text = holds, False
        self._note.show()

    def review_note(self) -> None:
        """Take the note away when its reason has gone."""
        if not self._note_holds():
            self.drop_note()

    def drop_note(self) -> None:
        """Take the note away: it was read, or another chat is shown."""
        self._note.hide()
        self._note_holds = until_closed

    def _refuse_text(self, error: UserError) -> None:
        """Say what could not be added to the text, until the text is another."""
        self.show_error(error)
        self._note_is_of_text = True

    def _text_changed(self) -> None:
        if self._note_is_of_text:
            self.drop_note()

    # ------------------------------------------------------------ inner

    def _submit(self) -> None:
        if self._acts.send.isEnabled() and not self._acts.send.isHidden():
            self.drop_note()
            self.sendRequested.emit(self.input.text())
        elif self._blocked and not self._running and not self.input.is_blank():
            told = self._blocked
            self.show_error(UserError(told, "Nothing was sent."), lambda: self._blocked == told)

    def _enable_send(self) -> None:
        ready = not self._blocked and bool(self._model) and not self._running
        self._acts.send.setEnabled(ready and not self.input.is_blank())

    def _arrange(self) -> None:
        """Buttons, words and margins for the present state."""
        self._acts.arrange(running=self._running, has_model=bool(self._model), lanes=self._lanes)
        self._context.set_short(self._low)
        self.input.setPlaceholderText(_placeholder(self._model, self._lanes))
        self.input.viewport().update()  # Qt leaves the old words there until the focus comes
        self._enable_send()
        self._arrange_rows()

    def _arrange_rows(self) -> None:
        """Text above, actions below; in a low window all in one row of 40 px."""
        px, low = theme().px, self._low
        set_state(self, "ground", "surface" if self._lanes == 1 else "window")
        set_state(self, "edge", "" if self._lanes == 1 else "top")
        row = 0 if low else 1
        self._grid.addWidget(self._attach, row, 0)
        self._grid.addWidget(self._system.opener, row, 1)
        self._grid.addWidget(self.template, row, 2)
        self._grid.addWidget(self._context, row, 4)
        self._grid.addWidget(self._acts, row, 5)
        if low:
            self._grid.addWidget(self.input, 0, 3)
        else:
            self._grid.addWidget(self.input, 0, 0, 1, 6)
        self._system.set_short(low)
        self.template.set_short(low)
        self._box.setMaximumWidth(px(_COLUMN) if self._lanes == 1 else _UNBOUNDED)
        side, inset = (px(12), px(5)) if low else (px(16), px(6))
        self._outer.setContentsMargins(side, px(8 if low else 12), side, px(8 if low else 12))
        self._inner.setContentsMargins(px(8), inset if low else px(10), inset, inset)
        self.input.set_most_lines(4 if low else 8)
        self._system.set_most_lines(3 if low else 6)

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Attach text file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.attach_file(Path(path)))
        dialog.open()

    def set_low(self, low: bool) -> None:
        """One row instead of two, for windows under 860 px of height."""
        if low != self._low:
            self._low = low
            self._arrange()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self.window().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """A low window leaves the composer one row."""
        if event.type() == QEvent.Type.Resize and watched is self.window():
            self.set_low(self.window().height() < theme().px(_LOW_WINDOW))
        return super().eventFilter(watched, event)

    def _restyle(self) -> None:
        self.input.restyle()
        self._arrange()


def _placeholder(model: str, lanes: int) -> str:
    if not model:
        return "Choose a model to start"
    if lanes == 1:
        return f"Message {model}"
    return f"Message {_ALL_LANES.get(lanes, 'all lanes')}"
