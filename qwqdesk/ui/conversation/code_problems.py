"""Owns what was found in a block of code: its lines' ground, the waves, and the sentences below.

A sentence stands in a gap under its line. It is painted, so it belongs neither to the text that
is copied nor to the columns; a screen reader finds it in the description of the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QTextBlock, QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextEdit

from qwqdesk.analysis.code_problem import CodeProblem
from qwqdesk.ui.base import plain_tip
from qwqdesk.ui.icons import draw_icon
from qwqdesk.ui.theme import theme

MOST_MARKED = 20  # lines
_GAP, _ICON = 24, 13
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


def badge_words(problems: Sequence[CodeProblem]) -> str:
    """What the head of a block with errors says: "1 error, line 87"."""
    count = len(problems)
    return f"{count:,} error{'' if count == 1 else 's'}, line {problems[0].line:,}"


def sentence(problem: CodeProblem) -> str:
    """A problem with its line, for menus and descriptions."""
    return f"Line {problem.line:,}: {problem.text}"


class CodeProblems:
    """The problems of one code view. Lines count from 1, as in the gutter."""

    def __init__(self, edit: QTextEdit) -> None:
        self._edit = edit
        self._by_line: dict[int, list[CodeProblem]] = {}

    @property
    def by_line(self) -> Mapping[int, Sequence[CodeProblem]]:
        """The problems of each line that has some."""
        return self._by_line

    def set_problems(self, problems: Sequence[CodeProblem]) -> None:
        """Show these and no others; the lines' highlighting is the caller's.

        Only the first lines are marked: code with more is not read line by line.
        """
        self._set_gaps(0)
        self._by_line = {}
        for problem in problems:
            if problem.line in self._by_line or len(self._by_line) < MOST_MARKED:
                self._by_line.setdefault(problem.line, []).append(problem)
        self.put_back()
        said = list(map(sentence, problems[:MOST_MARKED]))
        self._edit.setAccessibleDescription(" ".join(said))

    def put_back(self) -> None:
        """Give the sentences their room, after the document got new formats."""
        self._set_gaps(theme().px(_GAP))

    def columns(self, line: int) -> list[int]:
        """Where in a line something is wrong, from 0."""
        return [problem.column - 1 for problem in self._by_line.get(line, ())]

    def words(self, line: int) -> str:
        """The sentence under a line; empty when nothing is wrong with it."""
        found = self._by_line.get(line, [])
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return found[0].text + more if found else ""

    def below_last(self, last: int) -> int:
        """Pixels for the sentence under the last shown line, whose own margin Qt leaves out."""
        return theme().px(_GAP) if last in self._by_line else 0

    # ------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter, exposed: QRect, offset: QPoint, width: int) -> None:
        """Tint the lines with problems and the gaps under them, over `width` pixels.

        `offset` is where the document begins in the painter's widget.
        """
        for _, _, box in self._boxes():
            ground = QRect(0, box.top() + offset.y(), width, box.height())
            if ground.intersects(exposed):
                painter.fillRect(ground, theme().color("bad_tint"))

    def paint_words(self, painter: QPainter, exposed: QRect, offset: QPoint, width: int) -> None:
        """Write each sentence into its gap; one that is too long is elided."""
        px = theme().px
        painter.setFont(theme().font("small-strong"))
        painter.setPen(theme().color("bad"))
        for line, _, box in self._boxes():
            bottom = box.bottom() + 1 + offset.y()
            gap = QRect(0, bottom - px(_GAP), width, px(_GAP))
            if not gap.intersects(exposed):
                continue
            side, top = px(_ICON), gap.center().y() + 1
            icon = QRectF(0, top - px(_ICON) / 2, side, side)
            draw_icon(painter, icon, "circle-alert", "bad")
            left = side + px(6)
            shown = painter.fontMetrics().elidedText(
                self.words(line), Qt.TextElideMode.ElideRight, max(0, width - left - px(8))
            )
            painter.drawText(QRect(left, gap.top(), width - left, gap.height()), _LEFT, shown)

    def tip_at(self, y: int) -> str:
        """The tool tip at a height of the document: all that is wrong with the line there."""
        for line, _, box in self._boxes():
            if box.top() <= y <= box.bottom():
                return plain_tip("\n".join(problem.text for problem in self._by_line[line]))
        return ""

    def _boxes(self) -> list[tuple[int, QTextBlock, QRect]]:
        """The visible lines with problems, each with its place in the document, gap included."""
        found = []
        for line in sorted(self._by_line):
            block = self._block(line)
            if block.isValid() and block.isVisible():
                text = block.layout()
                top, height = text.position().y(), text.boundingRect().height()
                box = QRect(0, round(top), 0, round(height) + theme().px(_GAP))
                found.append((line, block, box))
        return found

    def _block(self, line: int) -> QTextBlock:
        document: QTextDocument = self._edit.document()
        return document.findBlockByNumber(line - 1)

    def _set_gaps(self, pixels: int) -> None:
        form = QTextBlockFormat()
        form.setBottomMargin(pixels)
        if not self._by_line:
            return
        whole = QTextCursor(self._edit.document())
        whole.beginEditBlock()  # one layout for all of them
        for line in self._by_line:
            block = self._block(line)
            if block.isValid():
                QTextCursor(block).mergeBlockFormat(form)
        whole.endEditBlock()
