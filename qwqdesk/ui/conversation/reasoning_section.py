"""Owns the reasoning of one reply: its head with counters, and its text, folded, previewed or open.

While the model thinks, the last three lines are shown unless the user wants all of it; when it has
finished, the section folds by itself, once, and only if the user has not touched it.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.analysis.loop_place import Landmark
from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.reasoning_header import ReasoningHeader, State
from qwqdesk.ui.conversation.reasoning_parts import RailNote, ReasoningBody
from qwqdesk.ui.theme import theme

_COUNTER_MS = 250


class ReasoningSection(QWidget):
    """Hidden until reasoning starts. `resized` says that the height has changed."""

    resized = Signal()
    toggled = Signal(bool)
    difference_wanted = Signal()  # the pill in the head was chosen

    def __init__(self, *, open_while_thinking: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reasoningSection")
        self.setAccessibleName("Reasoning")
        self._open_while_thinking = open_while_thinking
        self._state: State = "none"
        self._source: list[str] = []
        self._touched = False
        self._tokens = 0
        self._measured = False  # the engine's own count has come
        self._seconds: float | None = None
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(_COUNTER_MS)
        self._timer.timeout.connect(self._show_counters)
        self.header = ReasoningHeader(self)
        self.pill = self.header.pill
        self.pill.clicked.connect(lambda *_: self.difference_wanted.emit())
        self._head = self.header.head
        self._head.clicked.connect(self._head_clicked)
        self._body = ReasoningBody(self)
        self._note = RailNote(self)
        self._lay_out()
        self.hide()

    def _lay_out(self) -> None:
        px = theme().px
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, px(8))
        column.setSpacing(px(4))
        column.addWidget(self.header)
        behind_rail = QVBoxLayout()
        behind_rail.setSpacing(0)
        behind_rail.addWidget(self._body)
        behind_rail.addWidget(self._note)
        column.addLayout(behind_rail)

    # ------------------------------------------------------------ content

    @property
    def state(self) -> State:
        return self._state

    @property
    def source(self) -> str:
        """The reasoning as the model wrote it."""
        return "".join(self._source)

    def toPlainText(self) -> str:  # noqa: N802 - named as Qt's text widgets name it
        """The reasoning as the model wrote it."""
        return self.source

    @property
    def views(self) -> Sequence[DocumentView]:
        """The documents of the text, in order."""
        return self._body.text.views

    @property
    def below_head(self) -> int:
        """Pixels from the top to where the text begins, or would begin."""
        return self.header.geometry().bottom() + 1

    def is_open(self) -> bool:
        """Whether all of the text is shown."""
        return self._head.isChecked()

    def begin(self) -> None:
        """Thinking starts now."""
        if self._state == "none":
            self._state = "thinking"
            self._clock.start()
            self._timer.start()
            self._body.streaming = True
            self._head.setChecked(self._open_while_thinking)
            self.show()
            self._show_counters()
            self._arrange()

    def append(self, text: str, tokens: int = 0) -> None:
        """Add reasoning; `refresh` brings it to the screen."""
        self.begin()
        self._source.append(text)
        self.add_tokens(tokens)
        self._body.text.append(text if len(self._source) > 1 else text.lstrip("\n"))

    def add_tokens(self, tokens: int) -> None:
        """Count tokens, also those that came without text."""
        if not self._measured:
            self._tokens += tokens

    def refresh(self) -> None:
        """Lay out what was appended since the last call."""
        before = self._body.height()
        if not self._body.isHidden():
            self._body.place()
        if self._body.height() != before:
            self.resized.emit()

    def set_measured(self, tokens: int, seconds: float) -> None:
        """The engine's own count and time, in place of what was counted here; 0 is unknown."""
        self._measured = True
        self._tokens = tokens or self._tokens
        self._seconds = seconds or self._seconds
        if self._state not in ("none", "thinking"):
            self._show_counters()

    def finish(self, *, closed: bool = True) -> None:
        """Thinking is over."""
        if self._state != "thinking":
            return
        self._timer.stop()
        if self._seconds is None:
            self._seconds = self._clock.elapsed() / 1000
        empty = not self.source.strip()
        self._state = ("empty" if empty else "done") if closed else "cut"
        self._body.streaming = False
        if not self._touched:
            self._head.setChecked(not closed)
        self._show_counters()
        self._arrange()

    def show_finished(self, *, closed: bool, empty: bool, tokens: int, seconds: float) -> None:
        """The head of a reply from the history; its text comes through `append`, folded unless
        it is all there is.
        """
        self._state = ("empty" if empty else "done") if closed else "cut"
        self._tokens, self._seconds = tokens, seconds
        self._head.setChecked(not closed)
        self.show()
        self._show_counters()
        self._arrange()

    def clear(self) -> None:
        """Back to the start: hidden."""
        self._timer.stop()
        self._body.text.clear()
        self._source = []
        self._state, self._touched, self._measured = "none", False, False
        self._tokens, self._seconds = 0, None
        self.header.clear()
        self.hide()

    def set_note(self, text: str) -> None:
        """Say something at the end of the rail; nothing takes it away."""
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def mark_repeats(self, start: Landmark) -> None:
        """Tint the part that repeats itself."""
        self._body.text.mark_repeats(start)

    # ------------------------------------------------------------ what is shown

    def place_again(self) -> None:
        """Documents are higher or lower now: a mark stands in them."""
        if not self._body.isHidden():
            self._body.place()
            self.resized.emit()

    def toggle(self) -> None:
        """Open or fold, as a click on the head does."""
        self._head.click()

    def _head_clicked(self) -> None:
        self._touched = True
        self._arrange()
        self.toggled.emit(self._head.isChecked())

    def _arrange(self) -> None:
        """Show all of the text, its last lines, or none of it."""
        opened = self._head.isChecked()
        empty = self._state == "empty"
        self._head.setEnabled(not empty)
        self._body.preview = self._state == "thinking" and not opened
        self._body.setVisible((opened or self._body.preview) and not empty)
        self._body.place()
        self.updateGeometry()
        self.resized.emit()

    def _show_counters(self) -> None:
        thinking = self._state == "thinking"
        seconds = self._clock.elapsed() / 1000 if thinking else self._seconds or 0.0
        self.header.show_state(self._state, self._tokens, seconds)

    def set_density(self, density: str) -> None:
        """The lane's width class."""
        self.header.set_density(density)

    def restyle(self) -> None:
        """The theme changed."""
        self._body.text.restyle()
        self._body.place()
        self.resized.emit()
