"""Owns the strip between the message and the lanes: what differs in words, the first difference,
the diff, and scrolling together.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from qwqdesk.sampling.difference_sentence import Sentence, Style, plain
from qwqdesk.ui.base import IconButton, Segment, button, label, plain_tip
from qwqdesk.ui.fonts import Role
from qwqdesk.ui.icons import IconLabel
from qwqdesk.ui.theme import scaled, theme

_HEIGHT, _LEAST = 36, 360  # px of the strip; px of a sentence for which the link stays whole
_LOOKS: dict[Style, tuple[Role, str]] = {
    "plain": ("body", "text2"),
    "lane": ("strong", "text"),
    "name": ("mono-small", "text2"),
}
_DIFFS = (("none", "No diff"), ("words", "Words"), ("code", "Code"))


class SentenceLine(QWidget):
    """A sentence in one line; what does not fit ends in an ellipsis and stands in the tool tip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("differenceSentence")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._sentence: Sentence = ()

    def text(self) -> str:
        """What is shown, in full."""
        return plain(self._sentence)

    def show_sentence(self, sentence: Sentence, whole: str) -> None:
        """`whole` is for those who cannot see all of it."""
        self._sentence = sentence
        self.setAccessibleName(whole)
        self.setToolTip(plain_tip(whole))
        self.updateGeometry()
        self.update()

    def wanted_width(self, sentence: Sentence) -> int:
        """Pixels that a sentence takes."""
        return sum(_advance(word.text, word.style) for word in sentence)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(self.wanted_width(self._sentence), theme().px(20))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(60), theme().px(20))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        left, rest = 0, self.wanted_width(self._sentence)
        for word in self._sentence:
            role, token = _LOOKS[word.style]
            advance, room = _advance(word.text, word.style), self.width() - left
            text = word.text
            if rest > room:  # the ellipsis may have to stand in this word
                metrics = QFontMetrics(theme().font(role))
                keep = room if advance > room else room - metrics.horizontalAdvance("…")
                text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, keep))
            painter.setFont(theme().font(role))
            painter.setPen(theme().color(token))
            box = QRect(left, 0, room, self.height())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), text)
            if text != word.text:
                break
            left, rest = left + advance, rest - advance
        painter.end()


def _advance(text: str, style: Style) -> int:
    return QFontMetrics(theme().font(_LOOKS[style][0])).horizontalAdvance(text)


class DifferenceStrip(QFrame):
    """Shown with two lanes and more."""

    jump_wanted = Signal()
    diff_chosen = Signal(str)
    link_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("differenceStrip")
        self.setAccessibleName("Differences between the lanes")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "window")
        self.setProperty("edge", "bottom")
        self._sentences: tuple[Sentence, ...] = ()
        self._whole = ""
        self._found = ("", "")
        self._notes = ("", "")  # of the tokens, and of the diff
        self._line = SentenceLine()
        self._note = label("", "body", "text3")
        self._note.setObjectName("differenceNote")
        self._link = button("First difference", "git-fork", "link", small=True)
        self._link.setObjectName("firstDifference")
        self._link.clicked.connect(lambda *_: self.jump_wanted.emit())
        self._link.setToolTip("Go to the first difference in every lane  Ctrl+J")
        self._diff = Segment(_DIFFS, small=True, name="diffChoice", accessible="Diff")
        self._diff.chosen.connect(self.diff_chosen)
        self._together = IconButton("unlink-2", "", name="scrollTogether")
        self._together.setCheckable(True)
        self._together.toggled.connect(self._link_changed)
        self._lay_out()
        self.set_linked(False)
        self.show_result("", "")

    def _lay_out(self) -> None:
        px = theme().px
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), 0, px(16), 0)
        row.setSpacing(px(8))
        row.addWidget(IconLabel("git-compare"))
        row.addWidget(self._line, 1)
        for part in (self._note, self._link, self._diff, self._together):
            row.addWidget(part)
        scaled(self, height=_HEIGHT)

    # ------------------------------------------------------------ what it says

    def show_sentences(self, sentences: Sequence[Sentence], whole: str) -> None:
        """How the lanes differ, in full first; `whole` also says what no sentence has room for."""
        self._sentences, self._whole = tuple(sentences), whole
        self.setAccessibleDescription(whole)
        self._fit()

    def show_result(self, found: str, short: str = "", note: str = "") -> None:
        """The first difference for the link, in full and short; or a note in place of it."""
        self._found = found, short or found
        self._notes = note, self._notes[1]
        self._link.setVisible(bool(found))
        self._link.setAccessibleName(found or "First difference")
        self._fit()

    def show_diff_note(self, note: str) -> None:
        """Why nothing is tinted; empty when something is."""
        self._notes = self._notes[0], note
        self._fit()

    def show_tools(self, shown: bool) -> None:
        """Diff and scrolling need two texts."""
        self._diff.setVisible(shown)
        self._together.setVisible(shown)
        self._fit()

    @property
    def has_tools(self) -> bool:
        """Whether there is something to be chosen."""
        return not self._diff.isHidden()

    @property
    def diff(self) -> str:
        """Which diff is chosen: none, words or code."""
        return self._diff.value()

    def set_diff(self, choice: str) -> None:
        """Choose a diff without telling anybody."""
        self._diff.set_value(choice)

    def set_linked(self, linked: bool) -> None:
        """Whether the lanes scroll together."""
        blocked = self._together.blockSignals(True)
        self._together.setChecked(linked)
        self._together.blockSignals(blocked)
        self._show_linked(linked)

    def _link_changed(self, linked: bool) -> None:
        self._show_linked(linked)
        self.link_toggled.emit(linked)

    def _show_linked(self, linked: bool) -> None:
        name, token = ("link-2", "accent_text") if linked else ("unlink-2", "text2")
        self._together.set_icon(name, token)
        self._together.set_words("Scroll together")
        self._together.setToolTip(
            "The lanes scroll together: equal tokens stand side by side"
            if linked
            else "Scroll the lanes together"
        )

    # ------------------------------------------------------------ what fits

    def _fit(self) -> None:
        """The fullest wording for which there is room."""
        note = self._notes[1] or self._notes[0]
        self._note.setText(note)
        self._note.setVisible(bool(note))
        others = [self._note, self._diff, self._together]
        px = theme().px
        used = sum(part.sizeHint().width() + px(8) for part in others if not part.isHidden())
        room = self.width() - 2 * px(16) - px(24) - used
        sentence, link = self._wording(room)
        self._link.setText(link)
        self._link.setAccessibleName(self._found[0] or "First difference")
        self._line.show_sentence(sentence, self._whole)

    def _wording(self, room: int) -> tuple[Sentence, str]:
        sentences = self._sentences or ((),)
        for text in dict.fromkeys(self._found):
            left = room - self._link_width(text)
            for sentence in sentences:
                if self._line.wanted_width(sentence) <= left:
                    return sentence, text
            if len(sentences) == 1 and left >= theme().px(_LEAST):
                return sentences[0], text
        return sentences[-1], self._found[1]

    def _link_width(self, text: str) -> int:
        if not text:
            return 0
        self._link.setText(text)
        return self._link.sizeHint().width() + theme().px(8)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()
