"""Programs that only use the processor, for measuring beside them; a child runs this module.

They have the priority of the program that starts them, so that both have the same right to a core.
They end with it, also when it is killed: their standard input ends then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from qwqdesk.child_process import start_child
from qwqdesk.errors import UserError

_READY = b"."


@contextmanager
def busy_processes(count: int) -> Iterator[tuple[int, ...]]:
    """`count` processes that compute until the block ends; gives their ids when all do.

    Raises:
        UserError: when they cannot be started.
    """
    pipe = subprocess.PIPE
    with ExitStack() as ends:
        started: list[subprocess.Popen[bytes]] = []
        for _ in range(count):
            try:
                process = start_child(__name__, stdin=pipe, stdout=pipe)
            except OSError as error:
                raise _not_started(str(error)) from error
            ends.enter_context(process)  # closes its pipes and waits for it
            ends.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            if process.stdout.read(len(_READY)) != _READY:
                raise _not_started("it ended at once")
        yield tuple(process.pid for process in started)


def _not_started(why: str) -> UserError:
    return UserError(
        f"A process to measure beside could not be started: {why}.",
        "Try a smaller --busy.",
        code="busy",
    )


def _end_with_the_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Compute until standard input ends."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    sys.stdout.buffer.write(_READY)
    sys.stdout.buffer.flush()
    while True:
        pass


if __name__ == "__main__":
    main()
