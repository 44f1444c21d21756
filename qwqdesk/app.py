"""Opening the window: is there a display, the event loop, and the order in which things live.

Settings, history, engine and window are entered in this order and left in reverse. Nothing native
of llama.cpp is loaded before the window shows.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from qwqdesk.errors import UserError
from qwqdesk.paths import DataDirs
from qwqdesk.ui.display_check import loadable_platforms, qt_missing, reachable_platforms

if TYPE_CHECKING:
    import asyncio

    from PySide6.QtWidgets import QApplication

    from qwqdesk.ui.program import Program

_SIGNAL_POLL_MS = 200  # Python's signal handlers run only when Python code runs
_WORKERS = 4


def open_window(words: Sequence[str], dirs: DataDirs) -> int:
    """Open the window and wait until it is closed; returns the exit status.

    Raises:
        UserError: when no window can be shown, before Qt has started.
    """
    if words:
        raise UserError(
            f"The window takes no {words[0]!r}.",
            "Run qwqdesk --help to see the commands.",
            code="usage",
        )
    app = _make_application()
    from qwqdesk.ui.program import Program

    program = Program(app, dirs)
    # The window stands; what follows takes as long again to import.
    os.environ.setdefault("QT_API", "pyside6")
    import asyncio

    import qasync

    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        return runner.run(_live(app, program))


def _make_application() -> QApplication:
    platforms = reachable_platforms(os.environ, sys.platform)
    try:
        import PySide6
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        raise qt_missing(error) from error
    folder = Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms"
    if platforms and folder.is_dir():
        os.environ["QT_QPA_PLATFORM"] = ";".join(loadable_platforms(platforms, folder))
    app = QApplication(["qwqdesk"])
    app.setApplicationName("QwQ Desk")
    app.setDesktopFileName("qwqdesk")
    app.setQuitOnLastWindowClosed(False)
    return app


async def _live(app: QApplication, program: Program) -> int:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_WORKERS, thread_name_prefix="qwqdesk"))
    closing = asyncio.Event()
    _close_on_signals(app, loop, closing)
    async with AsyncExitStack() as stack:
        await program.open(stack, closing)
        await closing.wait()
    return 0


def _close_on_signals(
    app: QApplication, loop: asyncio.AbstractEventLoop, closing: asyncio.Event
) -> None:
    import signal

    from PySide6.QtCore import QTimer

    def on_signal(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(closing.set)

    signal.signal(signal.SIGTERM, on_signal)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # a job in a script's background
        signal.signal(signal.SIGINT, on_signal)
    poll = QTimer(app)
    poll.setInterval(_SIGNAL_POLL_MS)
    poll.timeout.connect(lambda: None)
    poll.start()
