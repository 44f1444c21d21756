"""Opens the history beside the window, and says what it waits for where that takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.store.history import History

SLOW_SECONDS: Final = 0.3  # after which the window says what it waits for
_WORDS: Final = "Opening the history…"
_NOT_KEPT: Final = (
    "Its chats are shown; what you write now stays in memory until you close the window."
)


async def open_history(
    path: Path, say: Callable[[str], object], tell: Callable[[UserError], object]
) -> History:
    """The history, or one in memory where it cannot be used.

    A worker opens it: an old one is copied and brought up to date, and a damaged one read row by
    row, which takes seconds. One that cannot be written is shown all the same.

    Args:
        path: of its file.
        say: shows in the window what it waits for; "" when it waits no longer.
        tell: takes what the user should know.
    """
    slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, say, _WORDS)
    try:
        history = await asyncio.to_thread(History, path)
    except UserError as error:
        history = await asyncio.to_thread(_replacement, path, error, tell)
    finally:
        slow.cancel()
        say("")
    for notice in history.notices:
        tell(UserError(notice, ""))
    return history


def _replacement(path: Path, error: UserError, tell: Callable[[UserError], object]) -> History:
    """A history in memory, with what can be read of the one that cannot be used."""
    if error.code == "read_only" and path.is_file():
        with suppress(UserError):
            history = History(None, copy_of=path)
            tell(UserError(f"{error.what} {_NOT_KEPT}", error.what_to_do))
            return history
    tell(UserError(f"{error.what} {error.what_to_do}", "What you write now is not kept."))
    return History(None)
