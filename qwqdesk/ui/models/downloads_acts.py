"""What the buttons, keys and menus of the downloads do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QScrollArea, QWidget

from qwqdesk.errors import UserError
from qwqdesk.ui.base import announce
from qwqdesk.ui.models.downloads_look import Step
from qwqdesk.ui.models.downloads_model import ShownRow
from qwqdesk.ui.models.downloads_table import DownloadsTable
from qwqdesk.ui.pages import Shell

_GOING = ("queued", "downloading", "stalled", "retrying", "waiting", "checking", "verifying")
_STOPPED = ("paused",)
_LEADING: tuple[Step, ...] = ("token", "page", "space")


class DownloadActs(QObject):
    """Acts on the queue. After a step that leads elsewhere, the row offers to try again: `led`."""

    led = Signal()

    def __init__(self, shell: Shell, table: DownloadsTable, parent: QWidget) -> None:
        super().__init__(parent)
        self._shell, self._table = shell, table
        self._downloads = shell.desk.downloads
        self._led: set[str] = set()
        table.wanted.connect(self.act)
        table.dropped.connect(self._dropped)

    def act(self, item: str, act: str) -> None:
        """Do one thing with a download; nothing when it has left meanwhile."""
        place = self._table.place(item)
        if place < 0:
            return
        queue = self._downloads.queue
        acts: dict[str, Callable[[], object]] = {
            "pause": lambda: queue.pause(item),
            "resume": lambda: queue.resume(item),
            "again": lambda: queue.resume(item),
            "restart": lambda: queue.resume(item, restart=True),
            "no_token": lambda: queue.resume(item, anonymous=True),
            "step": lambda: self._step(item, self._table.row(place).look.step),
            "cancel": lambda: self._shell.watch.remove(item),
            "up": lambda: self._move(item, place, place - 1),
            "down": lambda: self._move(item, place, place + 1),
            "first": lambda: self._move(item, place, 0),
            "page": lambda: self._open_page(place),
            "folder": lambda: self._open_folder(place),
        }
        try:
            acts[act]()
        except UserError as error:
            self._shell.desk.trouble.emit(error)

    def _dropped(self, item: str, to: int) -> None:
        self._downloads.queue.move(item, to)

    def toggle_all(self) -> None:
        """Pause all that goes on; when nothing does, resume all that is paused."""
        queue, resume = self._downloads.queue, self.all_would_resume()
        rows = self._downloads.rows
        # The last first, so that no waiting one begins for a moment.
        for row in rows if resume else reversed(rows):
            if resume and row.status.state in _STOPPED:
                queue.resume(row.id)
            elif not resume and row.status.state in _GOING:
                queue.pause(row.id)

    def all_would_resume(self) -> bool:
        """Whether nothing goes on and something is paused."""
        states = [row.status.state for row in self._downloads.rows]
        return not any(s in _GOING for s in states) and any(s in _STOPPED for s in states)

    def can_toggle_all(self) -> bool:
        """Whether there is something to pause or to resume."""
        return any(row.status.state in _GOING + _STOPPED for row in self._downloads.rows)

    def after_steps(self, rows: list[ShownRow]) -> list[ShownRow]:
        """Rows whose step led elsewhere offer to try again."""
        self._led &= {shown.row.id for shown in rows if shown.row.status.state == "failed"}
        return [
            replace(shown, look=replace(shown.look, step="again"))
            if shown.row.id in self._led
            else shown
            for shown in rows
        ]

    # ------------------------------------------------------------ single acts

    def _step(self, item: str, step: Step) -> None:
        queue = self._downloads.queue
        if step in _LEADING:
            self._led.add(item)
            self.led.emit()
        if step == "now":
            queue.try_now(item)
        elif step in ("again", "restart"):
            queue.resume(item, restart=step == "restart")
        elif step == "token":
            self._show_token_field()
        elif step == "page":
            self._open_page(self._table.place(item))
        elif step == "space":
            self._open_folder(self._table.place(item))

    def _show_token_field(self) -> None:
        self._shell.show_page("settings")
        page = self._table.window().findChild(QWidget, "settingsPage")
        field = page.findChild(QWidget, "tokenField") if page is not None else None
        area = page.findChild(QScrollArea) if page is not None else None
        if field is not None and area is not None:
            field.setFocus(Qt.FocusReason.OtherFocusReason)
            # When the page has its size.
            QTimer.singleShot(0, field, partial(area.ensureWidgetVisible, field))

    def _move(self, item: str, place: int, to: int) -> None:
        if 0 <= to < self._table.model().rowCount():
            name = self._table.row(place).title
            self._downloads.queue.move(item, to)
            announce(self._table, f"{name}, now {to + 1} of {self._table.model().rowCount()}")

    def _open_page(self, place: int) -> None:
        repo = self._table.row(place).row.repo
        QDesktopServices.openUrl(QUrl(self._downloads.hub.address.page(repo)))

    def _open_folder(self, place: int) -> None:
        order = self._table.row(place).row.order
        folder = self._shell.desk.dirs.models
        if order is not None and order.target(order.quantization.files[0]).parent.is_dir():
            folder = order.target(order.quantization.files[0]).parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
