"""Which token of a reply stands where on the screen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QTextBlock
from PySide6.QtWidgets import QWidget

from qwqdesk.analysis.token_places import Part, TokenPlaces
from qwqdesk.ui.conversation.answer import TextView, views_of
from qwqdesk.ui.conversation.code_block import CodeBlock
from qwqdesk.ui.conversation.code_text import CodeText
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.shown_text import ShownText

_GAPS: Mapping[Part, str] = {"reasoning": "\n", "answer": "\n\n"}


def shown_texts(reply: ReplyView) -> Mapping[Part, ShownText]:
    """What a reply shows now, by part."""
    return {
        "reasoning": ShownText(reply.reasoning.views, _GAPS["reasoning"]),
        "answer": ShownText(views_of(reply.answer.blocks), _GAPS["answer"]),
    }


class ReplyPlaces:
    """The tokens of one reply on the screen; heights are pixels in `content`, the scrolled page."""

    def __init__(
        self,
        reply: ReplyView,
        content: QWidget,
        tokens: TokenPlaces,
        shown: Mapping[Part, ShownText],
    ) -> None:
        self.reply = reply
        self.content = content
        self._tokens = tokens
        self._shown = shown

    def find(self, token: float) -> tuple[TextView, int] | None:
        """The view that shows a token, and the place in it."""
        return self.find_in(*self._tokens.shown_at(token))

    def find_in(self, part: Part, place: int) -> tuple[TextView, int] | None:
        """The view that shows a place of a part, and the place in that view."""
        return self._shown[part].find(place)

    def reveal(self, token: float) -> None:
        """Open folded reasoning or code, so that a token can be seen."""
        part, place = self._tokens.shown_at(token)
        if part == "reasoning" and not self.reply.reasoning.is_open():
            self.reply.reasoning.toggle()
        found = self.find_in(part, place)
        if found is None or not isinstance(found[0], CodeText):
            return
        view, block = found[0], found[0].parentWidget()
        if isinstance(block, CodeBlock) and not view.marks.cursor(found[1]).block().isVisible():
            block.open_all()

    # ------------------------------------------------------------ heights

    def height(self, token: float) -> float:
        """How far down a token stands; a folded one where its fold is."""
        part, place = self._tokens.shown_at(token)
        found = self._shown[part].find(place)
        if found is None or self._is_folded(part):
            section = self.reply.reasoning if part == "reasoning" else self.reply.answer
            below = self.reply.reasoning.below_head if part == "reasoning" else 0
            return float(section.mapTo(self.content, QPoint(0, below)).y())
        return self._top(found[0]) + _height_in(*found)

    def token_at(self, height: float) -> float:
        """The token that stands at a height, or the nearest one that is shown."""
        parts: list[Part] = ["answer"] if self._is_folded("reasoning") else ["reasoning", "answer"]
        views = [(part, view) for part in parts for view in self._shown[part].views]
        if not views:
            return 0.0
        number = bisect_right(views, height, key=lambda each: self._top(each[1])) - 1
        part, view = views[max(0, number)]
        place = _place_at(view, height - self._top(view))
        return self._tokens.token_at(part, self._shown[part].place(view, place))

    def token_of(self, view: TextView, position: int) -> float:
        """The token at a position in a document of the answer."""
        place = self._shown["answer"].place(view, view.marks.place(position))
        return self._tokens.token_at("answer", place)

    def _is_folded(self, part: Part) -> bool:
        return part == "reasoning" and not self.reply.reasoning.is_open()

    def _top(self, view: TextView) -> float:
        return float(view.viewport().mapTo(self.content, QPoint(0, 0)).y())


def _height_in(view: TextView, place: int) -> float:
    """How far down a place is in its view; within a line it goes down evenly."""
    position = view.marks.position(place)
    block = view.document().findBlock(position)
    box = view.document().documentLayout().blockBoundingRect(block)
    if not block.isVisible():
        return _fold_height(view, block)
    line = block.layout().lineForTextPosition(position - block.position())
    if not line.isValid():
        return box.top()
    passed = position - block.position() - line.textStart()
    return box.top() + line.y() + line.height() * passed / max(1, line.textLength())


def _fold_height(view: TextView, block: QTextBlock) -> float:
    """Folded lines stand at the top or at the end of what is shown."""
    after = block
    while after.isValid() and not after.isVisible():
        after = after.next()
    return 0.0 if after.isValid() else float(view.viewport().height())


def _place_at(view: TextView, height: float) -> int:
    document = view.document()
    layout = document.documentLayout()
    if isinstance(view, CodeText):
        block = view.block_at(height)
        position = block.position()
        for number in range(block.layout().lineCount()):  # more than one where it is wrapped
            line = block.layout().lineAt(number)
            if layout.blockBoundingRect(block).top() + line.y() <= height:
                position = block.position() + line.textStart()
    else:
        position = max(0, layout.hitTest(QPointF(0, height), Qt.HitTestAccuracy.FuzzyHit))
        block = document.findBlock(position)
    line = block.layout().lineForTextPosition(position - block.position())
    if not line.isValid():
        return view.marks.place(position)
    top = layout.blockBoundingRect(block).top() + line.y()
    share = min(1.0, max(0.0, (height - top) / max(1.0, line.height())))
    inside = line.textStart() + int(share * line.textLength())
    return view.marks.place(block.position() + min(inside, block.length() - 1))
