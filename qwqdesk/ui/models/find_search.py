"""Searching the hub for the Find tab: what was asked, what came, and the next pages. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QObject, Signal

from qwqdesk.errors import UserError
from qwqdesk.models.hub import FoundRepo, SearchPage, Sort
from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.models.asking import ask
from qwqdesk.ui.tasks import Tasks

Stage = Literal["start", "searching", "found", "failed"]
MOST_REPOS = 5000


@dataclass(frozen=True)
class SearchState:
    """What the list shows. `following` is where the next page is; `error` is why it did not come.

    While a new search is under way the rows of the last one stay.
    """

    stage: Stage = "start"
    query: str = ""
    sort: Sort = "downloads"
    repos: tuple[FoundRepo, ...] = ()
    following: str | None = None
    paging: bool = False
    error: UserError | None = None


class RepoSearch(QObject):
    """One search at a time; a newer one ends the one before. `changed` carries a SearchState."""

    changed = Signal(object)

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tasks = Tasks(self, desk.report)
        self.state = SearchState()

    def search(self, query: str) -> None:
        """Ask for repositories; without words, go back to the start."""
        self._tasks.cancel()
        query = query.strip()
        if not query:
            self._set(SearchState(sort=self.state.sort))
            return
        self._set(replace(self.state, stage="searching", query=query, error=None, paging=False))
        self._tasks.start(self._search(query, self.state.sort), "search")

    def set_sort(self, sort: Sort) -> None:
        """Another order: the same words are asked for again."""
        if sort != self.state.sort:
            self.state = replace(self.state, sort=sort)
            self.search(self.state.query)

    def again(self) -> None:
        """Once more what failed."""
        if self.state.stage == "failed":
            self.search(self.state.query)
        elif self.state.error is not None:
            self._set(replace(self.state, error=None))
            self.more()

    def show_one(self, repo: FoundRepo) -> None:
        """A repository that was opened by its name stands alone in the list."""
        self._tasks.cancel()
        self._set(SearchState("found", repo.repo, self.state.sort, (repo,)))

    def more(self) -> None:
        """Ask for the next page, once."""
        state = self.state
        ready = state.stage == "found" and not state.paging and state.error is None
        if ready and state.following and len(state.repos) < MOST_REPOS:
            self._set(replace(state, paging=True))
            self._tasks.start(self._more(state.following), "next page")

    async def _search(self, query: str, sort: Sort) -> None:
        try:
            page = await ask(lambda stop: self._page(query, sort, None, stop))
        except UserError as error:
            self._set(SearchState("failed", query, sort, error=error))
            return
        self._set(SearchState("found", query, sort, page.repos, page.following))

    async def _more(self, following: str) -> None:
        state = self.state
        try:
            page = await ask(lambda stop: self._page(state.query, state.sort, following, stop))
        except UserError as error:
            self._set(replace(self.state, paging=False, error=error))
            return
        known = {repo.repo for repo in state.repos}
        new = tuple(repo for repo in page.repos if repo.repo not in known)
        after = page.following if new else None  # pages may lead in a circle
        self._set(replace(self.state, repos=state.repos + new, following=after, paging=False))

    def _page(self, query: str, sort: Sort, following: str | None, stop: StopSwitch) -> SearchPage:
        hub = self._desk.downloads.hub
        return hub.search(query, sort=sort, following=following, stop=stop)

    def _set(self, state: SearchState) -> None:
        self.state = state
        self.changed.emit(state)
