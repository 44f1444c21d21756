"""Where errors of the program itself end: one report box at a time, from any thread."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from qwqdesk.errors import UserError
from qwqdesk.ui.dialogs import report_error

_log = logging.getLogger("qwqdesk")


class Reports(QObject):
    """Shows uncaught exceptions; while one report is open, further ones only go to the log."""

    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window: QWidget | None = None
        self._open: QDialog | None = None
        # Queued: an exception may come from another thread or from within a paint event.
        self._arrived.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def set_window(self, window: QWidget) -> None:
        """The window that the report box stands over."""
        self._window = window

    def show(self, error: BaseException) -> None:
        """Show an exception that nobody handled; any thread may call."""
        self._arrived.emit(error)

    def from_hook(self, error: BaseException, _where: str) -> None:
        """For `install_hooks`."""
        self.show(error)

    def from_loop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """For the event loop's exception handler."""
        error = context.get("exception")
        _log.error("in the event loop: %s", context.get("message"), exc_info=error)
        if isinstance(error, BaseException):
            self.show(error)

    def _show(self, error: BaseException) -> None:
        if self._open is not None or isinstance(error, asyncio.CancelledError):
            return
        if isinstance(error, UserError) and self._window is not None:
            show_trouble = getattr(self._window, "show_trouble", None)
            if show_trouble is not None:
                show_trouble(error)
                return
        self._open = report_error(self._window, error)
        self._open.destroyed.connect(self._closed)

    def _closed(self) -> None:
        self._open = None
