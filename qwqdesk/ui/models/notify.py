"""A notification of the desktop, where there is a service for it; silence where there is none.

Windows shows notifications only of installed programs with an identity, which this one has not.

On Linux D-Bus is spoken as the Desktop Notifications Specification 1.2 of freedesktop.org says.
Qt's own D-Bus binding cannot send an unsigned number from Python, which that call needs; jeepney
can.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from qwqdesk.child_process import run_program

SHOWN_MS = 8000
_WAIT_S = 2.0
_SCRIPT = (
    *("-e", "on run argv"),
    *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
    *("-e", "end run"),
)
_log = logging.getLogger(__name__)


def notify(summary: str, body: str = "") -> bool:
    """Show a notification; whether a service took it. Blocks: call it on a worker thread."""
    try:
        if sys.platform == "darwin":
            return _send_to_macos(summary, body)
        return sys.platform.startswith("linux") and _has_bus() and _send(summary, body)
    except Exception as error:  # no service, an odd one, or a library that is missing
        _log.info("no desktop notification: %s", type(error).__name__)
        return False


def _has_bus() -> bool:
    """Whether a session bus is there; none is ever started for this."""
    if os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    return Path(f"/run/user/{os.getuid()}/bus").exists()


def _send(summary: str, body: str) -> bool:
    from jeepney import DBusAddress, MessageType, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    service = DBusAddress(
        "/org/freedesktop/Notifications",
        bus_name="org.freedesktop.Notifications",
        interface="org.freedesktop.Notifications",
    )
    hints = {"desktop-entry": ("s", "qwqdesk")}
    words: tuple[object, ...] = (
        "QwQ Desk",
        0,
        "qwqdesk",
        summary,
        _plain(body),
        [],
        hints,
        SHOWN_MS,
    )
    call = new_method_call(service, "Notify", "susssasa{sv}i", words)
    with open_dbus_connection(bus="SESSION") as connection:
        answer = connection.send_and_get_reply(call, timeout=_WAIT_S)
    return bool(answer.header.message_type == MessageType.method_return)


def _send_to_macos(summary: str, body: str) -> bool:
    """Through AppleScript, to which the words are given as arguments and never as a program."""
    return run_program("/usr/bin/osascript", *_SCRIPT, summary, body, seconds=_WAIT_S) == 0


def _plain(text: str) -> str:
    """A body may hold markup: names of strangers must not."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
