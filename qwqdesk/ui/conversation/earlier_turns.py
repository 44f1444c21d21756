"""Owns the turns of a long conversation that are not drawn yet, and the button that brings them.

Drawing a turn takes some milliseconds. The newest ones come at once, up to a dozen follow one by
one while the window answers, and the rest when the user asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from qwqdesk.conversation import Reply
from qwqdesk.thought_origin import Origin
from qwqdesk.ui.base import button, retire
from qwqdesk.ui.conversation.lane_footer import LaneFooter
from qwqdesk.ui.conversation.lane_output import LaneOutput
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.visible_text import storable

_SHORT = 2  # so many turns are drawn at once; of more, the newest alone
_A_DOZEN = 12
_PAUSE_MS = 5  # between two turns, for keys and drawing


@dataclass(frozen=True)
class Turn:
    """A message (None: it stands above the lanes) and what the lane wrote to it."""

    text: str | None
    reply: Reply | None
    origin: Origin | None = None


def drawn_at_once(turns: int) -> int:
    """How many of the newest turns are there when a conversation opens."""
    return turns if turns <= _SHORT else 1


class EarlierTurns(QObject):
    """Draws turns above those that a lane shows."""

    def __init__(self, output: LaneOutput) -> None:
        super().__init__(output)
        self._output = output
        self._waiting: list[Turn] = []  # oldest first
        self._wanted = 0
        self._more: QPushButton | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._step)

    @property
    def coming(self) -> bool:
        """Whether turns are being drawn, one by one."""
        return self._timer.isActive()

    def offer(self, turns: Sequence[Turn], drawn: int) -> None:
        """These come before the `drawn` turns that are shown; oldest first."""
        self.drop()
        self._waiting = list(turns)
        self._bring(_A_DOZEN - drawn)

    def drop(self) -> None:
        """Another conversation, or none, is shown."""
        self._timer.stop()
        self._waiting, self._wanted = [], 0
        self._take_button()

    def bring_more(self) -> None:
        """Draw the next dozen."""
        transcript = self._output.transcript
        transcript.setFocus()
        self._take_button()
        self._bring(_A_DOZEN)

    def _bring(self, turns: int) -> None:
        self._wanted = min(turns, len(self._waiting))
        self._go_on()

    def _go_on(self) -> None:
        if self._wanted > 0:
            self._timer.start()
        elif self._waiting:
            self._offer_button()

    def _step(self) -> None:
        self._wanted -= 1
        self._draw(self._waiting.pop())
        self._go_on()

    def _offer_button(self) -> None:
        left = len(self._waiting)
        self._more = button(
            "Show earlier", "chevron-up", "flat", small=True, clicked=self.bring_more
        )
        self._more.setObjectName("showEarlierButton")
        self._more.setAccessibleName(f"Show earlier messages, {left} are not shown")
        self._more.setToolTip(f"{left} earlier messages are not shown")
        self._output.transcript.set_header(self._more)

    def _take_button(self) -> None:
        if self._more is not None:
            self._output.transcript.set_header(None)
            retire(self._more)
            self._more = None

    def _draw(self, turn: Turn) -> None:
        output = self._output
        view = output.transcript.add_earlier(turn.text, reply=turn.reply is not None)
        if view is None or turn.reply is None:
            return
        view.show_reply(turn.reply)
        if turn.origin is not None:
            view.reasoning.header.set_origin(turn.origin)
        view.mark_repeats_of(turn.reply)
        if output.single:
            view.add_below(_numbers(turn.reply, view, output))


def _numbers(reply: Reply, view: ReplyView, output: LaneOutput) -> LaneFooter:
    """The foot of an earlier reply in a chat."""
    footer = LaneFooter()
    footer.set_inline(True)
    footer.set_density(output.density)
    seed = reply.sampling.get("seed")
    shown = seed if isinstance(seed, int) else None
    footer.show_finished(reply.usage, reply.timing, shown, reply.finish_reason)
    footer.copyRequested.connect(partial(_copy, view, output))
    footer.numbersRequested.connect(output.numbersRequested)
    footer.retire()
    return footer


def _copy(view: ReplyView, output: LaneOutput) -> None:
    QGuiApplication.clipboard().setText(storable(view.answer_source))
    output.copyRequested.emit()
