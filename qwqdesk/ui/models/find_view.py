"""The Find tab: search at the left, one repository and its quantizations at the right."""

from __future__ import annotations

import asyncio

from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from qwqdesk.errors import UserError
from qwqdesk.models.hub import FoundRepo
from qwqdesk.models.hub_errors import offline
from qwqdesk.models.hub_files import Repository
from qwqdesk.ui.models.find_pane import RepositoryPane
from qwqdesk.ui.models.find_results import RepoResults
from qwqdesk.ui.models.machine import Machine
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.tab_order import order_parts
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

# The left side's width, and below which width of the tab it is so narrow.
_LEFT, _LEFT_NARROW, _LEFT_LEAST = 320, 280, 220
_NARROW_BELOW, _LEAST_BELOW = 1120, 800


class FindView(QWidget):
    """The tab; it asks nothing of any hub before the user does something."""

    def __init__(self, shell: Shell, machine: Machine, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("findView")
        self.setAccessibleName("Find models")
        self._desk = shell.desk
        self._tasks = Tasks(self, shell.desk.report)
        self.results = RepoResults(shell, self)
        self.pane = RepositoryPane(shell, machine, self)
        self.results.chosen.connect(self.pane.open)
        self.pane.opened.connect(self._opened)
        self.pane.not_found.connect(self._not_found)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.results)
        row.addWidget(self.pane, 1)
        self._order_tabs()

    def _order_tabs(self) -> None:
        results, head = self.results, self.pane.head
        order_parts([results.field, results.sort, results.list, head, self.pane.table])

    def _opened(self, found: Repository) -> None:
        facts = found.facts
        about = FoundRepo(
            found.repo, facts.downloads, facts.likes, found.gated, facts.updated or None
        )
        self.results.show_opened(about)

    def _not_found(self, repo: str) -> None:
        """What looked like a name may be words to search for."""
        if self.results.field.text().strip() == repo:
            self.results.search.search(repo)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._tasks.start(self._look_at_hub(), "hub")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        px = theme().px
        left = _LEFT if self.width() >= px(_NARROW_BELOW) else _LEFT_NARROW
        self.results.setFixedWidth(px(_LEFT_LEAST if self.width() < px(_LEAST_BELOW) else left))

    async def _look_at_hub(self) -> None:
        """Which hub it is, and whether it may be asked; asks it nothing."""
        try:
            address = (await asyncio.to_thread(lambda: self._desk.downloads.hub)).address
        except UserError as error:
            self.pane.say(error)
            return
        self.results.field.endpoint = address.endpoint
        if address.offline:
            self.results.tell_offline(offline())
            self.pane.show_offline()
