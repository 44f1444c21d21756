"""Owns the colours of code on the screen, and the waves under what is wrong."""

from __future__ import annotations

import re

from PySide6.QtGui import QSyntaxHighlighter, QTextCharFormat, QTextDocument

from qwqdesk.ui.conversation.code_problems import CodeProblems
from qwqdesk.ui.conversation.highlight import grammar, tint_line
from qwqdesk.ui.theme import theme

_WORD = re.compile(r"\w+")


class CodeHighlighter(QSyntaxHighlighter):
    """Colours line by line, as the document changes."""

    def __init__(self, document: QTextDocument, language: str, problems: CodeProblems) -> None:
        super().__init__(document)
        self._rules = grammar(language)
        self._problems = problems
        self._formats: dict[str, QTextCharFormat] = {}

    def forget_colors(self) -> None:
        """The theme changed; the caller highlights again."""
        self._formats.clear()

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        tints, state = tint_line(self._rules, text, max(0, self.previousBlockState()))
        for tint in tints:
            self.setFormat(tint.start, tint.length, self._format(tint.token))
        for column in self._problems.columns(self.currentBlock().blockNumber() + 1):
            self._wave(text, column)
        self.setCurrentBlockState(state)

    def _wave(self, text: str, column: int) -> None:
        """Underline the word at a column."""
        word = _WORD.match(text, column)
        for at in range(column, max(word.end() if word else 0, column + 1)):
            form = QTextCharFormat(self.format(at))
            form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            form.setUnderlineColor(theme().color("bad"))
            self.setFormat(at, 1, form)

    def _format(self, token: str) -> QTextCharFormat:
        found = self._formats.get(token)
        if found is None:
            found = self._formats[token] = QTextCharFormat()
            found.setForeground(theme().color(token))
        return found
