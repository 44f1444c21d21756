"""The bar above a conversation: sidebar, model, mode, seed, add a lane, and more."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from qwqdesk.ui.base import IconButton, button, panel
from qwqdesk.ui.mode_picker import FairnessBadge, ModePicker
from qwqdesk.ui.model_picker import ModelPicker
from qwqdesk.ui.seed_field import SeedField
from qwqdesk.ui.theme import theme

HEIGHT = 48
# px of the bar at 100 % text size, below which it says less.
_SHORT_BELOW, _ICONS_BELOW = 1120, 740


class Toolbar(QFrame):
    """48 px; the controls are public, the page connects them."""

    sidebar_wanted = Signal()
    add_lane_wanted = Signal()

    def __init__(self, more: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setAccessibleName("Toolbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "window")
        self.setProperty("edge", "bottom")
        self.sidebar = IconButton(
            "panel-left", "Sidebar", shortcut="Ctrl+B", size=18, name="sidebarButton",
            clicked=self.sidebar_wanted.emit,
        )  # fmt: skip
        self.model = ModelPicker()
        self.badge = FairnessBadge()
        self.mode = ModePicker()
        self.seed = SeedField()
        self.add_lane = button(
            "Add lane", "plus", name="addLaneButton", clicked=self.add_lane_wanted.emit
        )
        self.add_lane.setToolTip("Add a lane with the last one's settings  Ctrl+T")
        self.more = IconButton("ellipsis", "More", name="moreButton")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(more)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self.sidebar)
        self._row.addWidget(self.model, 1)
        for part in (self.badge, self.mode, self.seed, self.add_lane, self.more):
            self._row.addWidget(part)
        theme().changed.connect(self._fit)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Heights by the text size, words by the width."""
        px = theme().px
        self.setFixedHeight(px(HEIGHT))
        self._row.setContentsMargins(px(16), 0, px(16), 0)
        self._row.setSpacing(px(8))
        icons = self.width() < px(_ICONS_BELOW)
        self.badge.set_short(self.width() < px(_SHORT_BELOW))
        self.badge.set_shrunk(icons)
        self.seed.set_short(icons)
        self.add_lane.setText("" if icons else "Add lane")


class PageBar(QFrame):
    """The bar above the other pages: the sidebar's button, the page's title, and its acts."""

    sidebar_wanted = Signal()

    def __init__(self, title: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "window")
        self.setProperty("edge", "bottom")
        self.setFixedHeight(px(HEIGHT))
        row = QHBoxLayout(self)
        row.setContentsMargins(px(16), 0, px(16), 0)
        row.setSpacing(px(8))
        row.addWidget(
            IconButton(
                "panel-left", "Sidebar", shortcut="Ctrl+B", size=18,
                clicked=self.sidebar_wanted.emit,
            )
        )  # fmt: skip
        row.addWidget(title)
        row.addStretch(1)
        self._row = row

    def add(self, act: QWidget) -> None:
        """What the page offers as a whole, at the right."""
        self._row.addWidget(act)


def page_frame(name: str) -> QFrame:
    """The frame of a page, on `surface`."""
    made = panel("surface", name=name)
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    made.setProperty("ring", "none")
    return made
