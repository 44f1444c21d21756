"""Owns the foot of a lane: what the reply cost, and what can be done with it.

What does not fit leaves whole, first token first, then seed, then tokens per second; the tool tip
always has all of it. While the lane runs, "Stop lane" stands in place of the actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFrame,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QWidget,
)

from qwqdesk.conversation import Timing, Usage
from qwqdesk.ui.base import IconButton, button
from qwqdesk.ui.conversation.wording import short_seconds
from qwqdesk.ui.theme import set_state, theme

_GAP, _WORD_GAP = 12, 4
_FINISH_WORDS = {"stop": "finished", "length": "length limit", "loop": "looped, stopped",
                 "cancelled": "stopped by you", "error": "failed"}  # fmt: skip


@dataclass(frozen=True)
class _Piece:
    """A word of the numbers, or a gap between two, as it is painted and as it is copied."""

    text: str
    left: int
    width: int
    strong: bool = False
    tone: str = "text2"
    gap: bool = False


class LaneStats(QAbstractButton):
    """The numbers, painted: value and unit. A click asks for all numbers; dragging selects them.

    Ctrl+C copies what is selected, or else everything that is shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("laneStats")
        self.setAccessibleName("No numbers yet")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._parts: list[tuple[str, str]] = []
        self._short_units = False
        self._limit = 4
        self._pressed: QPoint | None = None
        self._selected = (0, 0)  # places in the shown text: where it began, where it ends
        self._selecting = False

    def set_parts(self, parts: list[tuple[str, str]], whole: str) -> None:
        """Value and unit of tokens, rate, first token and seed; `whole` says everything."""
        if parts != self._parts or whole != self.accessibleName():
            self._parts = parts
            self._selected = (0, 0)
            self.setText(whole)
            self.setAccessibleName(whole or "No numbers yet")
            self.setToolTip(whole)
            self.update()

    def set_density(self, density: str) -> None:
        """How many of the numbers have a place in this width class."""
        self._short_units = density == "narrow"
        self._limit = {"narrow": 2, "compact": 3}.get(density, 4)
        self.update()

    def shown_parts(self) -> list[tuple[str, str]]:
        """The numbers that fit, in the order in which they stand."""
        left = [part for part in self._parts if part[1] or part[0]]
        order = [2, 3, 1]  # first token, seed, rate
        keep = set(range(len(left)))
        if self._limit == 3:
            keep.discard(2)
        elif self._limit == 2:
            keep -= {2, 3}
        for number in order:
            if self._width([left[i] for i in sorted(keep)]) <= self.width():
                break
            keep.discard(number)
        return [left[i] for i in sorted(keep)]

    def _width(self, parts: list[tuple[str, str]]) -> int:
        strong, small = self._metrics()
        widths = [
            strong.horizontalAdvance(value)
            + (theme().px(_WORD_GAP) if value and unit else 0)
            + small.horizontalAdvance(self._unit(unit))
            for value, unit in parts
        ]
        return sum(widths) + theme().px(_GAP) * max(0, len(widths) - 1)

    def _unit(self, unit: str) -> str:
        return "/s" if self._short_units and unit == "tokens/s" else unit

    def _metrics(self) -> tuple[QFontMetrics, QFontMetrics]:
        return QFontMetrics(theme().font("small-strong")), QFontMetrics(theme().font("small"))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(self._width(self._parts), theme().px(28))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(40), theme().px(24))

    # ------------------------------------------------------------ what is painted and selected

    def _pieces(self) -> list[_Piece]:
        strong, small = self._metrics()
        pieces: list[_Piece] = []
        left = 0

        def add(text: str, width: int, **more: Any) -> None:  # noqa: ANN401 - fields of _Piece
            nonlocal left
            pieces.append(_Piece(text, left, width, **more))
            left += width

        for number, (value, unit) in enumerate(self.shown_parts()):
            if number:
                add(", ", theme().px(_GAP), gap=True)
            add(value, strong.horizontalAdvance(value), strong=True, tone="text")
            if value and unit:
                add(" ", theme().px(_WORD_GAP), gap=True)
            unit = self._unit(unit)
            add(unit, small.horizontalAdvance(unit), tone="text2" if value else "text3")
        return pieces

    @property
    def selected_text(self) -> str:
        """What is selected of the numbers, nothing where nothing is."""
        first, last = sorted(self._selected)
        return "".join(piece.text for piece in self._pieces())[first:last]

    def _place_at(self, x: int) -> int:
        """The place in the shown text that is nearest to a point."""
        at = 0
        for piece in self._pieces():
            if x < piece.left + piece.width:
                return at + self._place_in(piece, x - piece.left)
            at += len(piece.text)
        return at

    def _place_in(self, piece: _Piece, x: int) -> int:
        if piece.gap:
            return len(piece.text) if 2 * x > piece.width else 0
        return min(range(len(piece.text) + 1), key=lambda n: abs(self._advance(piece, n) - x))

    def _advance(self, piece: _Piece, letters: int) -> int:
        if piece.gap:
            return piece.width * letters // len(piece.text)
        strong, small = self._metrics()
        return (strong if piece.strong else small).horizontalAdvance(piece.text[:letters])

    def copy(self) -> None:
        """Put what is selected on the clipboard, or else all that is shown."""
        whole = "".join(piece.text for piece in self._pieces())
        QGuiApplication.clipboard().setText(self.selected_text or whole)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._selecting = event.position().toPoint(), False
            self._selected = (0, 0)
            self.update()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self._pressed is None:
            super().mouseMoveEvent(event)
            return
        here = event.position().toPoint()
        far = QApplication.startDragDistance()
        if self._selecting or abs(here.x() - self._pressed.x()) >= far:
            self._selecting = True
            self.setDown(False)
            self._selected = (self._place_at(self._pressed.x()), self._place_at(here.x()))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._pressed = None
        if self._selecting:  # no click: the user wants the words, not the table
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self._selected = (0, sum(len(piece.text) for piece in self._pieces()))
            self.update()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        menu = QMenu(self)
        menu.setObjectName("statsMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy").triggered.connect(lambda *_: self.copy())
        menu.addAction("All numbers").triggered.connect(lambda *_: self.click())
        menu.popup(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        first, last = sorted(self._selected)
        at = 0
        for piece in self._pieces():
            begin, end = max(first - at, 0), min(last - at, len(piece.text))
            if begin < end:
                left = piece.left + self._advance(piece, begin)
                right = piece.left + self._advance(piece, end)
                ground = QRect(left, 4, right - left, self.height() - 8)
                painter.fillRect(ground, theme().color("accent_tint"))
            if not piece.gap:
                painter.setFont(theme().font("small-strong" if piece.strong else "small"))
                painter.setPen(theme().color(piece.tone))
                box = QRect(piece.left, 0, piece.width + 2, self.height())
                painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), piece.text)
            at += len(piece.text)
        painter.end()


class LaneFooter(QFrame):
    """Stats at the left; copy, regenerate and Keep, or "Stop lane", at the right."""

    stopRequested = Signal()  # noqa: N815 - Qt's style for signals
    regenerateRequested = Signal()  # noqa: N815
    keepRequested = Signal()  # noqa: N815
    copyRequested = Signal()  # noqa: N815
    numbersRequested = Signal()  # noqa: N815
    againShown = Signal(QMenu)  # noqa: N815 - the menu to answer again, to be filled

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("laneFooter")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self._inline, self._running, self._density = False, False, "normal"
        self._retired, self._empty = False, True
        self._thought = False  # whether the reply has reasoning
        self.stats = LaneStats()
        self.stats.clicked.connect(lambda *_: self.numbersRequested.emit())
        self._make_actions()
        self._lay_out()
        self._arrange()
        theme().changed.connect(self._arrange)

    def _make_actions(self) -> None:
        self._copy = IconButton(
            "copy", "Copy answer", name="copyButton", clicked=self.copyRequested.emit
        )
        self._again = IconButton(
            "rotate-ccw", "Regenerate", shortcut="Ctrl+R", name="regenerateButton",
            clicked=self.regenerateRequested.emit,
        )  # fmt: skip
        self._same_thought = IconButton(
            "message-square-plus", "Answer again from the same thought", name="answerAgainButton",
            clicked=self._show_again,
        )  # fmt: skip
        self._keep = button(
            "Keep", "check", "flat", small=True, name="keepButton", clicked=self.keepRequested.emit
        )
        self._keep.setToolTip("Keep this answer and go on with this lane alone")
        self._stop = button(
            "Stop lane", "square", "stop", small=True, name="laneStopButton",
            clicked=self.stopRequested.emit,
        )  # fmt: skip

    def _lay_out(self) -> None:
        self._row = QHBoxLayout(self)
        self._row.addWidget(self.stats, 1)
        for action in (self._copy, self._again, self._same_thought, self._keep, self._stop):
            self._row.addWidget(action)

    def _show_again(self) -> None:
        menu = QMenu(self)
        menu.setObjectName("answerAgainMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.againShown.emit(menu)
        above = QPoint(0, menu.sizeHint().height())
        menu.popup(self._same_thought.mapToGlobal(QPoint(0, 0)) - above)

    # ------------------------------------------------------------ content

    def show_running(self, tokens: int, rate: float) -> None:
        """While the lane writes: tokens and tokens per second so far."""
        self._set_running(True)
        parts = [_token_count(tokens)]
        if rate > 0:
            parts.append((f"{rate:.1f}", "tokens/s"))
        self.stats.set_parts(parts, ", ".join(f"{value} {unit}" for value, unit in parts))

    def show_finished(
        self, usage: Usage, timing: Timing, seed: int | None, reason: str | None = None
    ) -> None:
        """What the finished reply cost."""
        self._thought = usage.reasoning_tokens > 0
        self._set_running(False)
        tokens = usage.reasoning_tokens + usage.answer_tokens
        parts = [_token_count(tokens)]
        if timing.tokens_per_second > 0:  # not of a reply that the program's end cut off
            parts.append((f"{timing.tokens_per_second:.1f}", "tokens/s"))
            parts.append((short_seconds(timing.first_token_s), "to first token"))
        words = [f"{value} {unit}" for value, unit in parts]
        words.append(
            f"{usage.reasoning_tokens:,} reasoning, {usage.answer_tokens:,} answer, "
            f"{usage.prompt_tokens:,} prompt tokens"
        )
        if seed is not None:
            parts.append(("", f"seed {seed}"))
            words.append(f"seed {seed}")
        if reason:
            words.append(_FINISH_WORDS.get(reason, reason))
        self.stats.set_parts(parts, ", ".join(words))

    def clear(self) -> None:
        """Nothing has been written yet."""
        self._empty = True
        self._running = False
        self.stats.set_parts([], "")
        self._arrange()

    def retire(self) -> None:
        """The reply is no longer the newest: only its numbers and copying remain."""
        self.stats.setObjectName("pastStats")
        for action in (self._again, self._same_thought, self._keep, self._stop):
            action.setObjectName("")
            action.hide()
        self._retired = True

    def _set_running(self, running: bool) -> None:
        self._running, self._empty = running, False
        self._arrange()

    # ------------------------------------------------------------ looks

    def set_inline(self, inline: bool) -> None:
        """Below a reply of a single lane: no line above, no Keep, no own Stop."""
        self._inline = inline
        self.setProperty("inline", inline)
        self._arrange()

    def set_density(self, density: str) -> None:
        """The lane's width class."""
        self._density = density
        self.stats.set_density(density)
        self._arrange()

    def _arrange(self) -> None:
        px = theme().px
        alone = self._inline or self._density == "narrow"
        self._stop.setText("Stop" if alone else "Stop lane")
        set_state(self, "edge", "" if self._inline else "top")
        side = 0 if self._inline else px(12 if self._density == "narrow" else 16)
        self._row.setContentsMargins(side, 0, 0 if self._inline else px(8), 0)
        self._row.setSpacing(px(2))
        self.setFixedHeight(px(32 if self._inline else 40))
        done = not self._running and not self._empty
        if not self._retired:
            self._copy.setVisible(done)
            self._again.setVisible(done)
            room = self._density != "narrow"  # there it is in the lane's menu alone
            self._same_thought.setVisible(done and room and self._thought)
            self._keep.setVisible(done and not self._inline)
            self._stop.setVisible(self._running)


def _token_count(tokens: int) -> tuple[str, str]:
    return f"{tokens:,}", "token" if tokens == 1 else "tokens"
