"""The chips of a lane's head: lane A's steps in order, or what another lane does differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_words import acting_steps
from qwqdesk.sampling.differences import Difference, differences
from qwqdesk.sampling.effective import effective_chain
from qwqdesk.sampling.resolve import Resolved
from qwqdesk.sampling.samplers import sampler_named
from qwqdesk.sampling.step_rules import is_neutral
from qwqdesk.setup_differences import SetupDifference
from qwqdesk.ui.base import Chip, more_width, plain_tip, retire
from qwqdesk.ui.conversation.chain_text import chip_value
from qwqdesk.ui.theme import theme

_GAP, _ARROW = 4, 13


@dataclass(frozen=True)
class ChipText:
    """What a chip says, and the step that a click on it leads to; `brief` is the value alone."""

    name: str
    value: str
    tip: str
    step: str
    brief: str = ""


@dataclass(frozen=True)
class ChipLineText:
    """A whole line: the chips, what follows them, and whether arrows stand between them.

    The first `parts` chips are no steps: no arrow follows them. `against` is the letter of the lane
    from which chips differ.
    """

    chips: tuple[ChipText, ...]
    tail: str
    differing: bool
    parts: int = 0
    against: str = ""


def steps_line(resolved: Resolved, parts: Sequence[SetupDifference] = ()) -> ChipLineText:
    """The first lane: what it has beside its chain, the steps that act, and how many do not."""
    effective = effective_chain(resolved.chain, resolved.sources)
    ran = [step for step in effective.steps if step.state in ("active", "neutral")]
    chips = tuple(
        _step_chip(step.sampler, step.why, resolved.chain) for step in ran if step.state == "active"
    )
    quiet = sum(step.state == "neutral" for step in ran)
    quiet += sum(step.state == "absent" for step in effective.steps)
    own = tuple(ChipText("", part.text, f"Set: {part.text}", part.part) for part in parts)
    tail = f"{quiet} without effect" if quiet else ""
    return ChipLineText((*own, *chips), tail, differing=False, parts=len(own))


def differences_line(
    reference: SamplerChain,
    chain: SamplerChain,
    parts: Sequence[SetupDifference] = (),
    *,
    same_model: bool = True,
    first: str = "A",
) -> ChipLineText:
    """The other lanes: what differs from the first one beside the model, most important first.

    `first` is its letter: A, unless that lane was removed.
    """
    found = differences(reference, chain)
    own = tuple(_part_chip(part, first) for part in parts)
    chips = (*own, *(_difference_chip(each, reference, chain, first) for each in found))
    tail = f"rest as {first}" if chips or not same_model else f"same as {first}"
    return ChipLineText(chips, tail, differing=True, against=first)


def _part_chip(found: SetupDifference, first: str) -> ChipText:
    tip = found.line(f"in {first}", "Here")
    value = found.text if found.usual else f"{found.text} ({first}: {found.a})"
    return ChipText("", value, tip, found.part, found.text)


def _step_chip(name: str, why: str, chain: SamplerChain) -> ChipText:
    sampler = "temperature" if name == "temp" else name
    return ChipText(sampler, chip_value(sampler, chain), why, sampler)


def _difference_chip(
    found: Difference, reference: SamplerChain, chain: SamplerChain, first: str
) -> ChipText:
    if found.kind == "order":
        return ChipText("", "order", f"Order here: {found.b}\nOrder in {first}: {found.a}", "")
    if found.kind == "missing":
        return ChipText(
            found.step, "not in chain", f"{found.step} is in the chain of {first}", found.step
        )
    if found.kind == "added":
        value = f"{_place(found.step, chain)}, {chip_value(found.step, chain)}"
        return ChipText(
            found.step, value, f"{found.step} is not in the chain of {first}", found.step
        )
    params = sampler_named(found.step).params if found.step else ()
    name = found.step if params and params[0].name == found.name else found.name
    tip = f"{found.name}: {found.b} here, {found.a} in {first}"
    here, there = found.b, found.a
    if name == found.step:  # a whole step is off on one side
        here = "off" if _is_off(found.step, chain) else here
        if _is_off(found.step, reference) and found.step in acting_steps(
            chain
        ):  # where it stands is news here, too
            here, there = f"{_place_acting(found.step, chain)}, {here}", "off"
    return ChipText(name, f"{here} ({first}: {there})", tip, found.step or found.name, here)


def _is_off(step: str, chain: SamplerChain) -> bool:
    return step in chain.samplers and is_neutral(step, chain)


def _place_acting(step: str, chain: SamplerChain) -> str:
    acting = acting_steps(chain)
    at = acting.index(step)
    return f"after {acting[at - 1]}" if at else "first"


def _place(step: str, chain: SamplerChain) -> str:
    index = chain.samplers.index(step)
    if index == 0:
        return "first"
    return "last" if index == len(chain.samplers) - 1 else "added"


class ChipLine(QWidget):
    """Chips in one line; those that do not fit become "3 more". Painted anew only on change."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("laneChips")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._text = ChipLineText((), "", differing=False)
        self._chips: list[Chip] = []
        self._tail: Chip | None = None
        self._brief = False
        self._arrows: list[int] = []

    def show_line(self, text: ChipLineText) -> None:
        """Show these chips; the same ones stay as they are."""
        if text != self._text:
            self._text = text
            self._make_chips()

    def _make_chips(self) -> None:
        for chip in self._chips:
            retire(chip)
        self._chips = []
        for words in self._text.chips:
            value = words.brief or words.value if self._brief else words.value
            chip = Chip("diff" if self._text.differing else "step", words.name, value, self)
            chip.setToolTip(plain_tip(words.tip))
            chip.setAccessibleDescription(words.tip)
            chip.setObjectName(f"chip_{words.step or 'order'}")
            chip.clicked.connect(self._choose(words.step))
            self._chips.append(chip)
        self.setAccessibleName(self._in_words())
        self._arrange()

    def set_brief(self, brief: bool) -> None:
        """One difference at most, without lane A's value: for narrow lanes."""
        if brief != self._brief:
            self._brief = brief
            self._make_chips()

    def tab_stops(self) -> list[QWidget]:
        """The chips that are shown, in their order."""
        return [chip for chip in self._chips if chip.isVisibleTo(self)]

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(200), theme().px(24))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(60), theme().px(24))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._arrange()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setFont(theme().font("caption"))
        painter.setPen(theme().color("text3"))
        for left in self._arrows:
            box = QRect(left, 0, theme().px(_ARROW), self.height())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), "›")
        painter.end()

    # ------------------------------------------------------------ inside

    def _choose(self, step: str) -> Callable[[], None]:
        return lambda: self.chosen.emit(step)

    def _in_words(self) -> str:
        chips = ", ".join(f"{chip.name} {chip.value}".strip() for chip in self._text.chips)
        differs = self._text.differing and chips
        return f"Differs from lane {self._text.against}: {chips}" if differs else chips

    def _between(self) -> int:
        return theme().px(_GAP if self._text.differing else _ARROW)

    def _arrange(self) -> None:
        widths = [chip.sizeHint().width() for chip in self._chips]
        count, tail = self._fitting(widths)
        left, self._arrows = 0, []
        for number, (chip, width) in enumerate(zip(self._chips, widths, strict=True)):
            chip.setVisible(number < count)
            if number >= count:
                continue
            chip.setGeometry(left, (self.height() - chip.sizeHint().height()) // 2, width,
                             chip.sizeHint().height())  # fmt: skip
            left += width
            steps = not self._text.differing and number >= self._text.parts
            if steps and (number < count - 1 or tail):
                self._arrows.append(left)
            left += self._between()
        self._show_tail(tail, left)
        self.update()

    def _fitting(self, widths: Sequence[int]) -> tuple[int, str]:
        """How many chips are shown, and the words after them."""
        most = min(1, len(widths)) if self._brief and self._text.differing else len(widths)
        for count in range(most, -1, -1):
            tail = self._text.tail if count == len(widths) else f"{len(widths) - count} more"
            if count < len(widths) and not count:
                tail = f"{len(widths)} {'differences' if self._text.differing else 'steps'}"
            used = sum(widths[:count]) + count * self._between() + self._tail_width(tail)
            if used <= self.width() or not count:
                return count, tail
            if count == len(widths) and used - self._tail_width(tail) <= self.width():
                return count, ""  # the chips say more than the words after them
        return 0, self._text.tail

    def _tail_width(self, tail: str) -> int:
        return more_width(tail) if tail else 0

    def _show_tail(self, tail: str, left: int) -> None:
        if self._tail is not None and self._tail.text() != tail:
            retire(self._tail)
            self._tail = None
        if not tail:
            return
        if self._tail is None:
            self._tail = Chip("more", tail, parent=self)
            self._tail.setObjectName("moreChips")
            self._tail.clicked.connect(self._choose(""))
        size = self._tail.sizeHint()
        self._tail.setToolTip(self._in_words() if tail.endswith("more") else "")
        self._tail.setGeometry(
            left, (self.height() - size.height()) // 2, size.width(), size.height()
        )
        self._tail.show()
