"""Owns the bands under a lane's head: a loop that was found, and what went wrong."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qwqdesk.conversation import Loop
from qwqdesk.errors import UserError
from qwqdesk.ui.base import MessageBand


class LaneBands(QWidget):
    """At most one loop band and one error band, each with its next step."""

    continueRequested = Signal()  # noqa: N815 - Qt's style for signals
    tryAgainRequested = Signal()  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("laneBands")
        self._loop: MessageBand | None = None
        self._words = ""
        self._error = MessageBand("bad", "", " ", name="errorBand")
        again = self._error.add_action("Try again", self.tryAgainRequested.emit)
        again.setObjectName("tryAgainButton")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self._error)
        self._error.hide()

    def clear(self) -> None:
        """No message."""
        self._drop_loop()
        self._error.hide()

    def show_loop(self, loop: Loop, *, running: bool) -> None:
        """Say where the repetition begins; "Continue" only when it has stopped the lane."""
        times = f"{loop.repeats:.1f}".rstrip("0").rstrip(".")
        unit = "token" if loop.period == 1 else "tokens"
        self._words = (
            f"Looped from token {loop.from_token:,}: {loop.period:,} {unit}, {times} times"
        )
        self._show_loop("The lane goes on." if running else "", can_continue=not running)

    def show_stopped(self, *, by_loop: bool) -> None:
        """The lane has ended; when the loop guard did it, it can be continued."""
        if self._loop is not None:
            self._show_loop("The loop guard stopped it." if by_loop else "", can_continue=by_loop)

    def _show_loop(self, next_step: str, *, can_continue: bool) -> None:
        self._drop_loop()
        band = MessageBand("warn", self._words, next_step, icon_name="repeat-2", name="loopBand")
        if can_continue:
            act = band.add_action("Continue", self._continue_clicked)
            act.setObjectName("continueButton")
        self._column.insertWidget(0, band)
        self._loop = band

    def _drop_loop(self) -> None:
        if self._loop is not None:
            self._column.removeWidget(self._loop)
            self._loop.hide()
            self._loop.deleteLater()
            self._loop = None

    def show_error(self, error: UserError) -> None:
        """What happened and what to do."""
        self._error.set_message("bad", error.what, error.what_to_do)
        self._error.show()

    def _continue_clicked(self) -> None:
        self._drop_loop()
        self.continueRequested.emit()
