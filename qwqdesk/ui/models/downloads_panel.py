"""The downloads panel at the bottom of the models page: its head, and the table that folds."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from qwqdesk.ui.base import ElideLabel, IconButton, button, label, set_button_icon
from qwqdesk.ui.icons import IconLabel
from qwqdesk.ui.models.downloads_acts import DownloadActs
from qwqdesk.ui.models.downloads_limit import SpeedLimitMenu, limit_words
from qwqdesk.ui.models.downloads_look import summary
from qwqdesk.ui.models.downloads_model import shown_rows
from qwqdesk.ui.models.downloads_paint import ROW
from qwqdesk.ui.models.downloads_table import DownloadsTable
from qwqdesk.ui.pages import Shell
from qwqdesk.ui.theme import scaled, theme

NUMBERS_MS = 500
_HEAD, _ROWS_SHOWN = 40, 4
_ACTIVE = ("downloading", "stalled", "retrying", "waiting", "checking", "verifying")


class DownloadsPanel(QFrame):
    """All downloads. It is hidden while there are none."""

    def __init__(self, shell: Shell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("downloadsPanel")
        self.setAccessibleName("Downloads")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "window")
        self.setProperty("edge", "top")
        self._desk = shell.desk
        self._folded = False
        self._table = DownloadsTable()
        self._acts = DownloadActs(shell, self._table, self)
        self._summary = ElideLabel("", "small", "text2")
        self._limit = button(limit_words(0), "gauge", "flat", small=True, name="speedLimit")
        self._all = button("Pause all", "pause", "flat", small=True, name="pauseAll")
        self._fold = IconButton("chevron-down", "Fold the downloads", name="foldDownloads")
        self._menu = SpeedLimitMenu(self._desk, self)
        self._limit.setMenu(self._menu)
        self._all.clicked.connect(self._acts.toggle_all)
        self._fold.clicked.connect(self.toggle_fold)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 1, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head())
        column.addWidget(self._table)
        self._numbers = QTimer(self)
        self._numbers.setInterval(NUMBERS_MS)
        self._numbers.timeout.connect(self.refresh)
        shell.watch.changed.connect(self.refresh)
        self._acts.led.connect(self.refresh)
        self._desk.settings_changed.connect(self._show_limit)
        self._show_limit()
        self.hide()
        self.refresh()

    def _head(self) -> QWidget:
        px = theme().px
        head = QWidget()
        scaled(head, height=_HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(px(16), 0, px(12), 0)
        row.setSpacing(px(8))
        row.addWidget(IconLabel("cloud-download", "text"))
        row.addWidget(label("Downloads", "name"))
        row.addWidget(self._summary, 1)
        for each in (self._limit, self._all, self._fold):
            row.addWidget(each)
        return head

    # ------------------------------------------------------------ what is shown

    def refresh(self) -> None:
        """Show the downloads as they are now."""
        downloads = self._desk.downloads
        rows = downloads.rows
        offline = bool(rows) and downloads.offline
        self._table.show_rows(self._acts.after_steps(shown_rows(rows, offline=offline)))
        self._summary.setText(summary(rows))
        self._summary.setAccessibleName(f"Downloads: {summary(rows)}")
        self._show_all_button()
        self._fit()
        self.setVisible(bool(rows))
        self._run_numbers()

    def toggle_fold(self) -> None:
        """Show the rows, or the head alone."""
        self._folded = not self._folded
        self._table.setVisible(not self._folded)
        self._fold.set_icon("chevron-up" if self._folded else "chevron-down")
        self._fold.set_words("Show the downloads" if self._folded else "Fold the downloads")
        self._fit()

    def _show_all_button(self) -> None:
        resume = self._acts.all_would_resume()
        words = "Resume all" if resume else "Pause all"
        if self._all.text() != words:
            self._all.setText(words)
            self._all.setAccessibleName(words)
            set_button_icon(self._all, "play" if resume else "pause")
        self._all.setEnabled(self._acts.can_toggle_all())

    def _show_limit(self, *_: object) -> None:
        words = limit_words(self._desk.settings.speed_limit)
        self._limit.setText(words)
        self._limit.setAccessibleName(f"Speed limit: {words}")

    def _fit(self) -> None:
        rows = min(len(self._desk.downloads.rows), _ROWS_SHOWN)
        self._table.setFixedHeight(theme().px(ROW) * rows)

    # ------------------------------------------------------------ numbers, twice a second

    def _run_numbers(self) -> None:
        """Only while something moves and somebody looks."""
        rows = self._desk.downloads.rows
        moves = any(row.status.state in _ACTIVE for row in rows)
        if moves and self.isVisible():
            if not self._numbers.isActive():
                self._numbers.start()
        else:
            self._numbers.stop()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._run_numbers()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        super().hideEvent(event)
        self._numbers.stop()

    def buttons(self) -> tuple[QPushButton, QPushButton, IconButton]:
        """The head's buttons in their order."""
        return self._limit, self._all, self._fold
