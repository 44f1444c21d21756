"""Owns scrolling the lanes together: equal tokens stay at the same height."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from weakref import WeakSet

from PySide6.QtCore import QObject, QTimer

from qwqdesk.ui.conversation.compared import Compared
from qwqdesk.ui.conversation.reply_places import ReplyPlaces
from qwqdesk.ui.conversation.transcript import Transcript

_HOLD_MS = 100


class ScrollLink(QObject):
    """Links the scroll bars of some lanes. The lane that is scrolled leads, the others follow."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on = False
        self.held = False  # while the program itself scrolls
        self._release = QTimer(self)
        self._release.setSingleShot(True)
        self._release.setInterval(_HOLD_MS)
        self._release.timeout.connect(self._let_go)
        self._compared: Compared | None = None
        self._places: Mapping[str, ReplyPlaces] = {}
        self._transcripts: dict[str, Transcript] = {}
        self._watched: WeakSet[Transcript] = WeakSet()

    def watch(self, transcripts: Mapping[str, Transcript]) -> None:
        """These lanes are shown; the first is what the others are compared with."""
        self._transcripts = dict(transcripts)
        for label, transcript in self._transcripts.items():
            if transcript not in self._watched:
                self._watched.add(transcript)
                bar = transcript.verticalScrollBar()
                bar.valueChanged.connect(partial(self._scrolled, label, transcript))

    def set_texts(self, compared: Compared | None, places: Mapping[str, ReplyPlaces]) -> None:
        """Where tokens stand; None while the lanes write."""
        self._compared, self._places = compared, places

    def hold(self) -> None:
        """The program goes somewhere in several lanes: for a moment nobody follows."""
        self.held = True
        self._release.start()

    def _let_go(self) -> None:
        self.held = False

    def _scrolled(self, label: str, transcript: Transcript, value: int) -> None:
        if self.on and not self.held and self._transcripts.get(label) is transcript:
            self.follow(label)

    def follow(self, leader: str) -> None:
        """Bring the other lanes to where this one is."""
        compared, leading = self._compared, self._places.get(leader)
        if compared is None or leading is None or self.held:
            return
        bar = self._transcripts[leader].verticalScrollBar()
        # The line that is kept level moves down with the text, so that both ends meet.
        share = bar.value() / bar.maximum() if bar.maximum() else 0.0
        level = share * self._transcripts[leader].viewport().height()
        token = leading.token_at(bar.value() + level)
        beside = bar.value() + level - leading.height(token)
        self.held = True
        try:
            for label, places in self._places.items():
                across = self._across(compared, leader, label, token)
                if label != leader and across is not None:
                    height = places.height(across) + beside
                    self._transcripts[label].verticalScrollBar().setValue(round(height - level))
        finally:
            self.held = False

    def _across(self, compared: Compared, leader: str, label: str, token: float) -> float | None:
        """The token of one lane that belongs to another's, by way of the first lane."""
        first = next(iter(self._places))
        for step, back in ((leader, True), (label, False)):
            if step == first:
                continue
            pair = compared.pairs.get(step)
            if pair is None or pair.link is None:
                return None
            token = pair.link.across(token, back=back)
        return token
