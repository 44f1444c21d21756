"""What connects the numbers with the page: the shown lanes, their places, and the settings."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QTimer
from PySide6.QtWidgets import QWidget

from qwqdesk.ui.conversation.known_checks import KnownChecks
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.numbers_bar import NumbersPanel
from qwqdesk.ui.conversation.numbers_model import Counted, NumbersCount
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk


class NumbersDesk(QObject):
    """One panel for the page; it counts the shown conversation."""

    def __init__(self, desk: Desk, page: QWidget) -> None:
        super().__init__(page)
        self._desk = desk
        self._view: ConversationView | None = None
        self._asked = False  # a single lane's numbers are shown when somebody asks for them
        self._counted = Counted()
        self.panel = NumbersPanel(page)
        self.panel.set_height(desk.settings.numbers_height)
        self.panel.set_open(desk.settings.numbers_open)
        self.panel.opened.connect(self._opened)
        self.panel.resized.connect(lambda height: desk.change(numbers_height=height))
        self._known = KnownChecks(desk, self)
        self._count = NumbersCount(lambda: self._known.of(self._prompt()), self)
        self._known.changed.connect(self._count.count)
        self._count.counted.connect(self._show)
        self._place_later = QTimer(self)
        self._place_later.setSingleShot(True)
        self._place_later.timeout.connect(self._place)
        self._arrange()

    # ------------------------------------------------------------ what is shown

    def connect_view(self, view: ConversationView) -> None:
        """A new conversation: a click on the numbers of a lane opens all of them."""
        view.columns.made.connect(self.connect_lane)
        view.columns.installEventFilter(self)

    def _prompt(self) -> str:
        return self._view.prompt.text if self._view is not None else ""

    def connect_lane(self, lane: Lane) -> None:
        """A new lane."""
        lane.output.numbersRequested.connect(self.open)

    def show_view(self, view: ConversationView) -> None:
        """This conversation is on the screen now."""
        if view is not self._view:
            self._asked = False
        self._view = view
        self._count.watch(view.comparison)
        self._arrange()

    def toggle(self) -> None:
        """Ctrl+M: open or close the numbers."""
        if self.panel.isVisible():
            self.panel.toggle()
        else:
            self.open()

    def open(self) -> None:
        """Show the table."""
        self._asked = True
        self._arrange()
        if not self.panel.is_open:
            self.panel.toggle()

    def _opened(self, opened: bool) -> None:
        self._asked = opened
        self._desk.change(numbers_open=opened)
        self._arrange()

    def _show(self, counted: Counted) -> None:
        self._counted = counted
        self.panel.show_counted(counted)
        self._arrange()

    def _arrange(self) -> None:
        """The bar belongs to comparisons; in a chat it comes when it is asked for."""
        lanes = len(self._view.lanes) if self._view is not None else 0
        written = bool(self._counted.labels)
        self.panel.setVisible((written and lanes > 1) or self._asked)
        if lanes == 1 and self._asked and not self.panel.is_open:
            self.panel.set_open(True)
        self._place_later.start()

    # ------------------------------------------------------------ places

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Resize:
            self._place_later.start()
        return super().eventFilter(watched, event)

    def _room(self, view: ConversationView) -> int:
        """Pixels that the page has for the table when the lanes keep a few lines of text."""
        page = self.panel.parentWidget()
        layout = page.layout() if page is not None else None
        if page is None or layout is None:
            return 0
        room = page.height() - self.panel.head_height - view.least_height()
        for number in range(layout.count()):
            item = layout.itemAt(number)
            part = item.widget() if item is not None else None
            if item is None or item.isEmpty() or part is self.panel:
                continue
            if part is None or not part.isAncestorOf(view):
                room -= max(item.geometry().height(), item.minimumSize().height())
        return room

    def _place(self) -> None:
        """The columns stand under their lanes where each of them has one."""
        if self._view is None or not self.panel.isVisible():
            return
        self.panel.set_room(self._room(self._view))
        lanes = {lane.label: lane for lane in self._view.lanes}
        zero = QPoint(0, 0)
        shown = [lanes[label] for label in self._counted.labels if label in lanes]
        origin = self.panel.mapToGlobal(zero).x()
        lefts = [lane.mapToGlobal(zero).x() - origin for lane in shown]
        self.panel.table.set_lane_places(lefts if len(shown) == len(lanes) else ())
