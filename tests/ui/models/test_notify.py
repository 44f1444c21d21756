"""A notification reaches a service on a session bus of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_SERVICE = """
import threading
from jeepney import DBusAddress, MessageType, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection
from qwqdesk.ui.models.notify import notify

bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
assert not notify("nobody listens")
service = open_dbus_connection(bus="SESSION")
name = "org.freedesktop.Notifications"
service.send_and_get_reply(new_method_call(bus, "RequestName", "su", (name, 0)))

def serve():
    while True:
        call = service.receive()
        if call.header.message_type == MessageType.method_call:
            print(call.body[3], "|", call.body[4], flush=True)
            service.send(new_method_return(call, "u", (1,)))
            return

thread = threading.Thread(target=serve)
thread.start()
assert notify("Q4_K_M is in the library", "a <b> & c")
thread.join()
service.close()
"""


@pytest.mark.skipif(shutil.which("dbus-run-session") is None, reason="there is no D-Bus here")
def test_a_service_gets_the_words_and_no_markup() -> None:
    command = ["dbus-run-session", "--", sys.executable, "-c", _SERVICE]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "Q4_K_M is in the library | a &lt;b&gt; &amp; c\n", done.stderr
