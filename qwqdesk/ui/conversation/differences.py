"""What differs between the lanes of one conversation: it feeds the strip, the marks, the diff and
the scrolling, and takes the user to differences. It watches `Comparison` and never changes a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from weakref import WeakSet

import shiboken6
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from qwqdesk.analysis.token_places import Part
from qwqdesk.ui.background import background
from qwqdesk.ui.base import announce
from qwqdesk.ui.conversation.compared import Compared, Stop, compare
from qwqdesk.ui.conversation.comparison import Comparison
from qwqdesk.ui.conversation.difference_steps import DifferenceSteps
from qwqdesk.ui.conversation.difference_strip import DifferenceStrip
from qwqdesk.ui.conversation.divergence_marks import DivergenceMarks, clear_marks
from qwqdesk.ui.conversation.found_differences import (
    FoundDifferences,
    same_history,
    strip_text,
)
from qwqdesk.ui.conversation.lanes_view import LanesView
from qwqdesk.ui.conversation.reasoning_section import ReasoningSection
from qwqdesk.ui.conversation.reply_places import ReplyPlaces, shown_texts
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.scroll_link import ScrollLink
from qwqdesk.ui.conversation.shown_text import ShownText
from qwqdesk.ui.conversation.word_diff_view import WordDiffView
from qwqdesk.ui.desk import Desk

_DRAWN_MS = 60  # how often it is asked whether all text is drawn


class Differences(QObject):
    """The differences of the shown lanes. The first lane is what the others are compared with."""

    def __init__(
        self,
        desk: Desk,
        columns: LanesView,
        comparison: Comparison,
        strip: DifferenceStrip,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._desk, self._columns, self._comparison = desk, columns, comparison
        self.strip = strip
        self._found = FoundDifferences()
        self._round = 0  # grows when other texts are shown; results of earlier rounds are dropped
        self._comparing = self._whole = False
        self._opened = False  # just shown, and not yet at its first difference
        self._chosen = ""  # the lane that had the focus last, while these texts are shown
        self._marks: DivergenceMarks | None = None
        self._placed: Mapping[str, Stop] = {}  # the places that the marks were made for
        self._pills: WeakSet[ReasoningSection] = WeakSet()
        self.link = ScrollLink(self)
        self.steps = DifferenceSteps(columns, self.link, strip)
        self.words = WordDiffView(self)
        self.words.found.connect(self._tell_diff)
        self.words.failed.connect(self._tell_no_diff)
        self.words.cleared.connect(lambda: self.strip.show_diff_note(""))
        self._drawn = QTimer(self)
        self._drawn.setInterval(_DRAWN_MS)
        self._drawn.timeout.connect(self._compare_when_drawn)
        self._connect()

    def _connect(self) -> None:
        self._comparison.replaced.connect(self._replaced)
        self._comparison.grew.connect(self._grew)
        self._comparison.ended.connect(self._ended)
        self._columns.compared.connect(self._show_setups)
        self.strip.jump_wanted.connect(self.to_first)
        self.strip.diff_chosen.connect(self._show_diff)
        self.strip.link_toggled.connect(self._set_linked)
        self._desk.settings_changed.connect(self._settings_changed)
        QApplication.instance().focusChanged.connect(self._focus_moved)  # type: ignore[union-attr]
        self._settings_changed()

    @property
    def marked(self) -> bool:
        """Whether the shown replies are compared whole, and every mark has its place."""
        return self._whole and self._marks is not None and self._marks.complete

    # ------------------------------------------------------------ what is shown

    def _replies(self) -> dict[str, ReplyView]:
        """The newest replies on the screen, by lane, for lanes that have written."""
        labels = self._found.labels
        shown = {lane.label: lane.output.reply for lane in self._columns.lanes}
        return {
            label: view for label, view in shown.items() if view is not None and label in labels
        }

    def _show_setups(self) -> None:
        """What differs in the settings, also before a run."""
        lanes = self._columns.lanes
        self.strip.setVisible(len(lanes) > 1)
        if len(lanes) > 1:
            setups = [(lane.model.chain, lane.setup) for lane in lanes]
            replies = self._comparison.replies()
            continued = any(len(lane.output.transcript.replies) > 1 for lane in lanes)
            seeds = [reply.sampling.get("seed") for reply in replies]
            said = strip_text(
                setups,
                same_history=same_history(replies, continued=continued),
                goes_apart=self._found.goes_apart and not self._comparison.running,
                seeds=[seed for seed in seeds if isinstance(seed, int)],
            )
            self.strip.show_sentences(*said)

    def _replaced(self) -> None:
        """Other texts are shown, or will be."""
        self._round += 1
        self._drawn.stop()
        self._whole = False
        self._opened, self._chosen = not self._comparison.running, ""
        self._marks = None
        self.steps.set_places(None, None)
        self._found = FoundDifferences()
        replies = [r for lane in self._columns.lanes for r in lane.output.transcript.replies]
        for reply in replies:
            clear_marks(reply)
            reply.reasoning.pill.show_stop(None)
        self.words.clear(replies)
        self.link.set_texts(None, {})
        self.link.watch({lane.label: lane.output.transcript for lane in self._columns.lanes})
        self._show_found()
        self._show_setups()
        if not self._comparison.running and self._found.lanes > 1:
            self._drawn.start()

    def _grew(self) -> None:
        self._show_found()
        stops = self._found.stops
        done = self._marks is not None and self._marks.complete and self._placed == stops
        if stops and not done and not self._comparing:
            self._placed = stops
            self._compare(whole=False)

    def _ended(self) -> None:
        self._show_found()
        self._show_setups()
        self._drawn.start()

    def _show_found(self) -> None:
        """The first differences as they are known now."""
        replies = self._comparison.replies()
        self._found.update(replies)
        self.strip.show_tools(shown=len(replies) > 1)
        full, short, note = self._found.words()
        self.strip.show_result(full, short, note)
        stops = self._found.stops
        for label, reply in self._replies().items():
            self._watch_pill(reply.reasoning)
            first = label == self._found.first
            alone = next(iter(stops.values()), None) if first and self._found.lanes == 2 else None
            reply.reasoning.pill.show_stop(stops.get(label, alone))

    def _watch_pill(self, section: ReasoningSection) -> None:
        if section not in self._pills:
            self._pills.add(section)
            section.difference_wanted.connect(self._pill_chosen)

    # ------------------------------------------------------------ comparing

    def _compare_when_drawn(self) -> None:
        if not any(view.busy for view in self._replies().values()) and not self._comparing:
            self._drawn.stop()
            if self._found.lanes > 1:
                self._compare(whole=True)

    def _compare(self, *, whole: bool) -> None:
        """Find where tokens stand, on a thread, and mark what differs."""
        views = self._replies()
        replies = [reply for reply in self._comparison.replies() if reply.label in views]
        shown = {label: shown_texts(view) for label, view in views.items()}
        texts = {label: (s["reasoning"].text, s["answer"].text) for label, s in shown.items()}
        work = partial(compare, replies, texts, whole=whole)
        self._comparing = True
        done = partial(self._show_compared, self._round, views, shown, whole)
        background().start(self, work, done, partial(self._not_compared, self._round, whole))

    def _not_compared(self, asked_in: int, whole: bool, _error: Exception) -> None:
        """Without marks, but not for ever "comparing": the next text is compared again."""
        self._comparing = False
        if asked_in == self._round and whole:
            self.strip.show_diff_note("These replies could not be compared.")

    def _show_compared(
        self,
        asked_in: int,
        views: Mapping[str, ReplyView],
        shown: Mapping[str, Mapping[Part, ShownText]],
        whole: bool,
        compared: Compared,
    ) -> None:
        self._comparing = False
        if asked_in != self._round:
            return
        places = {
            lane.label: ReplyPlaces(
                views[lane.label],
                lane.output.transcript.content,
                compared.places[lane.label],
                shown[lane.label],
            )
            for lane in self._columns.lanes
            if lane.label in views
        }
        self._marks = DivergenceMarks(compared, places)
        self.steps.set_places(compared, self._marks)
        self._marks.show(self._question())
        self._whole = whole
        if whole:
            self._marks.fold_around_marks()
            self.link.set_texts(compared, places)
            self._show_diff(self.strip.diff)
            if self._opened:
                self._opened = False
                self.steps.begin_at_first(self._found.stops, self._question())

    def _question(self) -> str:
        """The lane that the first one is marked against: the one that got the focus since these
        texts are shown, else the earliest to part.
        """
        stops = self._found.stops
        if self._chosen in stops:
            return self._chosen
        return min(stops, key=lambda label: stops[label].first, default=self._found.second)

    def _focus_moved(self, _old: object, now: object) -> None:
        """With more than two lanes, the first shows what it does not share with the focused one."""
        if self._found.lanes < 3 or not isinstance(now, QWidget):
            return
        if not shiboken6.isValid(self._columns):  # the window is being taken down
            return
        for lane in self._columns.lanes:
            if lane.isAncestorOf(now):
                self._chosen = lane.label
        if self._marks is not None and self._columns.isAncestorOf(now):
            self._marks.show(self._question())
            self.words.show_first(self._question())

    # ------------------------------------------------------------ going there

    def to_first(self) -> None:
        """Scroll every lane to its first difference."""
        self.steps.to_first(self._found.stops, self._question())

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) difference or code error."""
        self.steps.step(self._question(), by)

    def _pill_chosen(self) -> None:
        section = self.sender()
        chosen = [label for label, reply in self._replies().items() if reply.reasoning is section]
        for label in chosen:
            self.steps.to_first_of(label if label != self._found.first else self._question())

    # ------------------------------------------------------------ diff and scrolling

    def toggle_diff(self) -> None:
        """The word diff on, or any diff off."""
        choice = "words" if self.strip.diff == "none" else "none"
        self.strip.set_diff(choice)
        self._show_diff(choice)

    def _show_diff(self, choice: str) -> None:
        replies = self._replies()
        if choice == "none" or len(replies) < 2 or self._comparison.running:
            self.words.clear(list(replies.values()))
        else:
            self.words.show(replies, self._found.first, self._question(), choice)

    def _tell_diff(self, stretches: int | None) -> None:
        """Say how much differs; show it where nothing is tinted. None: there is no code."""
        words = _diff_words(stretches)
        self.strip.show_diff_note("" if stretches else words)
        announce(self.strip, words)

    def _tell_no_diff(self) -> None:
        words = "There is no diff: these replies could not be compared."
        self.strip.show_diff_note(words)
        announce(self.strip, words)

    def toggle_link(self) -> None:
        """Scroll together, or apart."""
        self._set_linked(not self.link.on)

    def _set_linked(self, linked: bool) -> None:
        self._desk.change(scroll_together=linked)
        self._settings_changed()
        if linked and self._columns.lanes:
            self.link.follow(self._columns.lanes[0].label)

    def _settings_changed(self, *_: object) -> None:
        self.link.on = self._desk.settings.scroll_together
        self.strip.set_linked(self.link.on)


def _diff_words(stretches: int | None) -> str:
    if stretches is None:
        return "There is no code to compare."
    return f"{stretches:,} {'stretch differs' if stretches == 1 else 'stretches differ'}."
