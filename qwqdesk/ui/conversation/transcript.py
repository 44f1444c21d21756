"""Owns the scrolled column of a lane: the user's messages and the replies below them.

Scrolling follows the stream only while the view is at its end; else a pill offers the new text.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QMenu,
    QScrollArea,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.ui.base import Pill
from qwqdesk.ui.conversation.code_block import CodeBlock
from qwqdesk.ui.conversation.problem_steps import ProblemSteps
from qwqdesk.ui.conversation.prompt_header import PromptBubble
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.text_look import LookName
from qwqdesk.ui.conversation.visible_text import storable
from qwqdesk.ui.theme import theme

_COLUMN = 720  # px, the longest line that is read with ease
_WIDE_LANE = 800
_NEAR_END = 6  # px from the end that still count as the end


class _Content(QWidget):
    """The ground of the column. It is opaque, so that Qt scrolls by moving what is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.fillRect(event.rect(), theme().color("surface"))
        painter.end()


class Transcript(QScrollArea):
    """Messages and replies, oldest first. In a chat centred, in a lane at the left."""

    copied = Signal(str)

    def __init__(self, look: LookName = "lane", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName("Conversation text")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._look: LookName = look
        self._density = "normal"
        self._following = True
        self._problems = ProblemSteps(self)
        self._replies: list[ReplyView] = []
        self._prompts: list[PromptBubble] = []
        self._header: QWidget | None = None
        self._anchor: tuple[QWidget, int] | None = None  # what is read, and its place on screen
        self._moving = False
        self._content = _Content()
        self._content.setObjectName("transcriptContent")
        self._column = QVBoxLayout(self._content)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        self.setWidget(self._content)
        self._content.setAutoFillBackground(False)  # setWidget turns it on
        self.viewport().setAutoFillBackground(False)
        self._pill = Pill("New text below", self.viewport())
        self._pill.clicked.connect(lambda *_: self.to_end())
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(self._range_changed)
        self._fit_margins()

    # ------------------------------------------------------------ content

    @property
    def content(self) -> QWidget:
        """The page that is scrolled."""
        return self._content

    @property
    def replies(self) -> tuple[ReplyView, ...]:
        return tuple(self._replies)

    @property
    def prompts(self) -> tuple[PromptBubble, ...]:
        """The user's messages that stand in the column."""
        return tuple(self._prompts)

    def add_prompt(self, text: str) -> PromptBubble:
        """The user's message."""
        bubble = PromptBubble(text)
        self._insert(bubble, theme().px(16) if self._column.count() > 1 else 0)
        self._prompts.append(bubble)
        return bubble

    def add_reply(self, *, reasoning_open: bool = False) -> ReplyView:
        """The newest reply; the older ones give up the names that scripts look for."""
        for reply in self._replies:
            reply.set_current(False)
        view = self._make_reply(reasoning_open)
        self._insert(view, theme().px(16) if self._column.count() > 1 else 0)
        self._replies.append(view)
        return view

    def _make_reply(self, reasoning_open: bool = False) -> ReplyView:
        view = ReplyView(self._look, reasoning_open=reasoning_open)
        view.set_density(self._density)
        view.grew.connect(self._text_came)
        view.answer.line_wanted.connect(self._problems.show_line)
        return view

    def add_earlier(self, text: str | None, *, reply: bool) -> ReplyView | None:
        """A turn above all others, with a new view of its reply; what is read stays in place."""
        self._hold()
        at = 0 if self._header is None else 2
        view = None
        if reply:
            view = self._make_reply()
            view.set_current(False)
            self._replies.insert(0, view)
            self._column.insertSpacing(at, theme().px(16))
            self._column.insertWidget(at, view)
        if text is not None:
            bubble = PromptBubble(text)
            self._prompts.insert(0, bubble)
            self._column.insertSpacing(at, theme().px(16))
            self._column.insertWidget(at, bubble)
        return view

    def set_header(self, widget: QWidget | None) -> None:
        """Something above all turns; None takes it away."""
        self._hold()
        if self._header is not None:
            self._column.takeAt(1)
            self._column.removeWidget(self._header)
        self._header = widget
        if widget is not None:
            self._column.insertSpacing(0, theme().px(16))
            self._column.insertWidget(0, widget, 0, Qt.AlignmentFlag.AlignHCenter)

    def _insert(self, widget: QWidget, gap: int) -> None:
        if gap:
            self._column.insertSpacing(self._column.count() - 1, gap)
        self._column.insertWidget(self._column.count() - 1, widget)

    def remove_last_reply(self) -> None:
        """Take the newest reply away: it is written anew."""
        self._anchor = None
        if self._replies:
            last = self._replies.pop()
            place = self._column.indexOf(last)
            self._column.takeAt(place)
            before = self._column.itemAt(place - 1) if place > 0 else None
            if before is not None and before.spacerItem() is not None:
                self._column.takeAt(place - 1)  # the next one brings its own gap
            last.hide()
            last.deleteLater()

    def clear(self) -> None:
        """Back to an empty page."""
        for reply in self._replies:
            reply.clear()
        self._replies, self._prompts = [], []
        self._header, self._anchor = None, None
        while self._column.count() > 1:
            item = self._column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._following = True
        self._pill.show_pill(False)

    # ------------------------------------------------------------ scrolling

    @property
    def following(self) -> bool:
        """Whether the view stays at the end while text comes."""
        return self._following

    def next_problem(self, step: int) -> bool:
        """Show the next (1) or previous (-1) error in the newest reply's code; False: none."""
        return bool(self._replies) and self._problems.step(self._replies[-1].answer, step)

    def to_end(self) -> None:
        """Go to the end and follow the stream again."""
        self._anchor = None
        self._follow(True)
        self._pill.show_pill(False)
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def to_newest_turn(self) -> None:
        """Stay where the newest turn begins, also while its text is still being drawn."""
        self._follow(False)
        newest = self._prompts[-1:] or self._replies[-1:]
        self._anchor = (newest[0], theme().px(12)) if newest else None
        bar = self.verticalScrollBar()
        self._range_changed(bar.minimum(), bar.maximum())

    def _scrolled(self, value: int) -> None:
        if self._moving:
            return
        self._anchor = None
        self._follow(value >= self.verticalScrollBar().maximum() - _NEAR_END)
        if self._following:
            self._pill.show_pill(False)

    def _follow(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            for reply in self._replies[-1:]:
                reply.answer.set_followed(following)

    def _range_changed(self, low: int, high: int) -> None:
        self._moving = True
        if self._following:
            self.verticalScrollBar().setValue(high)
        elif self._anchor is not None:
            widget, place = self._anchor
            self._column.activate()
            self.verticalScrollBar().setValue(widget.y() - place)
        self._moving = False

    def _hold(self) -> None:
        """Something comes above: keep what is read where it is, until the user scrolls."""
        top = self.verticalScrollBar().value()
        shown = [*self._prompts, *self._replies]
        below = [widget for widget in shown if widget.geometry().bottom() > top]
        if not self._following and self._anchor is None and below:
            first = min(below, key=QWidget.y)
            self._anchor = first, first.y() - top

    def _text_came(self) -> None:
        if not self._following and self._anchor is None:
            self._pill.show_pill(True)

    # ------------------------------------------------------------ geometry and looks

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        self._fit_margins()
        super().resizeEvent(event)

    def _fit_margins(self) -> None:
        px = theme().px
        width, column = self.viewport().width(), px(_COLUMN)
        side = px(12 if self._density == "narrow" else 16)
        if self._look == "reading":
            side = max(side, (width - column) // 2)
            self._column.setContentsMargins(side, px(20), max(side, width - side - column), px(20))
        elif width > px(_WIDE_LANE):
            self._column.setContentsMargins(side, px(12), width - side - column, px(16))
        else:
            self._column.setContentsMargins(side, px(12), side, px(16))

    def set_look(self, look: LookName) -> None:
        """`reading` for one lane, `lane` for several; also after the theme has changed."""
        self._look = look
        self._fit_margins()
        for reply in self._replies:
            reply.set_look(look)
        for prompt in self._prompts:
            prompt.restyle()

    def set_density(self, density: str) -> None:
        """The lane's width class."""
        if density != self._density:
            self._density = density
            self._fit_margins()
            for reply in self._replies:
                reply.set_density(density)

    # ------------------------------------------------------------ menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        menu = self.make_menu(self.childAt(event.pos()))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def make_menu(self, under: QWidget | None) -> QMenu:
        """What can be copied at this place."""
        menu = QMenu(self)
        text = _ancestor(under, QTextEdit)
        if isinstance(text, QTextEdit) and text.textCursor().hasSelection():
            _add(menu, "Copy", text.copy)
        code = _ancestor(under, CodeBlock)
        if isinstance(code, CodeBlock):
            _add(menu, "Copy code", code.copy)
        reply = _ancestor(under, ReplyView)
        if not isinstance(reply, ReplyView) and self._replies:
            reply = self._replies[-1]
        if isinstance(reply, ReplyView):
            _add(menu, "Copy answer as Markdown", lambda: _copy(self, reply.answer_source))
            if reply.reasoning.source:
                _add(menu, "Copy reasoning", lambda: _copy(self, reply.reasoning.source))
        if isinstance(text, QTextEdit):
            _add(menu, "Select all of this text", text.selectAll)
        return menu


def _copy(transcript: Transcript, text: str) -> None:
    QGuiApplication.clipboard().setText(storable(text))
    transcript.copied.emit(text)


def _ancestor(widget: QWidget | None, kind: type[QWidget]) -> QWidget | None:
    while widget is not None and not isinstance(widget, kind):
        widget = widget.parentWidget()
    return widget


def _add(menu: QMenu, text: str, act: Callable[[], object]) -> None:
    action = QAction(text, menu)
    action.triggered.connect(lambda *_: act())
    menu.addAction(action)
