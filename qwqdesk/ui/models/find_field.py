"""The search field of Find: words are searched while one types, names are opened."""

from __future__ import annotations

from itertools import takewhile

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.models.hub_names import parse_name
from qwqdesk.ui.base import SearchField

_TYPING_MS = 350
_PASTED = 3  # letters that come at once were not typed


class RepoField(SearchField):
    """`searched` carries words (empty: back to the start), `named` a HubName.

    An address or ``hf.co/...`` is opened as soon as it is there; a plain ``owner/name`` when it was
    pasted or with Enter, because it may also be the beginning of a longer name.
    """

    searched = Signal(str)
    named = Signal(object)
    left_down = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Search Hugging Face", name="repoSearch", parent=parent)
        self.setAccessibleDescription(
            "Words, a repository's name, or the address of a model's page"
        )
        self.setMaxLength(500)
        self.endpoint = ""
        self._before = ""
        self._asked = ""
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_TYPING_MS)
        self._later.timeout.connect(self._typed)
        self.textChanged.connect(self._text_changed)
        self.returnPressed.connect(self._entered)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Down:
            self.left_down.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    def _text_changed(self, text: str) -> None:
        pasted = _came_at_once(self._before, text) >= _PASTED
        self._before = text
        self._later.stop()
        if not text.strip():
            self._search("")
        elif pasted and self._open():
            return
        else:
            self._later.start()

    def _typed(self) -> None:
        if not (_is_address(self.text()) and self._open()):
            self._search(self.text())

    def _entered(self) -> None:
        self._later.stop()
        self._asked = ""
        if not self._open():
            self._search(self.text())

    def _open(self) -> bool:
        try:
            name = parse_name(self.text(), self.endpoint)
        except UserError:
            return False
        if name.repo != self._asked or name.wanted:
            self._asked = name.repo
            self.named.emit(name)
        return True

    def _search(self, text: str) -> None:
        if text.strip() != self._asked or not text.strip():
            self._asked = text.strip()
            self.searched.emit(self._asked)


def _came_at_once(before: str, text: str) -> int:
    """How many letters one change brought."""
    same = _same_letters(before, text)
    room = min(len(before), len(text)) - same
    return len(text) - same - min(_same_letters(before[::-1], text[::-1]), room)


def _same_letters(one: str, other: str) -> int:
    """How many letters two texts have in common at their beginning."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def _is_address(text: str) -> bool:
    low = text.strip().lower()
    return "://" in low or low.startswith(("hf.co/", "huggingface.co/", "www.huggingface.co/"))
