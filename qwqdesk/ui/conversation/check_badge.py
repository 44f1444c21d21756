"""Owns the badge in a code block's head that says what the check found; a click lists it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QMenu, QSizePolicy, QWidget

from qwqdesk.analysis.code_problem import CodeProblem
from qwqdesk.ui.base import BadgeKind, badge_size, paint_badge, plain_tip
from qwqdesk.ui.conversation.code_problems import badge_words, sentence
from qwqdesk.ui.theme import theme

_CLEAN = {"narrow": "No errors", "compact": "No errors found"}
_CLEAN_WIDE = "Parses, no errors found"
_MOST_LISTED = 30
_LONGEST = 100  # characters of one entry of the menu


class CheckBadge(QAbstractButton):
    """Hidden until there is a verdict. `line_wanted` carries the line of a chosen problem."""

    line_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("codeCheck")
        self.setProperty("ringRadius", 4)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._problems: tuple[CodeProblem, ...] = ()
        self._checked: bool | None = None
        self._density = "normal"
        self.clicked.connect(lambda *_: self.show_problems())
        self.hide()

    @property
    def has_verdict(self) -> bool:
        """Whether the block has been checked."""
        return not self.isHidden()

    def show_verdict(self, parses: bool | None, problems: Sequence[CodeProblem]) -> None:
        """What was found; `parses` None: the code was too large to be checked."""
        self._problems, self._checked = tuple(problems), parses
        wrong = bool(problems) and parses is not None
        policy = Qt.FocusPolicy.TabFocus if wrong else Qt.FocusPolicy.NoFocus
        self.setFocusPolicy(policy)
        self.setCursor(Qt.CursorShape.PointingHandCursor if wrong else Qt.CursorShape.ArrowCursor)
        words = "\n".join(map(sentence, self._problems[:_MOST_LISTED]))
        self.setToolTip(plain_tip(words or "Checked without running it."))
        self.setAccessibleDescription(words)
        self._name()
        self.show()

    def set_density(self, density: str) -> None:
        """The lane's width class: shorter words with less room."""
        self._density = density
        self._name()

    def show_problems(self) -> None:
        """List the problems; choosing one leads to its line."""
        if not self._problems or self._checked is None:
            return
        menu = QMenu(self)
        menu.setObjectName("codeProblems")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for problem in self._problems[:_MOST_LISTED]:
            words = sentence(problem).replace("&", "&&")
            short = words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
            act = menu.addAction(short)
            act.triggered.connect(lambda _=False, line=problem.line: self.line_wanted.emit(line))
        left = len(self._problems) - _MOST_LISTED
        if left > 0:
            menu.addAction(f"{left} more").setEnabled(False)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        size = badge_size(self._look()[1], self.text())
        return QSize(size.width(), max(size.height(), theme().px(24)))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        kind, icon = self._look()
        paint_badge(painter, self.rect(), kind, icon, self.text())
        painter.end()

    def _look(self) -> tuple[BadgeKind, str]:
        if self._checked is None:
            return "neutral", "circle-off"
        return ("bad", "circle-alert") if self._problems else ("good", "circle-check")

    def _name(self) -> None:
        if self._checked is None:
            self.setText("Not checked")
        elif self._problems:
            self.setText(badge_words(self._problems))
        else:
            self.setText(_CLEAN.get(self._density, _CLEAN_WIDE))
        self.setAccessibleName(self.text())
        self.updateGeometry()
        self.update()
