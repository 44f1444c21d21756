"""Owns a block of code on the screen: its head, its text, and the bar that opens folded lines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from qwqdesk.analysis.code_blocks import CodeBlock as Fenced
from qwqdesk.analysis.code_check import CodeCheck, check_block, names_of
from qwqdesk.analysis.code_problem import CodeProblem
from qwqdesk.ui.background import background
from qwqdesk.ui.base import IconButton, MessageBand, label, panel
from qwqdesk.ui.conversation.check_badge import CheckBadge
from qwqdesk.ui.conversation.code_saving import ask_where
from qwqdesk.ui.conversation.code_text import SHOWN_LIMIT, CodeText
from qwqdesk.ui.conversation.fold_bar import FoldBar
from qwqdesk.ui.conversation.highlight import language_name
from qwqdesk.ui.conversation.text_look import LookName
from qwqdesk.ui.conversation.visible_text import storable, visible
from qwqdesk.ui.theme import theme

FOLD_OVER, FOLD_TO = 40, 24  # in lanes, more lines than the first fold to the second
_BEFORE = 4  # lines that are shown above the first error


class CodeBlock(QFrame):
    """One fenced block. `grow` while it streams, `finish` when its fence closes.

    `resized` says that the height changed without new text, `line_wanted` that a line (from 1)
    is to be brought into view. Python is checked, never run, when the block has closed.
    """

    resized = Signal()
    line_wanted = Signal(int)

    def __init__(self, look: LookName, language: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("codeBlock")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "sunken")
        self.setProperty("edge", "box")
        self._look = look
        self._parts: list[str] = []
        self._fresh: list[str] = []
        self.says_something = False  # anything but blank lines
        self._streaming, self._followed = True, True
        self._first, self._end = 0, 0  # the lines that are shown; an end of 0 is the last line
        self._opened, self._density = False, "normal"
        self.language = language.split()[0].lower() if language.split() else ""
        self._language = language_name(visible(language))
        self.problems: tuple[CodeProblem, ...] = ()
        self.names: frozenset[str] = frozenset()  # what the code defines, once it is checked
        self.code_view = self._code = CodeText(language, self)
        self._code.growing = True
        self._lay_out()
        self._count()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        self._head = self._make_head()
        self._above, self._below = FoldBar(above=True), FoldBar(above=False)
        self._above.clicked.connect(lambda *_: self._open(0, self._end))
        self._below.clicked.connect(lambda *_: self._open(self._first, 0))
        self._note = MessageBand("window", "", name="codeNote")
        self._note.hide()
        for part in (self._head, self._above, self._code, self._below, self._note):
            column.addWidget(part)

    def _make_head(self) -> QFrame:
        px = theme().px
        head = panel("sunken", "bottom", "codeHead")
        row = QHBoxLayout(head)
        row.setContentsMargins(px(12), 0, px(4), 0)
        row.setSpacing(px(8))
        self._lines = label("", "small", "text2")
        self.badge = CheckBadge()
        self.badge.line_wanted.connect(self.show_line)
        self._wrap = IconButton("text-wrap", "Wrap lines", name="codeWrap")
        self._wrap.setCheckable(True)
        self._wrap.toggled.connect(self._set_wrapped)
        self._save = IconButton("save", "Save code", name="codeSave", clicked=self._ask_path)
        self._copy = IconButton("copy", "Copy code", name="codeCopy", clicked=self.copy)
        self._more = IconButton("ellipsis", "More for this code", name="codeMore")
        self._more.clicked.connect(lambda *_: self._open_more())
        self._more.hide()
        row.addWidget(label(self._language, "small-strong"))
        row.addWidget(self._lines)
        row.addWidget(self.badge)
        row.addStretch(1)
        for action in (self._wrap, self._save, self._copy, self._more):
            row.addWidget(action)
        return head

    # ------------------------------------------------------------ content

    @property
    def source(self) -> str:
        """The code as the model wrote it."""
        return "".join(self._parts)

    def grow(self, text: str) -> None:
        """Remember text; `show_growth` puts it on the screen."""
        self._parts.append(text)
        self._fresh.append(text)
        self.says_something = self.says_something or bool(text.strip())

    def show_growth(self) -> None:
        """Draw what came since the last call; in a lane the last lines stay in view."""
        fresh = visible("".join(self._fresh))
        self._fresh.clear()
        if fresh:
            self._code.append_code(fresh)
            if self._folds and self._followed:
                # Not under the eyes of a reader who has scrolled up: the lines would slide.
                self._first, self._end = self._code.lines - FOLD_TO, 0
                self._code.hide_down_to(self._first)
            self._count()

    def set_followed(self, followed: bool) -> None:
        """Whether the view stays at the end of the text while it comes."""
        self._followed = followed

    def finish(self, *, from_history: bool = False, earlier: Sequence[CodeBlock] = ()) -> None:
        """The fence has closed; a reply from the history shows its first lines, not its last.

        `earlier` are the blocks before this one in the answer: their names are known in it.
        """
        self.show_growth()
        self._streaming = self._code.growing = False
        if from_history and self._folds:
            self._show(0, FOLD_TO)
        self._count()
        block = Fenced(0, self.language, self.source.removesuffix("\n"), 1)
        if block.is_python:
            # Their checks are done first: work beside the window is done in turn.
            work = partial(_checked, block, earlier)
            background().start(self, work, self._show_check, self._not_checked)

    def copy(self) -> None:
        """Put the code on the clipboard."""
        QGuiApplication.clipboard().setText(storable(self.source))

    # ------------------------------------------------------------ what was found

    def _show_check(self, checked: tuple[CodeCheck, frozenset[str]]) -> None:
        """The verdict has come: badge, marks, and the fold around the first error."""
        check, self.names = checked
        self.problems = check.problems if check.parses is not None else ()
        self.badge.show_verdict(check.parses, check.problems)
        self._code.set_problems(self.problems)
        if self.problems and self._folds and self._followed:
            self.fold_around(self.problems[0].line)
        self._count()
        if self.problems:
            self.resized.emit()

    def _not_checked(self, _error: Exception) -> None:
        """No verdict is no praise: the head says that there is none."""
        self.badge.show_verdict(None, ())
        self._count()

    def show_line(self, line: int) -> None:
        """Unfold a line (from 1) if it is hidden, and ask for it to be brought into view."""
        if not self._first < line <= (self._end or self._code.lines):
            self._open(0, 0)
        self.line_wanted.emit(line)

    def line_top(self, line: int) -> int:
        """Where a line (from 1) begins, in pixels from the block's top."""
        return self._code.y() + self._code.line_top(line)

    # ------------------------------------------------------------ what is shown

    @property
    def _folds(self) -> bool:
        return self._look == "lane" and not self._opened and self._code.lines > FOLD_OVER

    def _count(self) -> None:
        lines = self._code.lines
        word = "line" if lines == 1 else "lines"
        self._lines.setText(f"{lines:,} {word}" + (" so far" if self._streaming else ""))
        self._lines.setVisible(self._density != "narrow" or not self.badge.has_verdict)
        self._code.setAccessibleName(f"{self._language} code, {lines:,} {word}")
        self._above.set_lines(self._first)
        self._below.set_lines(lines - self._end if self._end else 0)
        if lines >= SHOWN_LIMIT and self._note.isHidden():
            self._note.set_message(
                "window", f"Only {SHOWN_LIMIT:,} lines are shown.", "Copy and Save take all lines."
            )
            self._note.show()

    def open_all(self) -> None:
        """Show the folded lines; they stay open."""
        self._open(0, 0)

    def fold_around(self, line: int) -> None:
        """Fold a long block to the lines around one (from 1), unless the reader has opened it."""
        if self._folds and not self._streaming:
            lines = self._code.lines
            first = max(0, min(line - 1 - _BEFORE, lines - FOLD_TO))
            while first < line - 1 and not self._code.line_text(first + 1).strip():
                first += 1  # an empty line says nothing at the top
            self._show(first, min(lines, first + FOLD_TO))
            self._count()
            self.resized.emit()

    def _open(self, first: int, end: int) -> None:
        self._opened = True
        self._show(first, end)
        self._count()
        self.resized.emit()

    def _show(self, first: int, end: int) -> None:
        lines = self._code.lines
        self._first, self._end = first, end if end < lines else 0
        self._code.show_lines(first, end or lines)

    def _set_wrapped(self, wrapped: bool) -> None:
        self._code.set_wrapped(wrapped)
        self.resized.emit()

    def set_look(self, look: LookName) -> None:
        """Another look, or other colours and sizes."""
        was, self._look = self._look, look
        self._code.restyle()
        if was != look:
            if not self._folds:
                self._show(0, 0)
            elif self.problems:
                self.fold_around(self.problems[0].line)
            else:
                first = self._code.lines - FOLD_TO if self._streaming else 0
                self._show(first, 0 if self._streaming else FOLD_TO)
            self._count()

    def set_density(self, density: str) -> None:
        """Fewer buttons where there is little room: no wrap under 460 px, a menu under 360."""
        narrow = density == "narrow"
        self._density = density
        self.badge.set_density(density)
        self._count()
        self._wrap.setVisible(not narrow and density != "compact")
        self._save.setVisible(not narrow)
        self._more.setVisible(narrow)

    def _open_more(self) -> None:
        """What has no button of its own in a narrow lane."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        wrap = menu.addAction("Wrap lines")
        wrap.setCheckable(True)
        wrap.setChecked(self._wrap.isChecked())
        wrap.toggled.connect(self._wrap.setChecked)
        menu.addAction("Save code").triggered.connect(lambda *_: self._ask_path())
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def wanted_height(self, width: int) -> int:
        """Pixels for head, bar, code and note."""
        px = theme().px
        self._head.setFixedHeight(px(32))
        bars = [bar for bar in (self._above, self._below) if not bar.isHidden()]
        for bar in bars:
            bar.setFixedHeight(px(24))
        code = self._code.wanted_height(width - 2)
        self._code.setFixedHeight(code)
        note = self._note.sizeHint().height() if not self._note.isHidden() else 0
        return 2 + px(32) + px(24) * len(bars) + code + note

    def _ask_path(self) -> None:
        ask_where(self, self._language, lambda: storable(self.source) + "\n", self._not_saved)

    def _not_saved(self, reason: str) -> None:
        self._note.set_message("bad", f"The code was not saved: {reason}.", "Choose another place.")
        self._note.show()
        self.resized.emit()


def _checked(block: Fenced, earlier: Sequence[CodeBlock]) -> tuple[CodeCheck, frozenset[str]]:
    """The check of a block and the names that it defines."""
    known = frozenset[str]().union(*(other.names for other in earlier))
    return check_block(block, known), names_of([block])
