"""Owns the bands under a lane's head: a loop that was found, what went wrong, a seed to take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.analysis.loops import loop_words as looped
from qwqdesk.conversation import Loop
from qwqdesk.errors import UserError
from qwqdesk.ui.base import MessageBand, announce, plain_tip

_State = Literal["running", "stopped", "ended"]


class LaneBands(QWidget):
    """At most one loop band and one error band, each with its next step."""

    continueRequested = Signal()  # noqa: N815 - Qt's style for signals
    stopRequested = Signal()  # noqa: N815
    tryAgainRequested = Signal()  # noqa: N815
    appeared = Signal()  # a message of which the user must know

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("laneBands")
        self._loop: MessageBand | None = None
        self._found: Loop | None = None
        self._state: _State = "running"
        self._single = self._narrow = False
        self._error = MessageBand("bad", "", " ", name="errorBand")
        self._again = self._error.add_action("Try again", self.tryAgainRequested.emit)
        self._again.setObjectName("tryAgainButton")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self._error)
        self._error.hide()
        self._note = MessageBand("warn", "", " ", name="noteBand")
        self._note.add_action("Close", self._note.hide, flat=True).setObjectName("closeNote")
        self._column.addWidget(self._note)
        self._note.hide()
        self._seed: MessageBand | None = None
        self._waiting: MessageBand | None = None

    def clear(self) -> None:
        """No message."""
        self._drop_loop()
        self._error.hide()
        self._note.hide()
        self.hide_waiting()

    def show_loop(self, loop: Loop, *, running: bool) -> None:
        """Say where the repetition begins and how often it came; again when it goes on.

        A lane that goes on can be stopped, one that was stopped by it can be continued.
        """
        state: _State = "running" if running else "stopped"
        grown = self._loop is not None and state == self._state
        self._found, self._state = loop, state
        if grown and self._loop is not None:
            self._say(self._loop, loop)  # its button stays, perhaps with the focus
        else:
            self._show_loop()

    def show_stopped(self, *, by_loop: bool) -> None:
        """The lane has ended; when the loop guard did it, it can be continued."""
        if self._loop is not None:
            self._state = "stopped" if by_loop else "ended"
            self._show_loop()

    def set_single(self, single: bool) -> None:
        """Whether there are no other lanes that could go on."""
        self._single = single
        self._say_again()

    def set_narrow(self, narrow: bool) -> None:
        """With little room the band says less; its accessible name has all of it."""
        self._narrow = narrow
        self._say_again()

    def _say_again(self) -> None:
        if self._loop is not None:
            self._show_loop()

    def _show_loop(self) -> None:
        loop = self._found
        if loop is None:
            return
        self._drop_loop()
        band = MessageBand("warn", " ", icon_name="repeat-2", name="loopBand")
        self._say(band, loop)
        if self._state == "running":
            act = band.add_action("Stop", self.stopRequested.emit)
            act.setObjectName("loopStopButton")
        elif self._state == "stopped" and self._waiting is None:
            act = band.add_action("Continue", self.continueRequested.emit)
            act.setObjectName("continueButton")
        self._column.insertWidget(0, band)
        self._loop = band

    def _say(self, band: MessageBand, loop: Loop) -> None:
        whole, short = loop_words(loop), f"Looped from token {loop.from_token:,}"
        band.set_words(short if self._narrow else whole, self._next_step(narrow=self._narrow))
        band.setAccessibleName(f"{whole}. {self._next_step(narrow=False)}".strip())
        band.setAccessibleDescription(_with_text(loop))
        band.setToolTip(plain_tip(_with_text(loop)))

    def _next_step(self, *, narrow: bool) -> str:
        if self._state == "running":
            return "The lane goes on."
        if self._state == "ended":
            return ""
        if self._single or narrow:
            return "The loop guard stopped it."
        return "The loop guard stopped this lane."

    def _drop_loop(self) -> None:
        self._drop(self._loop)
        self._loop = None

    def _drop(self, band: MessageBand | None) -> None:
        if band is not None:
            self._column.removeWidget(band)
            band.hide()
            band.deleteLater()

    def show_error(self, error: UserError) -> None:
        """What happened and what to do."""
        self._error.set_message("bad", error.what, error.what_to_do)
        self._error.show()
        self.appeared.emit()

    def show_note(self, sentence: str, detail: str) -> None:
        """Something that the user should know and can put away."""
        self._note.set_message("warn", sentence, detail)
        self._note.show()
        self.appeared.emit()
        announce(self, f"{sentence} {detail}")

    def offer_seed(self, seed: int, where: str, use: Callable[[], object]) -> None:
        """Settings name a seed that was not taken over; `where` says for what it would be."""
        self.hide_seed()
        sentence = f"These settings name the seed {seed}."
        band = MessageBand("window", sentence, "", icon_name="dices", name="seedBand")
        band.add_action(f"Use it{where}", use).setObjectName("useSeed")
        band.add_action("Close", self.hide_seed, flat=True).setObjectName("closeSeed")
        self._column.addWidget(band)
        band.show()
        self.appeared.emit()
        self._seed = band
        announce(self, sentence)

    def hide_seed(self) -> None:
        """The seed is used, or other settings name none."""
        self._drop(self._seed)
        self._seed = None

    def show_waiting(self, words: str, cancel: Callable[[], object]) -> None:
        """The lane is answered again when the engine is free; until then that is not offered."""
        self.hide_waiting()
        band = MessageBand("window", words, icon_name="hourglass", name="waitingBand")
        act = band.add_action("Cancel", cancel, flat=True)
        act.setObjectName("cancelWaiting")
        focused = self.isAncestorOf(self.focusWidget() or self)
        self._column.addWidget(band)
        band.show()
        self._waiting = band
        if focused:  # the button that was pressed leaves
            act.setFocus(Qt.FocusReason.OtherFocusReason)
        self._allow_acts()
        announce(self, words)

    def hide_waiting(self) -> None:
        """It begins, or is not wanted any more."""
        if self._waiting is not None:
            self._drop(self._waiting)
            self._waiting = None
            self._allow_acts()

    def _allow_acts(self) -> None:
        self._again.setVisible(self._waiting is None)
        self._say_again()


def loop_words(loop: Loop) -> str:
    """Where it began and how often it came: "Looped from token 3,412: 15 tokens, 7 times"."""
    unit = "token" if loop.period == 1 else "tokens"
    times = f"{int(loop.repeats):,} times"  # whole rounds
    return f"Looped from token {loop.from_token:,}: {loop.period:,} {unit}, {times}"


def _with_text(loop: Loop) -> str:
    """The same with what was repeated: "Looped from token 3,412: 'Wait, no. ' x 7"."""
    if not loop.text.strip():
        return loop_words(loop)
    words = looped(loop)
    return f"{words[:1].upper()}{words[1:]}"
