"""How many tokens the message in the composer has, counted by the model while one writes."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QObject, QTimer, Signal

from qwqdesk.errors import UserError
from qwqdesk.pipe import first
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.tasks import Tasks

_PAUSE_MS = 300
_MOST_COUNTED = 200_000  # characters; a longer text is estimated
_CHARACTERS_PER_TOKEN = 4


class ContextEstimate(QObject):
    """`counted` carries the number a moment after the text has changed last."""

    counted = Signal(int)

    def __init__(self, desk: Desk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._tasks = desk, tasks
        self._text = ""
        self._task: asyncio.Task[object] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._count)

    def set_text(self, text: str) -> None:
        """The message is this now."""
        self._text = text
        self._timer.start()

    def _count(self) -> None:
        session = self._desk.session
        if not self._text.strip() or self._desk.model is None:
            self.counted.emit(0)
        elif len(self._text) > _MOST_COUNTED or not self._desk.holds_model:
            self.counted.emit(len(self._text) // _CHARACTERS_PER_TOKEN)
        elif not session.running:
            if self._task is not None:
                self._task.cancel()
            self._task = self._tasks.start(self._ask(self._text), "count tokens")

    async def _ask(self, text: str) -> None:
        try:
            tokens = await first(self._desk.session.engine.tokenize(text))
        except UserError:  # the model is being changed; it counts again with the next letter
            return
        self.counted.emit(len(tokens))
