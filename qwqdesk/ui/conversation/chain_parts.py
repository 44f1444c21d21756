"""What the chain editor scrolls: warnings, section heads, places for rows, adding a step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.samplers import STEPS
from qwqdesk.ui.base import Badge, ElideLabel, MessageBand, button, label, retire
from qwqdesk.ui.conversation.chain_model import ChainEdits
from qwqdesk.ui.conversation.chain_more import MoreSettings
from qwqdesk.ui.conversation.chain_text import mends, next_step
from qwqdesk.ui.theme import theme


class WarningBands(QWidget):
    """One band for each warning, with the buttons that mend it."""

    def __init__(self, model: ChainEdits, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._shown: list[tuple[str, ...]] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)

    def show_warnings(self, warnings: Sequence[ChainWarning]) -> None:
        """Show these; bands that would look the same stay, with their focus."""
        chain = self._model.chain
        wanted = [
            (w.code, w.text, *[mend.words for mend in mends(w.code, chain)]) for w in warnings
        ]
        if wanted == self._shown:
            return
        self._shown = wanted
        while (item := self._column.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                retire(old)
        for warning in warnings:
            self._column.addWidget(self._band(warning))
        self.setVisible(bool(warnings))

    def _band(self, warning: ChainWarning) -> MessageBand:
        chain = self._model.chain
        step = next_step(warning.code, chain)
        name = f"warning_{warning.code}"
        band = MessageBand("warn", warning.text, step, below=True, name=name)
        for number, mend in enumerate(mends(warning.code, chain)):
            act = partial(self._mend, warning.code, number)
            made = band.add_action(mend.words, act, icon_name=mend.icon, flat=mend.flat)
            made.setObjectName(f"{name}_{number}")
        return band

    def _mend(self, code: str, number: int) -> None:
        self._model.set_chain(mends(code, self._model.chain)[number].chain)


class SectionHead(QFrame):
    """A line of 32 px with a title and what there is to say about the section."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setProperty("ground", "sunken")
        self.setProperty("edge", "both")
        self.setFixedHeight(px(32))
        self._title = ElideLabel("", "small-strong", "text2")
        self._words = ElideLabel("", "small-strong", "text3")
        self._badge = Badge("warn", "triangle-alert", "")
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), 0, px(16), 0)
        row.setSpacing(px(8))
        row.addWidget(self._title)
        row.addStretch(1)
        row.addWidget(self._words)
        row.addWidget(self._badge)

    def show_words(self, title: str, words: str, *, warn: bool = False) -> None:
        """`warn` shows the words as an amber badge."""
        self._title.setText(title)
        self._words.setVisible(not warn)
        self._badge.setVisible(warn)
        if warn:
            self._badge.set_badge("warn", "triangle-alert", words)
        else:
            self._words.setText(words)


class AddBar(QWidget):
    """The button that adds a step, and how steps are moved."""

    def __init__(self, model: ChainEdits, *, hint: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self._model = model
        self.button: QPushButton = button("Add step", "plus", "link", small=True, name="addStep")
        self.button.setToolTip("Add a step  Ins")
        self.button.clicked.connect(self.open_menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(px(24), px(8), px(16), px(8))
        row.addWidget(self.button)
        row.addStretch(1)
        if hint:
            row.addWidget(label("Alt Up or Down moves a step", "small", "text3"))

    def open_menu(self) -> None:
        """The steps that are not in the chain, with their meanings."""
        absent = [step for step in STEPS if step.name not in self._model.chain.samplers]
        menu = QMenu(self)
        menu.setObjectName("addStepMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for step in absent:
            act = menu.addAction(f"{step.name}\t{step.meaning}")
            act.setObjectName(f"add_{step.name}")
            act.triggered.connect(lambda _=False, name=step.name: self._model.add_step(name))
        if not absent:
            menu.addAction("All steps are in the chain").setEnabled(False)
        menu.popup(self.button.mapToGlobal(self.button.rect().bottomLeft()))


class ChainContent(QFrame):
    """The parts in their order, with empty columns for the rows."""

    def __init__(
        self,
        model: ChainEdits,
        *,
        narrow: bool,
        opened: bool,
        whole: bool = True,
        parts: Sequence[QWidget] = (),
    ) -> None:
        """`opened`: whether the rest of the settings is unfolded; `whole`: it has all of them.

        `parts` stand at the end.
        """
        super().__init__()
        self.setProperty("ground", "surface")
        self.bands = WarningBands(model)
        self.head = SectionHead()
        self.steps = tight_column()
        self.add = AddBar(model, hint=not narrow)
        self.absent_head = SectionHead()
        self.absent = tight_column()
        self.more = MoreSettings(narrow, whole=whole)
        self.more.set_opened(opened)
        column = tight_column(self)
        column.addWidget(self.bands)
        column.addWidget(self.head)
        column.addLayout(self.steps)
        self.add_place = tight_column()  # see `ChainEditor`
        column.addLayout(self.add_place)
        column.addWidget(self.absent_head)
        column.addLayout(self.absent)
        column.addWidget(self.more)
        for part in parts:
            column.addWidget(part)
        column.addStretch(1)


def tight_column(parent: QWidget | None = None) -> QVBoxLayout:
    """A column without margins and gaps."""
    column = QVBoxLayout() if parent is None else QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    return column
