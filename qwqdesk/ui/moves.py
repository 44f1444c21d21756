"""Moving through the window by keyboard: regions, lanes, replies, and what Esc does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLineEdit, QWidget

if TYPE_CHECKING:
    from qwqdesk.ui.conversation.lane import Lane
    from qwqdesk.ui.window import Window

_REASON = Qt.FocusReason.ShortcutFocusReason


class Moves(QObject):
    """Where the focus goes. The last focused part is remembered for each lane."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window

    def regions(self) -> list[QWidget]:
        """Sidebar, toolbar, message, lanes, composer: as they are shown."""
        page = self._window.page
        if not page.isVisible():
            return [self._window.sidebar, self._window.stack.currentWidget()]
        parts: list[QWidget] = [self._window.sidebar, page.toolbar, page.view.prompt]
        parts += [*page.view.lanes, page.composer]
        return [part for part in parts if part.isVisible()]

    def step_region(self, step: int) -> None:
        """Go to the next or the previous region."""
        regions = self.regions()
        focused = self._window.focusWidget()
        present = next(
            (i for i, r in enumerate(regions) if focused is not None and r.isAncestorOf(focused)),
            len(regions) - 1,
        )
        for distance in range(1, len(regions) + 1):
            target = regions[(present + step * distance) % len(regions)]
            if _focus_first(target):
                return

    def focus_lane(self, number: int) -> None:
        """Go to lane A, B, C or D."""
        lanes = self._window.page.view.lanes
        if number < len(lanes):
            self._window.show_page("conversation")
            lane: Lane = lanes[number]
            last = lane.focusWidget()
            if last is not None and last.isVisibleTo(lane):
                last.setFocus(_REASON)
            else:
                _focus_first(lane)

    def step_sibling(self, step: int) -> None:
        """Show the earlier or later reply in the focused lane."""
        self._window.page.current_lane().step_sibling(step)

    def escape(self) -> None:
        """Leave a field; from the composer or a lane, stop the run."""
        page = self._window.page
        focused = self._window.focusWidget()
        if isinstance(focused, QLineEdit) and not page.composer.isAncestorOf(focused):
            page.composer.input.setFocus(_REASON)
        elif page.runs.view is page.view:
            page.stop()
        elif page.isVisible():
            page.composer.input.setFocus(_REASON)
        else:
            self._window.show_page("conversation")


def _focus_first(region: QWidget) -> bool:
    """Put the focus on the first control of a region; False when it has none."""
    widget = region.nextInFocusChain()
    while widget is not None and widget is not region:
        wants = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if region.isAncestorOf(widget) and wants and widget.isEnabled() and widget.isVisible():
            widget.setFocus(_REASON)
            return True
        widget = widget.nextInFocusChain()
    return False
