"""Owns the composer: the prompt's field and, below it, what can be added, what it costs, Send."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.ui.base import IconButton, MessageBand, button, label
from qwqdesk.ui.conversation.composer_parts import ComposerBox, ContextMeter, SystemPrompt
from qwqdesk.ui.conversation.composer_text import ComposerText
from qwqdesk.ui.conversation.text_file import read_text_file
from qwqdesk.ui.theme import set_state, theme

_NEAR_FULL = 0.85
_COLUMN = 752  # px, the width beside one lane
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
        self._running, self._can_send, self._has_model = False, True, True
        self._lanes, self._model = 1, ""
        self._used, self._context = 0, 0
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
        self._note.add_action("Close", self._note.hide, flat=True)
        self._note.hide()
        self._box = ComposerBox()
        self._attach = IconButton(
            "paperclip", "Attach text file", name="attachButton", clicked=self._ask_file
        )
        self._system = SystemPrompt()
        self._system_button = button(
            self._system.words(), "text-wrap", "flat", small=True, name="systemPromptButton"
        )
        self._system_button.setCheckable(True)
        self._meter = ContextMeter()
        self._tokens = label("", "small", "text2")
        self._tokens.setObjectName("contextWords")
        self._send = button("Send", "arrow-up", "primary", small=True, name="sendButton")
        self._stop = button("Stop", "square", "stop", small=True, name="stopButton")
        self._stop.setToolTip("Stop  Esc")
        self._choose = button("Choose model", "cpu", "primary", small=True, name="chooseModel")

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
        self._grid.setVerticalSpacing(px(4))
        self._grid.setColumnStretch(2, 1)
        self._inner.addWidget(self._system)
        self._inner.addLayout(self._grid)

    def _connect(self) -> None:
        self.input.submitted.connect(self._submit)
        self.input.refused.connect(lambda text: self._complain(text, ""))
        self.input.focused.connect(self._box.set_focused)
        self.input.textChanged.connect(self._text_changed)
        self._send.clicked.connect(lambda *_: self._submit())
        self._stop.clicked.connect(lambda *_: self.stopRequested.emit())
        self._choose.clicked.connect(lambda *_: self.chooseModelRequested.emit())
        self._system_button.toggled.connect(self._show_system)
        self._system.textChanged.connect(self._system_changed)

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
        self._note.hide()

    @property
    def system_prompt(self) -> str:
        return self._system.toPlainText()

    def set_system_prompt(self, text: str) -> None:
        """The conversation's system prompt."""
        if text != self.system_prompt:
            self._system.setPlainText(text)

    def attach_file(self, path: Path) -> None:
        """Add a text file's content to the prompt, or say why not."""
        try:
            content = read_text_file(path)
        except UserError as error:
            self._complain(error.what, error.what_to_do)
            return
        before = self.input.text()
        fence = "```" if "```" not in content else "~~~~"
        block = f"{path.name}\n{fence}\n{content.rstrip()}\n{fence}\n"
        if self.input.set_text(f"{before.rstrip()}\n\n{block}" if before.strip() else block):
            self._note.hide()
        self.input.setFocus()

    # ------------------------------------------------------------ states

    def set_running(self, running: bool) -> None:
        """While lanes write, Stop stands in place of Send; typing stays possible."""
        self._running = running
        self._arrange()

    def set_lanes(self, lanes: int) -> None:
        """How many lanes a message goes to: 1 to 4."""
        self._lanes = lanes
        self._arrange()

    def set_model(self, name: str) -> None:
        """The model that answers; none offers to choose one."""
        self._model, self._has_model = name, bool(name)
        self._arrange()

    def set_blocked(self, reason: str) -> None:
        """Why nothing can be sent now (a lane with a wrong value); nothing allows it again."""
        self._can_send = not reason
        self._send.setToolTip(reason)
        self._arrange()

    def set_context(self, used: int, size: int) -> None:
        """Tokens of the prompt with its history, and of the context; a size of 0 hides both."""
        self._used, self._context = used, size
        self._show_context()

    def show_error(self, error: UserError) -> None:
        """Say above the field why the message was not sent; the text stays."""
        self._complain(error.what, error.what_to_do)

    def _complain(self, what: str, what_to_do: str) -> None:
        self._note.set_message("bad", what, what_to_do)
        self._note.show()

    # ------------------------------------------------------------ inner

    def _submit(self) -> None:
        if self._send.isEnabled() and self._send.isVisibleTo(self):
            self._note.hide()
            self.sendRequested.emit(self.input.text())

    def _text_changed(self) -> None:
        self._enable_send()
        self.textChanged.emit()

    def _enable_send(self) -> None:
        ready = self._can_send and self._has_model and not self._running
        self._send.setEnabled(ready and not self.input.is_blank())

    def _arrange(self) -> None:
        """Buttons, words and margins for the present state."""
        self._stop.setVisible(self._running)
        self._stop.setText("Stop" if self._lanes == 1 else "Stop all")
        self._stop.setAccessibleName(self._stop.text())
        self._choose.setVisible(not self._has_model and not self._running)
        self._send.setVisible(self._has_model and not self._running)
        self.input.setPlaceholderText(self._placeholder())
        self._enable_send()
        self._show_context()
        self._arrange_rows()

    def _placeholder(self) -> str:
        if not self._has_model:
            return "Choose a model to start"
        if self._lanes == 1:
            return f"Message {self._model}" if self._model else "Message"
        return {2: "Message both lanes", 3: "Message all three lanes"}.get(
            self._lanes, "Message all four lanes"
        )

    def _arrange_rows(self) -> None:
        """Text above, actions below; in a low window all in one row of 40 px."""
        px, low = theme().px, self._low
        set_state(self, "ground", "surface" if self._lanes == 1 else "window")
        set_state(self, "edge", "" if self._lanes == 1 else "top")
        row = 0 if low else 1
        actions = (self._send, self._stop, self._choose)
        self._grid.addWidget(self._attach, row, 0)
        self._grid.addWidget(self._system_button, row, 1)
        self._grid.addWidget(self._meter, row, 3)
        self._grid.addWidget(self._tokens, row, 4)
        for number, action in enumerate(actions):
            self._grid.addWidget(action, row, 5 + number)
        if low:
            self._grid.addWidget(self.input, 0, 2)
        else:
            self._grid.addWidget(self.input, 0, 0, 1, 5 + len(actions))
        self._system_button.setText("" if low else self._system.words())
        side, inset = (px(12), px(5)) if low else (px(16), px(6))
        self._outer.setContentsMargins(side, px(8 if low else 12), side, px(8 if low else 12))
        self._inner.setContentsMargins(px(8), inset if low else px(10), inset, inset)
        self.input.set_most_lines(4 if low else 8)

    def _show_context(self) -> None:
        shown = self._context > 0
        self._meter.setVisible(shown)
        self._tokens.setVisible(shown)
        if not shown:
            return
        share = self._used / self._context
        tone = "bad" if share > 1 else "warn" if share >= _NEAR_FULL else "text2"
        words = f"{self._used:,} of {self._context:,}" + ("" if self._low else " tokens")
        self._tokens.setText(words)
        tip = "Shorten the prompt or raise the context" if share > 1 else ""
        self._tokens.setToolTip(tip)
        self._meter.setAccessibleName(f"Context: {words}. {tip}".strip())
        set_state(self._tokens, "tone", tone)
        self._meter.set_share(share, "accent" if tone == "text2" else tone)

    def _show_system(self, shown: bool) -> None:
        self._system.setVisible(shown)
        (self._system if shown else self.input).setFocus()

    def _system_changed(self) -> None:
        if not self._low:
            self._system_button.setText(self._system.words())
        self._system_button.setAccessibleName(self._system.words())
        self.systemPromptChanged.emit(self.system_prompt)

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

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """With one lane the box is 752 px wide, in the middle."""
        super().resizeEvent(event)
        widest = theme().px(_COLUMN) if self._lanes == 1 else _UNBOUNDED
        self._box.setMaximumWidth(widest)

    def _restyle(self) -> None:
        self.input.restyle()
        self._arrange()
