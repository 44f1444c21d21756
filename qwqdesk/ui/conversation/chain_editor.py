"""The chain editor of a lane: warnings, the steps with their values, what is left out, the rest.

It stands in its lane between head and text. Every change goes through the lane's `ChainModel`, so
that it can be undone and the head shows it too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from qwqdesk.ui.base import announce, retire
from qwqdesk.ui.conversation.chain_answer import AnswerModel
from qwqdesk.ui.conversation.chain_answer_foot import AnswerFoot
from qwqdesk.ui.conversation.chain_foot import ChainFoot
from qwqdesk.ui.conversation.chain_model import ChainEdits, ChainModel
from qwqdesk.ui.conversation.chain_parts import ChainContent, tight_column
from qwqdesk.ui.conversation.chain_row import RowDensity
from qwqdesk.ui.conversation.chain_rows import ChainRows
from qwqdesk.ui.conversation.chain_rules import ReasoningRules
from qwqdesk.ui.conversation.chain_switch import ChainSwitch
from qwqdesk.ui.conversation.chain_view import chain_view
from qwqdesk.ui.focus_home import OWN_FOCUS
from qwqdesk.ui.theme import theme

_HYSTERESIS = 8
_HIGH = 420  # px: from here on "Add step" stays in sight below the rows
_LIMITS: tuple[tuple[int, RowDensity], ...] = (
    (760, "wide"),
    (592, "normal"),
    (515, "snug"),
    (370, "compact"),
)


def density_for(width: int, present: RowDensity | None = None) -> RowDensity:
    """How the rows fit a width in pixels; the present one holds for 8 px more.

    Larger text needs more room: the limits grow with the text size.
    """
    at_full_size = width * 100 / theme().percent
    for limit, density in _LIMITS:
        if at_full_size >= limit + (0 if present is None else _margin(present, density)):
            return density
    return "narrow"


def _margin(present: RowDensity, density: RowDensity) -> int:
    """Shrinking needs 8 px less than growing needed."""
    order = ("narrow", "compact", "snug", "normal", "wide")
    return -_HYSTERESIS if order.index(present) >= order.index(density) else 0


class ChainEditor(QFrame):
    """Real widgets for every step. `chainChanged` carries the `SamplerChain` the user made.

    With two chains a bar chooses which of them is shown; everything else is the same for both.
    """

    chainChanged = Signal(object)  # noqa: N815 - a signal, named as Qt names them
    problemChanged = Signal(str)  # noqa: N815

    def __init__(
        self, model: ChainModel, parent: QWidget | None = None, *, width: int | None = None
    ) -> None:
        """`width` is the room that there will be, in pixels, so that it is built only once."""
        super().__init__(parent)
        self.setObjectName("chainEditor")
        self.setProperty(OWN_FOCUS, True)
        self.setAccessibleName("Sampler chain")
        self.setProperty("ground", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        # Own, so that the layout of a wide density does not keep the editor from shrinking.
        self.setMinimumWidth(theme().px(240))
        self._model = model
        self._answer = AnswerModel(model)
        self._shown: ChainEdits = model
        self._density: RowDensity = "normal"
        self._problem = ""
        self._rules_opened = False
        self._two = self._answer.exists
        self._sized = False
        self._fitting = QTimer(self)
        self._fitting.setSingleShot(True)
        self._fitting.timeout.connect(self._fit_density)
        self._rules: ReasoningRules | None = None
        self._switch = ChainSwitch(self._answer)
        self._switch.part_chosen.connect(self._show_part)
        self._area = QScrollArea()
        self._area.setObjectName("chainArea")
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(self._switch)
        self._layout.addWidget(self._area, 1)
        self._add_place = tight_column()
        self._layout.addLayout(self._add_place)
        self._foot: ChainFoot | AnswerFoot | None = None
        if width is not None:
            self.resize(width, self.height())  # else the first event has Qt's own width
        self._fill("normal" if width is None else density_for(width, None), more=False)
        model.changed.connect(self._changed)
        self._percent = theme().percent
        theme().changed.connect(self._theme_changed)
        model.edited.connect(self.chainChanged)
        for told in (model.told, self._answer.told):
            told.connect(lambda words: announce(self, words))
        _shortcut(self, QKeySequence.StandardKey.Undo, model.undo)
        _shortcut(self, QKeySequence.StandardKey.Redo, model.redo)

    # ------------------------------------------------------------ for the lane

    @property
    def model(self) -> ChainModel:
        return self._model

    @property
    def problem(self) -> str:
        """The first value that is not allowed, in a sentence; empty when all are."""
        return self._problem

    def show_step(self, name: str) -> None:
        """Scroll to a step and put the focus into its first field; any other name: to the top.

        "answer" shows the answer's chain, "rules" the part for the reasoning.
        """
        if name in ("answer", "rules"):
            self._show_setup(name)
            return
        row = self._rows.named(name)
        if row is None:
            self._area.verticalScrollBar().setValue(0)
            return
        row.focus_first()
        self._area.ensureWidgetVisible(row)

    def _show_setup(self, part: str) -> None:
        if part == "answer" and self._answer.exists:
            self._switch.show_part("answer")
            self._show_part("answer")
            return
        self._switch.show_part("reasoning")
        self._show_part("reasoning")
        if self._rules is not None:
            self._rules.set_opened(True)
            self._rules.tab_stops()[2].setFocus(Qt.FocusReason.OtherFocusReason)
            self._area.ensureWidgetVisible(self._rules)

    def refresh(self) -> None:
        """Show the model's values; rows stay, so the focus stays."""
        view = chain_view(self._shown.resolved, self._shown.reference)
        content = self._content
        content.bands.show_warnings(view.warnings)
        narrow = self._density == "narrow"
        content.head.show_words(self._title(narrow), view.short_summary if narrow else view.summary)
        self._rows.show_view(view)
        content.more.show_values(self._shown.resolved)
        if self._rules is not None:
            self._rules.refresh()
        self._switch.refresh()
        self._order_tabs()
        self._check()

    def _title(self, narrow: bool) -> str:
        if not self._answer.exists:
            return "Chain, first to last"
        whose = "the answer" if self._shown is self._answer else "the reasoning"
        return f"Chain of {whose}" + ("" if narrow else ", first to last")

    # ------------------------------------------------------------ Qt's virtual functions

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._place_add()
        if self._sized:
            # Several sizes in a row, and several editors at once: each rebuilds once, in its turn.
            self._fitting.start()
        else:
            self._fit_density()

    def _fit_density(self) -> None:
        wanted = density_for(self.width(), self._density if self._sized else None)
        self._sized = True
        if wanted != self._density:
            self.setUpdatesEnabled(False)
            self._build(wanted)
            self.setUpdatesEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape and self._rows.cancel_drag():
            return
        if event.key() == Qt.Key.Key_Insert:
            self._content.add.open_menu()
        else:
            super().keyPressEvent(event)

    def _theme_changed(self) -> None:
        """Another text size needs other measures everywhere."""
        if theme().percent != self._percent:
            self._percent = theme().percent
            self.setMinimumWidth(theme().px(240))
            self._build(self._density)

    # ------------------------------------------------------------ which chain

    def _changed(self) -> None:
        """The lane's setup is another; the answer may have got a chain of its own, or lost it."""
        if self._two == self._answer.exists:
            self.refresh()
            return
        self._two = self._answer.exists
        focused = self.window().focusWidget()
        inside = focused is not None and self.isAncestorOf(focused)
        part = "answer" if self._two else "reasoning"
        self._switch.show_part(part)
        self._show_part(part)
        if inside:
            self._take_focus()

    def _take_focus(self) -> None:
        """What had the focus is gone."""
        if self._two:
            self._switch.take_focus()
        elif self._rules is not None:
            self._rules.tab_stops()[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_part(self, part: str) -> None:
        """Edit this chain."""
        wanted: ChainEdits = self._answer if part == "answer" else self._model
        if wanted is self._shown:
            self.refresh()
        else:
            self._shown = wanted
            self._build(self._density)

    # ------------------------------------------------------------ building

    def _build(self, density: RowDensity) -> None:
        """All parts anew for a density and a chain; the values are in the models."""
        opened = self._content.more.opened
        rules = self._rules.opened if self._rules is not None else self._rules_opened
        self._rules_opened = rules
        self._fill(density, more=opened)

    def _fill(self, density: RowDensity, *, more: bool) -> None:
        """Show new parts, which deletes those before, and make the rows."""
        narrow = density in ("compact", "narrow")
        self._density = density
        self.setProperty("density", density)
        self._switch.set_narrow(narrow)
        before: ChainContent | None = getattr(self, "_content", None)
        if before is not None and self._add_place.indexOf(before.add) >= 0:
            self._add_place.removeWidget(before.add)
            retire(before.add)
        self._content = self._new_content(narrow=narrow, more=more)
        self._place_add()
        self._rows = ChainRows(self._shown, self._content, self._area, density)
        self._rows.checked.connect(self._check)
        self._area.setWidget(self._content)
        own, short = self._shown is self._model, narrow or density == "snug"
        self._replace_foot(
            ChainFoot(self._model, short) if own else AnswerFoot(self._answer, narrow=narrow)
        )
        self.refresh()

    def _place_add(self) -> None:
        """Put “Add step” behind the last row, or, where there is the height, below all of them."""
        add = self._content.add
        wanted = self._add_place
        if self.height() < theme().px(_HIGH):
            wanted = self._content.add_place
        if wanted.indexOf(add) < 0:
            wanted.addWidget(add)

    def _new_content(self, *, narrow: bool, more: bool) -> ChainContent:
        own = self._shown is self._model
        self._rules = None
        if own:
            self._rules = ReasoningRules(self._model, self._answer, narrow=narrow)
            self._rules.set_opened(self._rules_opened)
            self._rules.checked.connect(self._check)
        parts = [self._rules] if self._rules is not None else []
        content = ChainContent(self._shown, narrow=narrow, opened=more, whole=own, parts=parts)
        content.more.edited.connect(self._edit)
        content.more.checked.connect(self._check)
        return content

    def _replace_foot(self, foot: ChainFoot | AnswerFoot) -> None:
        if self._foot is not None:
            self._layout.removeWidget(self._foot)
            retire(self._foot)
        self._foot = foot
        self._layout.addWidget(foot)

    def _check(self) -> None:
        problems = [self._rows.problem, self._content.more.problem]
        problems += [self._rules.problem] if self._rules is not None else []
        problem = next((text for text in problems if text), "")
        if problem != self._problem:
            self._problem = problem
            self.problemChanged.emit(problem)

    def _order_tabs(self) -> None:
        stops = [*self._switch.tab_stops(), *self._rows.tab_stops()]
        stops += self._content.more.tab_stops()
        stops += self._rules.tab_stops() if self._rules is not None else []
        stops += self._foot.tab_stops() if self._foot is not None else []
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

    def _edit(self, name: str, value: object) -> None:
        self._shown.set_values({name: value})  # type: ignore[dict-item]


def _shortcut(editor: QWidget, keys: QKeySequence.StandardKey, act: Callable[[], None]) -> None:
    shortcut = QShortcut(QKeySequence(keys), editor)
    shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    shortcut.activated.connect(act)
