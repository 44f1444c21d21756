"""Owns a block of code on the screen: its head, its text, and the bar that opens folded lines."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from qwqdesk.ui.base import IconButton, MessageBand, label, panel
from qwqdesk.ui.conversation.code_text import SHOWN_LIMIT, CodeText
from qwqdesk.ui.conversation.fold_bar import FoldBar
from qwqdesk.ui.conversation.highlight import language_name
from qwqdesk.ui.conversation.text_look import LookName
from qwqdesk.ui.conversation.visible_text import storable, visible
from qwqdesk.ui.theme import theme

FOLD_OVER, FOLD_TO = 40, 24  # in lanes, more lines than the first fold to the second
_ENDINGS = {"Python": "py", "JavaScript": "js", "TypeScript": "ts", "JSON": "json", "HTML": "html",
            "CSS": "css", "SQL": "sql", "C++": "cpp", "C": "c", "Rust": "rs", "Shell": "sh",
            "Bash": "sh", "YAML": "yaml", "Markdown": "md"}  # fmt: skip


class CodeBlock(QFrame):
    """One fenced block. `grow` while it streams, `finish` when its fence closes.

    `resized` says that the height changed without new text.
    """

    resized = Signal()

    def __init__(self, look: LookName, language: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("codeBlock")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "sunken")
        self.setProperty("edge", "box")
        self._look = look
        self._parts: list[str] = []
        self._fresh: list[str] = []
        self._streaming, self._opened = True, False
        self._language = language_name(visible(language))
        self._code = CodeText(language, self)
        self._code.growing = True
        self._lay_out()
        self._count()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        self._head = self._make_head()
        self._fold = FoldBar()
        self._fold.hide()
        self._fold.clicked.connect(lambda *_: self.open_all())
        self._note = MessageBand("window", "", name="codeNote")
        self._note.hide()
        for part in (self._head, self._fold, self._code, self._note):
            column.addWidget(part)

    def _make_head(self) -> QFrame:
        px = theme().px
        head = panel("sunken", "bottom", "codeHead")
        row = QHBoxLayout(head)
        row.setContentsMargins(px(12), 0, px(4), 0)
        row.setSpacing(px(8))
        self._lines = label("", "small", "text2")
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
        row.addStretch(1)
        for action in (self._wrap, self._save, self._copy, self._more):
            row.addWidget(action)
        return head

    # ------------------------------------------------------------ content

    @property
    def source(self) -> str:
        """The code as the model wrote it."""
        return "".join(self._parts)

    @property
    def code_view(self) -> CodeText:
        return self._code

    def grow(self, text: str) -> None:
        """Remember text; `show_growth` puts it on the screen."""
        self._parts.append(text)
        self._fresh.append(text)

    def show_growth(self) -> None:
        """Draw what came since the last call; in a lane the last lines stay in view."""
        fresh = visible("".join(self._fresh))
        self._fresh.clear()
        if fresh:
            self._code.append_code(fresh)
            if self._folds:
                self._code.hide_down_to(self._code.lines - FOLD_TO)
            self._count()

    def finish(self, *, from_history: bool = False) -> None:
        """The fence has closed; a reply from the history shows its first lines, not its last."""
        self.show_growth()
        self._streaming = self._code.growing = False
        if from_history and self._folds:
            self._code.show_lines(0, FOLD_TO)
        self._count()

    def copy(self) -> None:
        """Put the code on the clipboard."""
        QGuiApplication.clipboard().setText(storable(self.source))

    @property
    def _folds(self) -> bool:
        return self._look == "lane" and not self._opened and self._code.lines > FOLD_OVER

    # ------------------------------------------------------------ what is shown

    def _count(self) -> None:
        lines = self._code.lines
        word = "line" if lines == 1 else "lines"
        self._lines.setText(f"{lines:,} {word}" + (" so far" if self._streaming else ""))
        self._code.setAccessibleName(f"{self._language} code, {lines:,} {word}")
        hidden = lines - FOLD_TO if self._folds else 0
        self._fold.setVisible(hidden > 0)
        if hidden > 0:
            above = not self._code.document().begin().isVisible()
            self._fold.set_lines(hidden, above=above)
        if lines >= SHOWN_LIMIT and self._note.isHidden():
            self._note.set_message(
                "window", f"Only {SHOWN_LIMIT:,} lines are shown.", "Copy and Save take all lines."
            )
            self._note.show()

    def open_all(self) -> None:
        """Show the folded lines; they stay open."""
        self._opened = True
        self._code.show_lines(0, self._code.lines)
        self._count()
        self.resized.emit()

    def reveal(self, place: int) -> None:
        """Open the folded lines if a place of the code is among them."""
        if not self._code.marks.cursor(place).block().isVisible():
            self.open_all()

    def _set_wrapped(self, wrapped: bool) -> None:
        self._code.set_wrapped(wrapped)
        self.resized.emit()

    def set_look(self, look: LookName) -> None:
        """Another look, or other colours and sizes."""
        was, self._look = self._look, look
        self._code.restyle()
        if was != look:
            first = self._code.lines - FOLD_TO if self._folds and self._streaming else 0
            end = first + FOLD_TO if self._folds else self._code.lines
            self._code.show_lines(max(0, first), end)
            self._count()

    def set_density(self, density: str) -> None:
        """Fewer buttons where there is little room: no wrap under 460 px, a menu under 360."""
        narrow = density == "narrow"
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
        self._fold.setFixedHeight(px(24))
        code = self._code.wanted_height(width - 2)
        self._code.setFixedHeight(code)
        fold = px(24) if not self._fold.isHidden() else 0
        note = self._note.sizeHint().height() if not self._note.isHidden() else 0
        return 2 + px(32) + fold + code + note

    # ------------------------------------------------------------ saving

    def _ask_path(self) -> None:
        dialog = QFileDialog(self, "Save code", f"code.{_ENDINGS.get(self._language, 'txt')}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._save_to)
        dialog.open()

    def _save_to(self, path: str) -> None:
        try:
            Path(path).write_text(storable(self.source) + "\n", "utf-8")
        except OSError as error:
            reason = error.strerror or "the file cannot be written"
            self._note.set_message(
                "bad", f"The code was not saved: {reason}.", "Choose another place."
            )
            self._note.show()
            self.resized.emit()
