"""What can be done about differences, for whichever conversation is shown."""

from __future__ import annotations

from collections.abc import Callable

from qwqdesk.ui.conversation.view import ConversationView


class DifferenceActs:
    """The commands of the keyboard and the palette."""

    def __init__(self, shown: Callable[[], ConversationView]) -> None:
        self._shown = shown

    def first(self) -> None:
        """Go to the first difference."""
        self._shown().differences.to_first()

    def following(self) -> None:
        """Go to the next difference or code error."""
        self._step(1)

    def previous(self) -> None:
        """Go to the previous difference or code error."""
        self._step(-1)

    def _step(self, by: int) -> None:
        """A chat has no differences, but its code may have errors."""
        view = self._shown()
        if len(view.lanes) == 1:
            view.lanes[0].output.transcript.next_problem(by)
        else:
            view.differences.step(by)

    def toggle_diff(self) -> None:
        """The word diff on, or any diff off."""
        self._shown().differences.toggle_diff()

    def toggle_link(self) -> None:
        """Scroll the lanes together, or apart."""
        self._shown().differences.toggle_link()
