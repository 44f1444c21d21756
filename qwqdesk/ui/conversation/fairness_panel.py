"""The panel under the toolbar that the fairness badge opens: what was compared, and what to do.

It shows plain values and asks; `fairness_desk.py` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.conversation import LANE_LABELS
from qwqdesk.fairness import Tone
from qwqdesk.ui.base import (
    Badge,
    FlowLayout,
    IconButton,
    LetterTile,
    announce,
    button,
    label,
    retire,
    wrapping_label,
)
from qwqdesk.ui.focus_home import OWN_FOCUS
from qwqdesk.ui.icons import IconLabel
from qwqdesk.ui.theme import set_state, theme

_INK = {"neutral": "text2", "good": "good", "warn": "warn", "bad": "bad"}


@dataclass(frozen=True)
class Verdict:
    """One lane's result: its letter, a badge, and words beside it."""

    lane: str
    tone: Tone
    badge: str
    words: str = ""


@dataclass(frozen=True)
class PanelAct:
    """A button; `id` is what `wanted` carries."""

    id: str
    words: str
    icon: str = ""
    flat: bool = False


@dataclass(frozen=True)
class PanelContent:
    """All that the panel says; `lines` are sentences, `verdicts` one for each lane."""

    tone: Tone
    icon: str
    sentence: str
    lines: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    acts: tuple[PanelAct, ...] = ()


class FairnessPanel(QFrame):
    """`wanted` carries the id of a button; `closed`: the user has put it away; `rebuilt`: it has
    other controls than before.
    """

    wanted = Signal(str)
    closed = Signal()
    rebuilt = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("fairnessPanel")
        self.setProperty(OWN_FOCUS, True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "window")
        self.setProperty("edge", "bottom")
        self.content = PanelContent("neutral", "scale", "")
        self._icon = IconLabel("scale")
        self._sentence = wrapping_label("", "name")
        self._sentence.setObjectName("fairnessSentence")
        self._close = IconButton("x", "Close", name="fairnessClose", clicked=self.put_away)
        self._words = QVBoxLayout()
        self._words.setSpacing(px(4))
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), px(12), px(12), px(12))
        row.setSpacing(px(8))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self._words, 1)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self._words.addWidget(self._sentence)
        self._parts: list[QWidget] = []
        self._lines: list[QLabel] = []
        self.hide()

    # ------------------------------------------------------------ content

    def show_content(self, content: PanelContent) -> None:
        """Say this; what stays the same is not made again, so that a focus is not lost."""
        if content == self.content:
            return
        before, self.content = self.content, content
        self._icon.set_icon(content.icon, _INK[content.tone])
        self._sentence.setText(content.sentence)
        set_state(self._sentence, "tone", "bad" if content.tone == "bad" else "text")
        self.setAccessibleName(content.sentence)
        if content.sentence != before.sentence and self.isVisible():
            announce(self, " ".join([content.sentence, *content.lines]))
        same = (content.verdicts, content.acts) == (before.verdicts, before.acts)
        if same and len(content.lines) == len(before.lines) and self._parts:
            for line, words in zip(self._lines, content.lines, strict=True):
                line.setText(words)
            return
        self._rebuild(content)

    def _rebuild(self, content: PanelContent) -> None:
        focused = any(part.isAncestorOf(self.focusWidget() or self) for part in self._parts)
        for part in self._parts:
            self._words.removeWidget(part)
            retire(part)
        # With their parent: a label without one would flash up as a window of its own.
        self._lines = [wrapping_label(words, "small", "text2", self) for words in content.lines]
        self._parts = [self._verdicts(content.verdicts)] if content.verdicts else []
        self._parts += self._lines
        if content.acts:
            self._parts.append(self._acts(content.acts))
        for part in self._parts:
            self._words.addWidget(part)
        for first, second in pairwise([*self._buttons(), self._close]):
            QWidget.setTabOrder(first, second)
        if focused:
            self.focus_first()
        self.rebuilt.emit()

    def _verdicts(self, verdicts: tuple[Verdict, ...]) -> QWidget:
        """Side by side while there is room."""
        box = QWidget(self)
        flow: QLayout = FlowLayout(theme().px(16))
        flow.setContentsMargins(0, theme().px(4), 0, theme().px(4))
        box.setLayout(flow)
        for verdict in verdicts:
            flow.addWidget(_verdict(verdict, box))
        return box

    def _acts(self, acts: tuple[PanelAct, ...]) -> QWidget:
        box = QWidget(self)
        row: QLayout = FlowLayout(theme().px(8))
        row.setContentsMargins(0, theme().px(6), 0, 0)
        box.setLayout(row)
        for act in acts:
            made = button(
                act.words, act.icon, "flat" if act.flat else "secondary", small=True,
                name=f"fairness_{act.id}", clicked=self._asking(act.id), parent=box,
            )  # fmt: skip
            row.addWidget(made)
        return box

    def _asking(self, act: str) -> Callable[[], None]:
        return lambda: self.wanted.emit(act)

    # ------------------------------------------------------------ open and closed

    def focus_first(self) -> None:
        """The keyboard goes to its first button."""
        first = next(iter(self._buttons()), self._close)
        first.setFocus(Qt.FocusReason.TabFocusReason)

    def _buttons(self) -> list[QWidget]:
        return [b for part in self._parts for b in part.findChildren(QPushButton)]

    def put_away(self) -> None:
        """Close it."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(200), super().minimumSizeHint().height())


def _lane_mark(lane: str, parent: QWidget) -> QWidget:
    if lane in LANE_LABELS:
        return LetterTile(lane, parent)
    return label(lane, "small", parent=parent)


def _verdict(verdict: Verdict, parent: QWidget) -> QWidget:
    box = QWidget(parent)
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme().px(8))
    icon = "circle-check" if verdict.tone == "good" else "git-fork"
    row.addWidget(_lane_mark(verdict.lane, box))
    row.addWidget(Badge(verdict.tone, icon, verdict.badge, parent=box))
    if verdict.words:
        words = label(verdict.words, "small", "text2", box)
        words.setObjectName(f"verdict_{verdict.lane}")
        row.addWidget(words)
    return box
