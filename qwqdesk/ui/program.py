"""The program from its first window to its last save: opens the parts, and closes them in reverse.

The window shows first; pages, engine and model come after it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from qwqdesk.chosen_folders import with_chosen_models
from qwqdesk.diagnostics import LoadingMarker, install_hooks, start_fault_log, start_log
from qwqdesk.errors import UserError
from qwqdesk.paths import DataDirs
from qwqdesk.settings import load_settings
from qwqdesk.ui.theme import Theme
from qwqdesk.ui.window import Window
from qwqdesk.window_lock import WindowLock

if TYPE_CHECKING:
    import asyncio

    from qwqdesk.session import Session
    from qwqdesk.ui.desk import Desk
    from qwqdesk.ui.workspace import Workspace

_log = logging.getLogger("qwqdesk")
ALREADY_OPEN = UserError(
    "QwQ Desk is already open with these chats.",
    "Both windows save into one history; the other window keeps the downloads.",
)
_PAINT_MS = 1000  # for the first picture; a window that nothing shows (minimized) gets none
_STOP_SECONDS = 1.5  # for streaming lanes to save what they wrote


class Program:
    """One run of the program with a window. Making it shows the window, still empty; it needs no
    event loop yet, which takes a while to import.
    """

    def __init__(self, app: QApplication, dirs: DataDirs) -> None:
        self._app = app
        self._troubles: list[UserError] = []
        self.workspace: Workspace
        loaded = load_settings(dirs.settings)
        self._dirs = with_chosen_models(dirs, loaded.settings)
        self._prepare_folders()
        self._stop_log: Callable[[], None] = start_log(dirs.logs)
        self._troubles += [UserError(problem, "") for problem in loaded.problems]
        settings = loaded.settings
        theme = Theme(self._app, settings.theme, settings.text_size)
        theme.set_reduce_motion(settings.reduce_motion)
        self.window = Window(settings.window_geometry)
        show_first(app, self.window)
        _log.info("the window is open")

    async def open(self, stack: AsyncExitStack, closing: asyncio.Event) -> None:
        """Import and make what stands in the window, and the engine behind it; `stack` closes it
        all, and `closing` is set when the user closes the window.
        """
        import asyncio

        from qwqdesk.model_hash import ModelHashes
        from qwqdesk.new_engine import new_engine
        from qwqdesk.session import Session
        from qwqdesk.ui.base import FocusRings
        from qwqdesk.ui.clipboard import hand_over_clipboard
        from qwqdesk.ui.desk import Desk
        from qwqdesk.ui.garbage import MainThreadGarbage
        from qwqdesk.ui.opening import open_history
        from qwqdesk.ui.report import Reports
        from qwqdesk.ui.warm_up import import_pages
        from qwqdesk.ui.workspace import Workspace

        self.window.closed.connect(closing.set)
        stack.callback(hand_over_clipboard)
        stack.callback(self._stop_log)
        stack.callback(self.window.deleteLater)
        FocusRings(self._app)
        stack.callback(MainThreadGarbage(self._app).start())
        reports = Reports(self._app)
        stack.callback(start_fault_log(self._dirs.logs))
        stack.callback(install_hooks(reports.from_hook))
        asyncio.get_running_loop().set_exception_handler(reports.from_loop)
        lock = WindowLock(self._dirs.window_lock)
        stack.callback(lock.give_back)
        if not lock.take():
            self._troubles.append(ALREADY_OPEN)
        tell = self._troubles.append
        history = await open_history(self._dirs.database, self.window.say, tell)
        stack.callback(history.close)
        if closing.is_set():  # by the user, who did not want to wait for the history
            return
        engine = new_engine(self._dirs)
        stack.callback(engine.close)
        marker = LoadingMarker(self._dirs.loading_marker)
        crash = marker.previous_crash()
        session = Session(engine, history, marker, ModelHashes(self._dirs.models))
        stack.push_async_callback(_stop_runs, session)
        settings = load_settings(self._dirs.settings).settings
        desk = Desk(self._dirs, settings, history, session, reports.show)
        desk.downloads.share(lock.take)
        stack.callback(desk.downloads.close)
        self.window.closed.connect(lambda: desk.change(window_geometry=self.window.geometry_text))
        self.workspace = Workspace(desk)
        reports.set_window(self.workspace)
        stack.push_async_callback(self.workspace.end)
        self.window.may_close = self.workspace.closing.may_close
        self.window.fill(self.workspace)
        for trouble in self._troubles:
            self.workspace.show_trouble(trouble)
        self.workspace.start(crash)
        self.workspace.tasks.start(import_pages(), "warm up")
        self._go_on_downloading(desk)
        _log.info("the window is filled")

    def _prepare_folders(self) -> None:
        try:
            self._dirs.create()
        except UserError as error:
            self._troubles.append(error)

    def _go_on_downloading(self, desk: Desk) -> None:
        try:
            desk.downloads.start()
        except UserError as error:  # no address for the hub
            self.workspace.show_trouble(error)


def show_first(app: QApplication, window: Window) -> None:
    """Show it, and wait until its grounds are painted.

    The window manager asks for them only when it has put its frame around the window. Imports come
    next and answer nobody, so that without waiting the window would be black as long as they take.
    """
    flags = QEventLoop.ProcessEventsFlag
    painted: list[bool] = []
    limit = QTimer()
    limit.setSingleShot(True)
    limit.start(_PAINT_MS)
    window.painted.connect(lambda: painted.append(True))
    window.show()
    while not painted and limit.isActive():
        app.processEvents(flags.ExcludeUserInputEvents | flags.WaitForMoreEvents)
    limit.stop()
    app.processEvents(flags.ExcludeUserInputEvents)  # the picture goes to the display


async def _stop_runs(session: Session) -> None:
    """Stop what runs and wait until it is saved, for a moment at most."""
    import asyncio

    session.stop()
    loop = asyncio.get_running_loop()
    end = loop.time() + _STOP_SECONDS
    while session.running and loop.time() < end:
        await asyncio.sleep(0.02)
    with suppress(UserError):  # there was time to say it; what is saved so far stays
        session.unsaved.save_again()
