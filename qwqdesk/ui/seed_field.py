"""The seed in the toolbar: one for all lanes, one for each lane, or a new one with each run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from qwqdesk.sampling.param import INT32_MAX
from qwqdesk.sampling.resolve import draw_seed
from qwqdesk.sampling.samplers import RANDOM_SEED
from qwqdesk.ui.base import IconButton, label
from qwqdesk.ui.theme import set_state, theme

MAX_SEED = 2 * INT32_MAX  # 4294967294; the next one means "random" in llama.cpp
_CHOICES = (
    ("same", "Same for all lanes", "The same seed in every lane."),
    ("lane", "One per lane", "Every lane has a seed of its own."),
    ("random", "Random each run", "A new seed with each run, the same in every lane."),
)


class SeedField(QFrame):
    """Typed, drawn with the dice, or chosen from its menu.

    `seed_chosen`: this seed for all lanes, -1 for a random one. `own_chosen`: draw one for each.
    """

    seed_chosen = Signal(object)  # an int; Qt's own has 31 bits, a seed 32
    own_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("seedField")
        self.setAccessibleName("Seed")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._seeds: tuple[int, ...] = (RANDOM_SEED,)
        self._own = False
        self._dice = IconButton(
            "dices", "Draw a seed and keep it", name="seedDice", clicked=self._draw
        )
        self._make_input()
        self._make_menu()
        row = QHBoxLayout(self)
        row.setContentsMargins(px(2), 0, px(2), 0)
        row.setSpacing(px(4))
        self._word = label("Seed", "body", "text2")
        for part in (self._dice, self._word, self._input, self._choice):
            row.addWidget(part)
        theme().changed.connect(self._fit)
        self._say()

    def _make_input(self) -> None:
        self._input = QLineEdit()
        self._input.setObjectName("seedInput")
        self._input.setProperty("field", "plain")
        self._input.setProperty("ring", "parent")  # the frame is what looks like the field
        self._input.setMaxLength(12)
        self._input.editingFinished.connect(self._typed)
        self._input.textChanged.connect(self._fit)

    def _make_menu(self) -> None:
        self._choice = IconButton("chevron-down", "Seeds of the lanes", size=14, name="seedChoice")
        self._choice.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: self._fill(menu))
        self._choice.setMenu(menu)

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        for key, words, tip in _CHOICES:
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked(key == self.choice)
            action.setToolTip(tip)
            action.setObjectName(f"seed_{key}")
            action.triggered.connect(partial(self._chosen, key))

    # ------------------------------------------------------------ what it shows

    @property
    def seed(self) -> int:
        """The first lane's seed, -1 for a random one."""
        return self._seeds[0]

    @property
    def text(self) -> str:
        """What stands in the field: a number, "random" or "per lane"."""
        return self._input.text() or self._input.placeholderText()

    def set_short(self, short: bool) -> None:
        """Leave the word out; dice and number say it."""
        self._word.setVisible(not short)

    def set_seed(self, seed: int) -> None:
        """Show one seed for all lanes without emitting."""
        self.show_seeds([seed], own=False)

    def show_seeds(self, seeds: Sequence[int], *, own: bool) -> None:
        """Show the lanes' seeds without emitting; `own`: each lane is to have its own."""
        shown = tuple(seeds) or (RANDOM_SEED,)
        if (shown, own) != (self._seeds, self._own) and not self._input.isModified():
            self._seeds, self._own = shown, own
            self._say()

    @property
    def choice(self) -> str:
        """Which of the menu's entries holds: same, lane or random."""
        if self._own or len(set(self._seeds)) > 1:
            return "lane"
        return "same" if 0 <= self.seed <= MAX_SEED else "random"

    def _say(self) -> None:
        choice = self.choice
        self._input.setPlaceholderText("per lane" if choice == "lane" else "random")
        self._input.setText(str(self.seed) if choice == "same" else "")
        tip = next(tip for name, _, tip in _CHOICES if name == choice)
        self._input.setToolTip(f"{tip} Empty: a new one with each run.")
        self._input.setAccessibleName("Seed, empty for a random one")
        self._input.setAccessibleDescription(tip)
        set_state(self, "wrong", False)
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(super().sizeHint().width(), theme().px(32))

    def _fit(self) -> None:
        self.setFixedHeight(theme().px(32))
        width = self._input.fontMetrics().horizontalAdvance(self.text) + theme().px(8)
        self._input.setFixedWidth(max(theme().px(40), width))
        self._choice.setFixedWidth(theme().px(24))

    # ------------------------------------------------------------ what the user does

    def _draw(self) -> None:
        if self.choice == "lane":
            self.own_chosen.emit()
        else:
            self._choose(draw_seed() % (MAX_SEED + 1))

    def _chosen(self, key: str, *_: object) -> None:
        if key == "lane":
            self.own_chosen.emit()
        elif key == "random":
            self._choose(RANDOM_SEED)
        else:
            known = 0 <= self.seed <= MAX_SEED
            self._choose(self.seed if known else draw_seed() % (MAX_SEED + 1))

    def _typed(self) -> None:
        if not self._input.isModified():
            return
        self._input.setModified(False)
        text = self._input.text().strip()
        if not text or text == "-1":
            self._choose(RANDOM_SEED)
        elif text.isascii() and text.isdigit() and int(text) <= MAX_SEED:
            self._choose(int(text))
        else:
            set_state(self, "wrong", True)
            self._input.setToolTip(f"Allowed are 0 to {MAX_SEED:,}, or nothing.")

    def _choose(self, seed: int) -> None:
        changed = self._own or set(self._seeds) != {seed}
        self._seeds, self._own = (seed,), False
        self._say()
        if changed:
            self.seed_chosen.emit(seed)
