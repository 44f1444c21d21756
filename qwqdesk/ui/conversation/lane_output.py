"""Owns what a lane shows below its head: bands, the replies, and the foot with their numbers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QMenu, QVBoxLayout, QWidget

from qwqdesk.analysis.token_places import Part
from qwqdesk.conversation import FinishReason, Loop, Reply, Timing, Usage
from qwqdesk.errors import UserError
from qwqdesk.reasoning import Span
from qwqdesk.thought_end import end_of_detail
from qwqdesk.thought_origin import Origin
from qwqdesk.ui.base import announce
from qwqdesk.ui.conversation.lane_bands import LaneBands
from qwqdesk.ui.conversation.lane_footer import LaneFooter
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.text_look import LookName
from qwqdesk.ui.conversation.transcript import Transcript
from qwqdesk.ui.conversation.visible_text import storable
from qwqdesk.ui.conversation.wording import count
from qwqdesk.ui.theme import theme

_COUNTER_MS = 250
_LEAST_TEXT = 90  # px of text that other parts of the page leave
_RATE_AFTER_S = 0.5  # before that the rate says nothing
_CLASSES = (("narrow", 0), ("compact", 360), ("normal", 460), ("wide", 760))
_HYSTERESIS = 8  # px by which a limit must be passed before a lane gets roomier


class _RunCounter(QObject):
    """Tokens and tokens per second of the running reply, four times a second."""

    ticked = Signal(int, float)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.tokens = 0
        self._first_at: float | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_COUNTER_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self.tokens, self._first_at = 0, None
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def add(self, tokens: int) -> bool:
        """Count tokens; True for the first of a run."""
        first = self._first_at is None
        if first:
            self._first_at = time.monotonic()
        self.tokens += tokens
        return first

    def _tick(self) -> None:
        passed = time.monotonic() - self._first_at if self._first_at is not None else 0.0
        self.ticked.emit(self.tokens, self.tokens / passed if passed > _RATE_AFTER_S else 0.0)


class LaneOutput(QFrame):
    """One lane's text. `single` is the look of a chat: reading size, numbers below each reply."""

    stopRequested = Signal()  # noqa: N815 - Qt's style for signals
    regenerateRequested = Signal()  # noqa: N815
    keepRequested = Signal()  # noqa: N815
    copyRequested = Signal()  # noqa: N815
    continueRequested = Signal()  # noqa: N815
    numbersRequested = Signal()  # noqa: N815
    answerNowRequested = Signal()  # noqa: N815
    againShown = Signal(QMenu)  # noqa: N815 - the menu to answer again, to be filled

    def __init__(self, parent: QWidget | None = None, *, single: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName("laneOutput")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self.single = single
        self.running = False
        self.reply: ReplyView | None = None  # the newest
        self.reasoning_shown = False  # whether reasoning is open while it streams
        self.density = "normal"
        self._seed: int | None = None
        self._thinking_from_start = False
        self.transcript = Transcript("reading" if single else "lane")
        self.bands = LaneBands()
        self.bands.set_single(single)
        self.bands.continueRequested.connect(self.continueRequested)
        self.bands.stopRequested.connect(self.stopRequested)
        self.bands.tryAgainRequested.connect(self.regenerateRequested)
        self._counter = _RunCounter(self)
        self._counter.ticked.connect(self._show_counters)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.bands)
        self._column.addWidget(self.transcript, 1)
        self.footer = self._make_footer()
        self._place_footer()
        theme().changed.connect(self._restyle)

    def least_height(self) -> int:
        """Pixels that it needs for its messages, a few lines of text and its foot."""
        needed = theme().px(_LEAST_TEXT)
        for part in (self.bands, self.footer):
            if not part.isHidden() and part.parentWidget() is self:
                needed += max(part.height(), part.minimumSizeHint().height())
        return needed

    def _make_footer(self) -> LaneFooter:
        footer = LaneFooter()
        footer.set_inline(self.single)
        footer.set_density(self.density)
        footer.clear()
        footer.stopRequested.connect(self.stopRequested)
        footer.regenerateRequested.connect(self.regenerateRequested)
        footer.keepRequested.connect(self.keepRequested)
        footer.numbersRequested.connect(self.numbersRequested)
        footer.copyRequested.connect(self.copy_answer)
        footer.againShown.connect(self.againShown)
        return footer

    # ------------------------------------------------------------ history

    def show_prompt(self, text: str) -> None:
        """A message of the user within the column (a chat, or earlier turns of a lane)."""
        self._leave_reply()
        self.transcript.add_prompt(text)

    def show_reply(self, reply: Reply, seed: int | None = None) -> None:
        """A reply from the history, below what is there."""
        view = self._begin_reply()
        view.show_reply(reply)
        self._seed = _seed_of(reply) if seed is None else seed
        reason = reply.finish_reason
        self.footer.show_finished(reply.usage, reply.timing, self._seed, reason)
        if reply.loop is not None:
            self.set_loop(reply.loop)
            view.mark_repeats_of(reply)
            self.bands.show_stopped(by_loop=reason == "loop")
        if reason == "error":
            self._show_failed(reply.finish_detail)

    def clear(self) -> None:
        """Back to an empty lane."""
        self._counter.stop()
        self.running = False
        self.reply = None
        self._column.addWidget(self.footer)
        self.transcript.clear()
        self.bands.clear()
        self.footer.clear()
        self._place_footer()

    # ------------------------------------------------------------ a run

    def start(self, reasoning_open: bool = False, seed: int | None = None) -> None:
        """A reply begins. `reasoning_open`: the prompt has already opened the reasoning."""
        view = self._begin_reply()
        self._seed, self._thinking_from_start = seed, reasoning_open
        self.running = True
        view.start(thinking=False)
        self.footer.show_running(0, 0)
        self._counter.start()
        self.set_progress("Waiting")
        self.transcript.to_end()

    def restart(self, reasoning_open: bool = False, seed: int | None = None) -> None:
        """The newest reply is written anew, in its place."""
        if self.reply is not None:
            self.reply.clear()
            self._column.addWidget(self.footer)
            self.transcript.remove_last_reply()
            self.reply = None
        self.start(reasoning_open, seed)

    def append(self, spans: Sequence[Span], tokens: int = 0, reasoning_tokens: int = 0) -> None:
        """What the lane wrote since last time; the counts are of these spans."""
        if self.reply is None or not self.running:
            self.start()
        assert self.reply is not None
        if self._counter.add(tokens):
            self.set_progress("")
            if self._thinking_from_start:
                self.reply.start(thinking=True)
        self.reply.append(spans, reasoning_tokens)

    def set_progress(self, text: str) -> None:
        """Words while there is no text yet: "Reading prompt 62 %"; none hides them."""
        if self.reply is not None:
            self.reply.set_progress(text)

    @property
    def can_answer_now(self) -> bool:
        """Whether reasoning is being written that could be ended."""
        return self.reply is not None and self.reply.reasoning.header.can_answer_now

    def set_origin(self, origin: Origin) -> None:
        """Whether the newest reply's reasoning was given to it."""
        if self.reply is not None:
            self.reply.reasoning.header.set_origin(origin)

    def ask_answer(self) -> None:
        """End the reasoning, as its button does."""
        if self.reply is not None:
            self.reply.reasoning.header.ask_answer()

    def set_loop(self, loop: Loop) -> None:
        """The lane repeats itself, so far this often."""
        self.bands.show_loop(loop, running=self.running)

    def mark_repeats(self, part: Part, char: int) -> None:
        """Tint the newest reply from a character of this part on."""
        if self.reply is not None:
            self.reply.mark_repeats(part, char)

    def finish(
        self, reason: FinishReason, detail: str | None, usage: Usage, timing: Timing
    ) -> None:
        """The lane is done."""
        self._end_run(looped=reason == "loop")
        if self.reply is not None:
            self.reply.reasoning.set_measured(usage.reasoning_tokens, timing.reasoning_s)
            self.reply.reasoning.header.set_end(end_of_detail(detail))
        self.footer.show_finished(usage, timing, self._seed, reason)
        self.bands.show_stopped(by_loop=reason == "loop")
        if reason == "error":
            self._show_failed(detail)
        announce(self, f"{reason.capitalize()}: {count(usage.answer_tokens)} of answer")

    def show_error(self, error: UserError, usage: Usage | None = None) -> None:
        """What happened and what to do, under the head; a running reply ends.

        `usage` is what it has cost so far.
        """
        self.bands.show_error(error)
        if self.running:
            self._end_run()
            self.bands.show_stopped(by_loop=False)
            self.footer.show_finished(usage or Usage(), Timing(), self._seed, "error")

    def _show_failed(self, detail: str | None) -> None:
        """The reason as it is stored; the band's button is the next step."""
        self.bands.show_error(UserError(detail or "The lane failed.", ""))

    def copy_answer(self) -> None:
        """Put the newest answer's Markdown on the clipboard."""
        if self.reply is not None:
            _copy(self, self.reply)

    # ------------------------------------------------------------ looks

    def set_single(self, single: bool) -> None:
        """Change between the look of a chat and that of a lane among others."""
        if single != self.single:
            self.single = single
            self.footer.set_inline(single)
            self.bands.set_single(single)
            self.transcript.set_look("reading" if single else "lane")
            self._place_footer()

    def set_density(self, density: str) -> None:
        """The lane's width class: wide, normal, compact or narrow."""
        if density != self.density:
            self.density = density
            self.transcript.set_density(density)
            self.footer.set_density(density)
            self.bands.set_narrow(density == "narrow")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.set_density(width_class(self.width(), self.density))

    def _restyle(self) -> None:
        look: LookName = "reading" if self.single else "lane"
        self.transcript.set_look(look)

    # ------------------------------------------------------------ inner

    def _begin_reply(self) -> ReplyView:
        self._leave_reply()
        self.bands.clear()
        self.reply = self.transcript.add_reply(reasoning_open=self.reasoning_shown)
        self.reply.reasoning.header.answer_wanted.connect(self.answerNowRequested)
        self._place_footer()
        return self.reply

    def _leave_reply(self) -> None:
        """The newest reply becomes an older one; in a chat it keeps its numbers."""
        if self.reply is not None and self.single:
            self.footer.retire()
            self.footer.copyRequested.disconnect(self.copy_answer)
            self.footer.copyRequested.connect(partial(_copy, self, self.reply))
            self.footer = self._make_footer()
        self.reply = None

    def _place_footer(self) -> None:
        """Below the newest reply in a chat, at the bottom of a lane."""
        if not self.single:
            self._column.addWidget(self.footer)
        elif self.reply is not None:
            self.reply.add_below(self.footer)
        self.footer.setVisible(not self.single or self.reply is not None)

    def _end_run(self, *, looped: bool = False) -> None:
        self.running = False
        self._counter.stop()
        self.set_progress("")
        if self.reply is not None:
            closed = not self.reply.inside_reasoning
            self.reply.finish(reasoning_closed=closed, looped=looped)

    def _show_counters(self, tokens: int, rate: float) -> None:
        self.footer.show_running(tokens, rate)


def _copy(output: LaneOutput, reply: ReplyView) -> None:
    """Put a reply's Markdown on the clipboard."""
    QGuiApplication.clipboard().setText(storable(reply.answer_source))
    output.copyRequested.emit()


def width_class(width: int, now: str) -> str:
    """The class of a lane's width in pixels; a roomier one begins 8 px late, so it cannot flip."""
    names = [name for name, _ in _CLASSES]
    found = max(i for i, (_, low) in enumerate(_CLASSES) if not i or width >= theme().px(low))
    if found > names.index(now) and width < theme().px(_CLASSES[found][1]) + _HYSTERESIS:
        found -= 1
    return names[found]


def _seed_of(reply: Reply) -> int | None:
    seed = reply.sampling.get("seed")
    return seed if isinstance(seed, int) else None
