"""Moving through the window by keyboard: regions, lanes, replies, and what Esc does."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QWidget

from qwqdesk.ui.conversation.page import ConversationPage
from qwqdesk.ui.pages import HasRegions
from qwqdesk.ui.sidebar import Sidebar

_REASON = Qt.FocusReason.ShortcutFocusReason


class Moves(QObject):
    """Where the focus goes. The last focused part is remembered for each lane."""

    def __init__(
        self,
        sidebar: Sidebar,
        stack: QStackedWidget,
        page: ConversationPage,
        show_page: Callable[[str], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._window = parent
        self._sidebar, self._stack, self._page = sidebar, stack, page
        self._show_page = show_page

    def regions(self) -> list[QWidget]:
        """Sidebar, toolbar, message, lanes, composer: as they are shown."""
        page = self._page
        if not page.isVisible():
            return [self._sidebar, *self._regions_of(self._stack.currentWidget())]
        parts: list[QWidget] = [self._sidebar, page.toolbar, page.fairness.panel, page.view.prompt]
        parts += [page.view.strip] if page.view.strip.has_tools else []
        parts += [*page.view.lanes, page.numbers.panel, page.composer]
        return [part for part in parts if part.isVisible()]

    def _regions_of(self, page: QWidget | None) -> list[QWidget]:
        if page is None:
            return []
        parts = page.regions() if isinstance(page, HasRegions) else [page]
        return [part for part in parts if part.isVisible()]

    def step_region(self, step: int) -> None:
        """Go to the next or the previous region."""
        regions = self.regions()
        focused = self._window.focusWidget()
        within = (i for i, r in enumerate(regions) if focused and r.isAncestorOf(focused))
        present = next(within, len(regions) - 1)
        for distance in range(1, len(regions) + 1):
            if focus_first(regions[(present + step * distance) % len(regions)]):
                return

    def focus_lane(self, number: int) -> None:
        """Go to lane A, B, C or D."""
        lanes = self._page.view.lanes
        if number >= len(lanes):
            return
        self._show_page("conversation")
        last = lanes[number].focusWidget()
        if last is not None and last.isVisibleTo(lanes[number]):
            last.setFocus(_REASON)
        else:
            focus_first(lanes[number])

    def step_sibling(self, step: int) -> None:
        """Show the earlier or later reply in the chosen lane."""
        self._page.acts.on_lane(
            "Another reply of which lane?", lambda lane: lane.step_sibling(step)
        )

    def escape(self) -> None:
        """Leave a field or the panel of fairness; from the composer or a lane, stop the run."""
        page = self._page
        focused = self._window.focusWidget()
        if isinstance(focused, QLineEdit) and not page.composer.isAncestorOf(focused):
            shown = self._stack.currentWidget()
            (page.composer.input if page.isVisible() or not shown else shown).setFocus(_REASON)
        elif not page.isVisible():
            self._show_page("conversation")
        elif focused is not None and page.fairness.panel.isAncestorOf(focused):
            page.fairness.escape()
        elif page.runs.view is page.view:
            page.stop()
        else:
            page.composer.input.setFocus(_REASON)


def focus_first(region: QWidget) -> bool:
    """Put the focus on the first control of a region; False when it has none."""
    widget = region.nextInFocusChain()
    while widget is not None and widget is not region:
        wants = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if region.isAncestorOf(widget) and wants and widget.isEnabled() and widget.isVisible():
            widget.setFocus(_REASON)
            return True
        widget = widget.nextInFocusChain()
    return False
