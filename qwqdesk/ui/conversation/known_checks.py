"""Which checks belong to a prompt: those of the experiment that asks the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from qwqdesk.analysis.checks import Check
from qwqdesk.experiment_files import load_experiments
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.ui.background import background
from qwqdesk.ui.desk import Desk

Checks = tuple[Check, ...]


class KnownChecks(QObject):
    """The experiments' checks by their prompts; read beside the window. `changed`: read again."""

    changed = Signal()

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._found: Mapping[str, Checks] = {}
        self._asked = False
        desk.recipes_changed.connect(self._read_again)

    def of(self, prompt: str) -> Checks:
        """The checks for this prompt; none until the files are read."""
        if prompt and not self._asked:
            self._read()
        return self._found.get(prompt.strip(), ())

    def _read_again(self) -> None:
        if self._asked:
            self._read()

    def _read(self) -> None:
        self._asked = True
        folder, recipes = self._desk.dirs.experiments, self._desk.recipes
        background().start(self, lambda: _checks(folder, recipes), self._take, self._not_read)

    def _not_read(self, _error: Exception) -> None:
        """The next question reads the files again."""
        self._asked = False

    def _take(self, found: Mapping[str, Checks]) -> None:
        if found != self._found:
            self._found = found
            self.changed.emit()


def _checks(folder: Path, recipes: Sequence[Recipe]) -> Mapping[str, Checks]:
    known = load_experiments(folder, recipes).experiments
    return {one.prompt.strip(): one.checks for one in reversed(known) if one.checks}
