"""The real program as a process, driven from inside by a script that the test hands over.

`QWQDESK_SCRIPT` is not known to the program: the process runs this file, which opens the window as
`qwqdesk` does and then lets the script's coroutine work with it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from contextlib import AsyncExitStack
from pathlib import Path

SECONDS = 600  # for what hangs as a whole; what does not happen is noticed by `until`
_HELPERS = """
async def until(true, seconds=60):
    # Counted in turns of the event loop: beside busy programs each takes longer, and so does all.
    import asyncio
    for _ in range(seconds * 50):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")

async def ready(window):
    # A loaded model is told a moment before its load is over; a message in between is refused.
    await until(lambda: window.desk.session.loaded and not window.desk.engine_use)
"""


def start(home: Path, script: str) -> subprocess.Popen[str]:
    """Start the program on a data folder; the script is the body of an async function that has
    `window`, `until`, `ready` and `say`.
    """
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QWQDESK_HOME": str(home),
        "HOME": str(home),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, __file__, textwrap.dedent(script)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )


def run(home: Path, script: str) -> str:
    """Run the program to its end and return what the script said.

    Raises:
        AssertionError: when it failed or took too long; with its output.
    """
    process = start(home, script)
    out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, f"status {process.returncode}\n{out}\n{errors}"
    return out


def _main() -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["QT_API"] = "pyside6"
    import qasync
    from PySide6.QtWidgets import QApplication

    app = QApplication(["qwqdesk"])
    app.setQuitOnLastWindowClosed(False)
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        return runner.run(_live(app))


async def _live(app: object) -> int:
    from qwqdesk.paths import DataDirs
    from qwqdesk.ui.program import Program

    space: dict[str, object] = {}
    body = textwrap.indent(sys.argv[1], "    ")
    exec(f"{_HELPERS}\nasync def script(window, say):\n{body}\n", space)  # noqa: S102 - the test's
    closing = asyncio.Event()
    async with AsyncExitStack() as stack:
        program = Program(app, DataDirs.find(None, os.environ))  # type: ignore[arg-type]
        await program.open(stack, closing)
        await space["script"](program.workspace, print)  # type: ignore[operator]
        program.window.close()
        await closing.wait()
    return 0


if __name__ == "__main__":
    sys.exit(_main())
