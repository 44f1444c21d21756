"""Owns the way to differences: to the first one, and from one place to the next."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from qwqdesk.ui.base import announce
from qwqdesk.ui.conversation.code_stops import CodeStop, code_stops
from qwqdesk.ui.conversation.compared import Compared, Stop
from qwqdesk.ui.conversation.divergence_marks import DivergenceMarks, go_to
from qwqdesk.ui.conversation.lanes_view import LanesView
from qwqdesk.ui.conversation.scroll_link import ScrollLink


class DifferenceSteps(QObject):
    """Scrolls the lanes of one conversation. `speaker` says to screen readers where one is."""

    def __init__(self, columns: LanesView, link: ScrollLink, speaker: QWidget) -> None:
        super().__init__(speaker)
        self._columns, self._link, self._speaker = columns, link, speaker
        self._compared: Compared | None = None
        self._marks: DivergenceMarks | None = None
        self._at: Stop | CodeStop | None = None

    @property
    def at_words(self) -> str:
        """Where one has gone to last."""
        return self._at.words if self._at is not None else ""

    def set_places(self, compared: Compared | None, marks: DivergenceMarks | None) -> None:
        """Where tokens are now; None while that is not known. One stays where one was."""
        self._compared, self._marks = compared, marks
        if compared is None:
            self._at = None

    def to_first(self, stops: Mapping[str, Stop], question: str) -> None:
        """Scroll every lane to its own first difference, the first lane to that of `question`."""
        if self._marks is None or question not in stops:
            return
        for label in self._marks.places:
            self._go(label, stops.get(label, stops[question]))
        self._at = next(iter(self._stops(question)), stops[question])
        announce(self._speaker, _first_words(stops[question]))

    def begin_at_first(self, stops: Mapping[str, Stop], question: str) -> None:
        """As `to_first`, for a comparison that was just opened: nobody asked, nothing unfolds."""
        if self._marks is not None and question in stops:
            for label in self._marks.places:
                self._go(label, stops.get(label, stops[question]), opening=False)

    def to_first_of(self, label: str) -> None:
        """Scroll one lane and the first one to where the two part."""
        stops = self._stops(label)
        if stops:
            self._show(label, stops[0], _first_words(stops[0]))

    def step(self, label: str, by: int) -> None:
        """Go to the next (1) or previous (-1) place at which a lane and the first one part or
        meet, or at which one of them has an error in its code.
        """
        pair = self._compared.pairs.get(label) if self._compared is not None else None
        if self._marks is None or pair is None:
            return
        places = self._marks.places
        first = next(iter(places))
        errors = code_stops(first, label, places, pair.link)
        stops: list[Stop | CodeStop] = sorted([*pair.stops, *errors], key=lambda each: each.other)
        if not stops:
            return
        at = stops.index(self._at) + by if self._at in stops else (0 if by > 0 else len(stops) - 1)
        number = max(0, min(at, len(stops) - 1))
        stop = stops[number]
        self._show(label, stop, f"{stop.words}, {number + 1} of {len(stops)}")

    def _stops(self, label: str) -> tuple[Stop, ...]:
        pair = self._compared.pairs.get(label) if self._compared is not None else None
        return pair.stops if pair is not None else ()

    def _show(self, label: str, stop: Stop | CodeStop, words: str) -> None:
        assert self._marks is not None
        self._at = stop
        if isinstance(stop, CodeStop):
            self._link.hold()
            stop.block.show_line(stop.line)
        else:
            self._marks.show(label, stop)
            for each in (next(iter(self._marks.places)), label):
                self._go(each, stop)
        announce(self._speaker, words)

    def _go(self, label: str, stop: Stop, *, opening: bool = True) -> None:
        lane = next((lane for lane in self._columns.lanes if lane.label == label), None)
        if lane is not None and self._marks is not None and label in self._marks.places:
            self._link.hold()
            token = self._marks.token(label, stop)
            places = self._marks.places[label]
            go_to(lane.output.transcript, places, token, opening=opening)


def _first_words(stop: Stop) -> str:
    return f"First difference, {'in the text' if stop.by_text else f'token {stop.other:,}'}"
