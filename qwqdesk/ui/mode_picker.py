"""Exact or fast, with the badge that says what the shown comparison is worth; and the seed."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QWidget

from qwqdesk.conversation import Mode
from qwqdesk.sampling.param import INT32_MAX
from qwqdesk.sampling.resolve import draw_seed
from qwqdesk.ui.base import Badge, IconButton, Segment, label
from qwqdesk.ui.theme import set_state, theme

MAX_SEED = 2 * INT32_MAX  # 4294967294; the next one means "random" in llama.cpp
RANDOM_SEED = -1


class ModePicker(Segment):
    """The choice; `mode_chosen` carries it."""

    mode_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            [("exact", "Exact"), ("fast", "Fast")],
            name="modePicker",
            accessible="Mode",
            parent=parent,
        )
        self.setToolTip(
            "Exact: a lane writes the same alone or among others.\n"
            "Fast: lanes share their batches; quicker, not reproducible."
        )
        self.chosen.connect(self.mode_chosen)

    @property
    def mode(self) -> Mode:
        """The mode that is chosen."""
        return cast("Mode", self.value())


class FairnessBadge(Badge):
    """What the mode means for a comparison. Hidden with one lane."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("neutral", "scale", "", name="fairnessBadge", parent=parent)
        self._lanes, self._mode, self._short = 1, "exact", False
        self.hide()

    def show_run(self, mode: Mode, lanes: int) -> None:
        """Say it for this mode and number of lanes."""
        self._lanes, self._mode = lanes, mode
        self.setVisible(lanes > 1)
        self._say()

    def set_short(self, short: bool) -> None:
        """Fewer words where there is little room."""
        if short != self._short:
            self._short = short
            self._say()

    def _say(self) -> None:
        if self._mode == "fast":
            whole = "Not reproducible: lanes share batches"
            self.set_badge("neutral", "zap", "Not reproducible" if self._short else whole, whole)
        else:
            whole = "Exact, not yet checked"
            tip = "Lanes are computed so that each writes as if it were alone."
            self.set_badge("neutral", "scale", "Not checked" if self._short else whole, tip)


class SeedField(QFrame):
    """The seed of all lanes: typed, drawn with the dice, or random with each run."""

    seed_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("seedField")
        self.setAccessibleName("Seed")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._seed = RANDOM_SEED
        self._dice = IconButton(
            "dices", "Draw a seed and keep it", name="seedDice", clicked=self._draw
        )
        self._input = QLineEdit()
        self._input.setObjectName("seedInput")
        self._input.setAccessibleName("Seed, empty for a random one")
        self._input.setPlaceholderText("random")
        self._input.setToolTip("The same seed for all lanes. Empty: a new one with each run.")
        self._input.setProperty("field", "plain")
        self._input.setMaxLength(12)
        self._input.editingFinished.connect(self._typed)
        self._input.textChanged.connect(self._fit)
        row = QHBoxLayout(self)
        row.setContentsMargins(px(2), 0, px(10), 0)
        row.setSpacing(px(4))
        self._word = label("Seed", "body", "text2")
        row.addWidget(self._dice)
        row.addWidget(self._word)
        row.addWidget(self._input)
        theme().changed.connect(self._fit)
        self._fit()

    def set_short(self, short: bool) -> None:
        """Leave the word out; dice and number say it."""
        self._word.setVisible(not short)

    @property
    def seed(self) -> int:
        """The seed, -1 for a random one."""
        return self._seed

    def set_seed(self, seed: int) -> None:
        """Show a seed without emitting."""
        self._seed = seed
        self._input.setText("" if seed < 0 or seed > MAX_SEED else str(seed))
        set_state(self, "wrong", False)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(super().sizeHint().width(), theme().px(32))

    def _fit(self) -> None:
        self.setFixedHeight(theme().px(32))
        shown = self._input.text() or self._input.placeholderText()
        width = self._input.fontMetrics().horizontalAdvance(shown) + theme().px(8)
        self._input.setFixedWidth(max(theme().px(40), width))

    def _draw(self) -> None:
        self._choose(draw_seed() % (MAX_SEED + 1))

    def _typed(self) -> None:
        text = self._input.text().strip()
        if not text or text == "-1":
            self._choose(RANDOM_SEED)
        elif text.isascii() and text.isdigit() and int(text) <= MAX_SEED:
            self._choose(int(text))
        else:
            set_state(self, "wrong", True)
            self._input.setToolTip(f"Allowed are 0 to {MAX_SEED:,}, or nothing.")

    def _choose(self, seed: int) -> None:
        changed = seed != self._seed
        self.set_seed(seed)
        if changed:
            self.seed_chosen.emit(seed)
