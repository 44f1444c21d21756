"""What a lane shows below its head: the chain editor and the text, with a divider between them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from qwqdesk.ui.base import EmptyState, HairSplitter
from qwqdesk.ui.conversation.chain_editor import ChainEditor
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.lane_output import LaneOutput
from qwqdesk.ui.theme import theme

_DOCK_FROM = 980  # px of a single lane from which the chain stands at the right
# px: half of the lane within these, so that a row has room for its number, meaning and state.
_DOCK_LEAST, _DOCK_MOST = 480, 600
_EDITOR_SHARE = 0.45
_WORDS = (
    "Exact: a lane writes the same text alone or beside others. Fast: sooner, but not always the "
    "same text.\n"
    "The badge beside them: click it to run a lane twice and see whether both are the same.\n"
    "Keep: go on with the answer of one lane alone."
)


class LaneBody(HairSplitter):
    """The editor stands at the right of a single wide lane, above the text otherwise."""

    def __init__(self, model: ChainModel, output: LaneOutput) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._model = model
        self._output = output
        self._single = True
        self.editor: ChainEditor | None = None
        self._text = QStackedWidget()
        self._text.addWidget(output)
        self.addWidget(self._text)
        # Messages stand above the text, which an empty chat covers.
        output.bands.appeared.connect(self.show_text)

    @property
    def editor_open(self) -> bool:
        """Whether the chain editor is shown."""
        return self.editor is not None and not self.editor.isHidden()

    @property
    def problem(self) -> str:
        """A value of the editor that is not allowed, in a sentence."""
        return self.editor.problem if self.editor is not None else ""

    def show_editor(self, shown: bool) -> bool:
        """Open or close the editor, which is made when it is opened first; True if just made."""
        made = self.editor is None and shown
        if made:
            room = None if self._single else self.width()
            self.editor = ChainEditor(self._model, width=room)
            self.insertWidget(0, self.editor)
        if self.editor is not None:
            self.editor.setVisible(shown)
        self._arrange()
        if shown:
            self._size_editor()
        return made

    def match_editor(self, other: LaneBody) -> None:
        """Give the editor the height that it has in another lane."""
        if self.editor_open and other.editor_open and self.orientation() == other.orientation():
            editor = other.sizes()[0]
            self.setSizes([editor, max(1, self.height() - editor)])

    def set_single(self, single: bool) -> None:
        """Whether this is the only lane."""
        self._single = single
        if not single:
            self.show_text()
        self._arrange()

    def show_empty(self, compare: Callable[[], object], *, explain: bool = False) -> None:
        """The first sentence of an empty chat, and the comparison one click away.

        `explain`: say also what words on the page mean, for somebody who sees it first.
        """
        empty = EmptyState(
            "Ask something, or compare the same sampler values in two orders, on one sum.",
            "Compare now",
            compare,
            icon_name="columns-2",
            name="emptyState",
            more=_WORDS if explain else "",
        )
        self._text.addWidget(empty)
        self._text.setCurrentWidget(empty)

    def show_text(self) -> None:
        """The text in place of the empty state."""
        self._text.setCurrentWidget(self._output)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._arrange()

    def tab_stops(self) -> list[QWidget]:
        """For the order of Tab."""
        return [self.editor] if self.editor is not None else []

    def _arrange(self) -> None:
        across = self._single and self.width() >= theme().px(_DOCK_FROM)
        wanted = Qt.Orientation.Horizontal if across else Qt.Orientation.Vertical
        if self.editor is not None:
            place = 1 if across else 0
            if self.indexOf(self.editor) != place:
                self.insertWidget(place, self.editor)
        if self.orientation() != wanted:
            self.setOrientation(wanted)
            if self.editor_open:
                self._size_editor()

    def _size_editor(self) -> None:
        if self.orientation() == Qt.Orientation.Horizontal:
            px = theme().px
            dock = min(max(self.width() // 2, px(_DOCK_LEAST)), px(_DOCK_MOST))
            self.setStretchFactor(0, 1)
            self.setStretchFactor(1, 0)
            self.setSizes([self.width() - dock, dock])
        else:
            height = self.height() or 400
            editor = round(height * _EDITOR_SHARE)
            self.setStretchFactor(0, 0)
            self.setStretchFactor(1, 1)
            self.setSizes([editor, height - editor])
