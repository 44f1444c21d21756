"""A model's chat template as text, with the signs of its language in colour."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtGui import QGuiApplication, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from qwqdesk.ui.base import EmptyState, Toast, button, label
from qwqdesk.ui.inspector.lists import cut
from qwqdesk.ui.theme import theme

LONGEST_LINE = 20_000
_SIGNS = re.compile(
    r"(?P<com>\{#.*?#\})|(?P<tag>\{[%{]-?|-?[%}]\})|(?P<str>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<word>\b(?:if|elif|else|endif|for|endfor|in|is|not|and|or|set|endset|macro|endmacro|"
    r"namespace|defined|raise_exception|generation|endgeneration|true|false|none)\b)"
)
_COLOURS = {"com": "syn_com", "tag": "syn_kw", "str": "syn_str", "word": "syn_fn"}


class TemplateView(QWidget):
    """The template, or the note that there is none. Models may have several."""

    def __init__(self, found: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found = found
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if not found:
            column.addWidget(EmptyState("This file has no chat template."))
            return
        px = theme().px
        self.text = QPlainTextEdit()
        self.text.setObjectName("templateText")
        self.text.setAccessibleName("Chat template")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setFont(theme().font("mono"))
        self.text.setProperty("well", True)
        self._colours = _JinjaColours(self.text.document())
        self.lines = label("", "small", "text2")
        head = QHBoxLayout()
        head.setContentsMargins(px(16), px(10), px(16), px(10))
        head.setSpacing(px(12))
        if len(found) > 1:
            head.addWidget(self._choice())
        head.addWidget(self.lines, 1)
        head.addWidget(
            button("Copy", "copy", small=True, name="copyTemplateButton", clicked=self._copy)
        )
        column.addLayout(head)
        column.addWidget(self.text, 1)
        self.show_template(next(iter(found)))

    def show_template(self, name: str) -> None:
        """Show the template of this name."""
        self._name = name
        source = self._found[name]
        lines = source.count("\n") + 1
        self.lines.setText(f"{lines:,} line{'' if lines == 1 else 's'}, {len(source):,} characters")
        self.text.setPlainText(cut(source))

    def _choice(self) -> QComboBox:
        choice = QComboBox()
        choice.setObjectName("templateChoice")
        choice.setAccessibleName("Template")
        choice.addItems(list(self._found))
        choice.currentTextChanged.connect(self.show_template)
        return choice

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._found[self._name])
        Toast(self, "Template copied")


class _JinjaColours(QSyntaxHighlighter):
    """Tags, words, strings and comments; very long lines stay plain."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        theme().changed.connect(self.rehighlight)

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        if len(text) > LONGEST_LINE:
            return
        for found in _SIGNS.finditer(text):
            form = QTextCharFormat()
            form.setForeground(theme().color(_COLOURS[found.lastgroup or "tag"]))
            self.setFormat(found.start(), found.end() - found.start(), form)
